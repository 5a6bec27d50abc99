"""Common responses streams as chat streams: one text, after hidden reasoning."""

from gateway.fast.codec import ABSENT
from gateway.fast.streams.responses_reader import ResponsesReader
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import tier, total_usage
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.stream.chat_chunks import ChatChunks


class ResponsesAsChat(ResponsesReader):
    """Folds a common responses stream (a `CommonStream`). `limit` is that of tokens, 0: none."""

    def __init__(self, context: Context, limit: int, *, include_usage: bool) -> None:
        super().__init__(limit)
        self._context = context
        self._chunks = ChatChunks(include_usage=include_usage)

    def ping(self) -> list[Json]:
        """Return nothing: a comment shows that the stream is alive."""
        return []

    def end(self) -> list[Json] | None:
        """Return the usage, if the client wants it; None: the response is not complete."""
        if not self._has_ended:
            return None
        return self._chunks.end(total_usage([self._last["usage"]]))

    def _open(self) -> list[Json]:
        """Return the chunk with the role."""
        first, context = self._first or {}, self._context
        chat_id = swap_id(first["id"], Shape.CHAT, context)
        begun = created(first.get("created_at"), context)
        self._chunks.begin(chat_id, begun, model_name(first.get("model"), context))
        return self._chunks.announced(1)

    def _say(self, text: str) -> list[Json]:
        return [self._chunks.choice({"content": text})]

    def _close(self) -> list[Json]:
        chunks = self._chunks
        end = {**chunks.choice({}, "stop"), **tier(self._last)}
        return [end] if self._phase is ABSENT else [chunks.choice({"phase": self._phase}), end]
