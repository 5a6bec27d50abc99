"""The half of a translation that all pairs of shapes share."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, StreamTranslation


class Prepared(Protocol):
    """A client's request as a pair has prepared it: what is sent, and how errors are named."""

    @property
    def calls(self) -> Sequence[Json]:
        """The upstream request bodies, in order."""

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named in an error to `call`.

        None when the client's request has no such parameter.
        """


Request = TypeVar("Request", bound=Prepared)


class PairTranslation(Generic[Request]):
    """The translation of one request by a pair of shapes (a `Translation`).

    `fold` makes the client's reply from the replies to all calls; `stream` is the class that folds
    their streams. `local_reply` is the reply to a request that needs no call.
    """

    def __init__(
        self,
        request: Request,
        context: Context,
        report: Report,
        fold: Callable[[Sequence[Json], Request, Context], Json],
        stream: Callable[[Request, Context], StreamTranslation],
        local_reply: Json | None = None,
    ) -> None:
        self.report = report
        self.calls = request.calls
        self._request = request
        self._context = context
        self._fold = fold
        self._stream = stream
        self._local_reply = local_reply

    def local_reply(self) -> Json | None:
        """Return the reply that needs no upstream call, or None."""
        return self._local_reply

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the whole replies of all calls, in call order; raises `UpstreamError`."""
        return self._fold(replies, self._request, self._context)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return self._stream(self._request, self._context)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter; None if it has no equivalent."""
        return self._request.client_param(call, param)
