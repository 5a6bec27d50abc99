"""The plain way of a translation: the commonest request and the commonest reply, in one step each.

Nearly all traffic is plain: a text, a few numbers, a text back. A pair of shapes that has a plain
way recognises such requests and replies strictly, and gives exactly what its general way gives for
them. The general way does all the rest, and stays the one that says what is right.
"""

from collections.abc import Callable, Sequence

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, StreamTranslation, Translation

PlainReply = Callable[[object, Json, Context], Json | None]
"""Folds an upstream's reply to the body that was sent, or returns None: it is not plain."""

General = Callable[[Json, Context, Report], Translation]
"""Translates any request, and notes in the report what becomes of it."""


class PlainTranslation:
    """A plain request on its way to another endpoint, and the way back (a `Translation`).

    The general translation is made of the same request once something turns out not to be plain.
    """

    __slots__ = ("_general", "_make_general", "_plain_reply", "_request", "calls", "report")

    def __init__(
        self,
        request: tuple[Json, Context],
        call: Json,
        report: Report,
        plain_reply: PlainReply,
        general: General,
    ) -> None:
        self._request = request
        self._plain_reply = plain_reply
        self._make_general = general
        self._general: Translation | None = None
        self.report = report
        self.calls: Sequence[Json] = [call]

    def local_reply(self) -> Json | None:
        """Return None: there is something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the reply into the client's; raises `UpstreamError`."""
        if len(replies) == 1:
            folded = self._plain_reply(replies[0], self.calls[0], self._request[1])
            if folded is not None:
                return folded
        return self._in_general().reply(replies)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return self._in_general().stream()

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter."""
        return self._in_general().client_param(call, param)

    def _in_general(self) -> Translation:
        # The same report: something may be noted there already, and a reply can add to it.
        if self._general is None:
            self._general = self._make_general(*self._request, self.report)
        return self._general


def copy_numbers(body: Json, sent: Json, ranges: Sequence[tuple[str, float, float]]) -> bool:
    """Copy the numbers that are there, in the order of `ranges`; False: one is out of its range."""
    for name, least, most in ranges:
        if name in body:
            value = body[name]
            if (type(value) is not float and type(value) is not int) or not least <= value <= most:
                return False
            sent[name] = value
    return True
