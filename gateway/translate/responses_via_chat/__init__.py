"""Responses clients on models that live at the chat endpoint."""

from collections.abc import Sequence

from gateway.errors import InvalidRequest, UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.responses_via_chat.compaction_stream import CompactionStream
from gateway.translate.responses_via_chat.reply import fold_reply
from gateway.translate.responses_via_chat.request import client_param, prepare
from gateway.translate.responses_via_chat.stream import ResponsesStream


class ResponsesViaChat:
    """One responses request on its way to a chat endpoint, and the way back."""

    def __init__(self, body: Json, context: Context) -> None:
        home = Shape.COMPLETIONS if context.by_way_of_chat else Shape.CHAT
        self.report = Report(Shape.RESPONSES, home, items=context.items)
        self._context = context
        self._request = prepare(body, context, self.report)
        self.calls: Sequence[Json] = (self._request.call,)

    def local_reply(self) -> Json | None:
        """Return None: there is always something to generate."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Return the response; raises `UpstreamError`."""
        if len(replies) != 1:
            raise UpstreamError(f"The upstream answered {len(replies)} times to one call.")
        return fold_reply(replies[0], self._request, self._fold())

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return self._fold()

    def _fold(self) -> ResponsesStream:
        fold = CompactionStream if self._request.compacts else ResponsesStream
        return fold(self._request, self._context)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's name of a chat parameter; None where the client has none such."""
        return client_param(self._request, param)


def translate(body: Json, context: Context) -> Translation:
    """Translate a responses request for a chat endpoint.

    `body` is not changed. Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's
    parameter.
    """
    try:
        return ResponsesViaChat(body, context)
    except InvalidRequest as error:
        if context.items is None or error.param is None:
            raise
        raise error.renamed(context.items.client_path(error.param)) from None
