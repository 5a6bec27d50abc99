"""Chat clients on models that live at a completions endpoint only: base and instruct models.

The messages become one prompt (`prompt/write.py`), and the text that the model continues it with
becomes the assistant's message.
"""

from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_completions.reply import fold_replies
from gateway.translate.chat_via_completions.request import client_param, prepare
from gateway.translate.chat_via_completions.stream import ChatStream
from gateway.translate.contract import Context, Report, StreamTranslation, Translation


class ChatViaCompletions:
    """One chat request on its way to a completions endpoint."""

    def __init__(self, body: Json, context: Context) -> None:
        self.report = Report(Shape.CHAT, Shape.COMPLETIONS)
        self._context = context
        self._request = prepare(body, context, self.report)

    @property
    def calls(self) -> Sequence[Json]:
        """One body, or one per choice where the server cannot generate several."""
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
    """Translate a chat request for a completions endpoint.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    return ChatViaCompletions(body, context)
