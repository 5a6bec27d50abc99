"""Chat clients on models that live at the responses endpoint only."""

from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.client_paths import client_param
from gateway.translate.chat_via_responses.reply import fold_replies
from gateway.translate.chat_via_responses.request import prepare
from gateway.translate.chat_via_responses.stream import ChatStream
from gateway.translate.contract import Context, Report, StreamTranslation, Translation


class ChatViaResponses:
    """One chat request on its way to a responses endpoint."""

    def __init__(self, body: Json, context: Context, report: Report) -> None:
        self.report = report
        self._context = context
        self._request = prepare(body, context, report)

    @property
    def calls(self) -> Sequence[Json]:
        """One body per choice: a responses endpoint knows no `n`."""
        return self._request.calls

    def local_reply(self) -> Json | None:
        """Return None: there is always something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Return the chat completion; raises `UpstreamError`."""
        return fold_replies(replies, self._request, self._context)

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return ChatStream(self._request, self._context)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's name of an upstream parameter; the same for every call."""
        return client_param(self._request, param)


def translate(body: Json, context: Context) -> Translation:
    """Translate a chat request for a responses endpoint.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    return ChatViaResponses(body, context, Report(Shape.CHAT, Shape.RESPONSES))
