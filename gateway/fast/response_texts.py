"""Common responses streams as chat streams."""

from gateway.fast.codec import ABSENT
from gateway.fast.response_reader import ResponseReader
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import tier, total_usage
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id


class ResponseTexts(ResponseReader):
    """Folds a common responses stream (a `CommonStream`). `limit` is that of tokens, 0: none."""

    def __init__(self, context: Context, limit: int, *, include_usage: bool) -> None:
        super().__init__(limit)
        self._context = context
        self._include_usage = include_usage
        self._identity: Json = {}

    def ping(self) -> list[Json]:
        """Return nothing: a comment shows that the stream is alive."""
        return []

    def end(self) -> list[Json] | None:
        """Return the usage, if the client wants it; None: the response is not complete."""
        if not self._has_ended:
            return None
        usage = total_usage([self._last["usage"]]) if self._include_usage else None
        return [] if usage is None else [{**self._chunk([]), "usage": usage}]

    def _open(self) -> list[Json]:
        """Return the chunk with the role."""
        first, context = self._first or {}, self._context
        self._identity = {
            "id": swap_id(first["id"], Shape.CHAT, context),
            "object": "chat.completion.chunk",
            "created": created(first.get("created_at"), context),
            "model": model_name(first.get("model"), context),
        }
        return [self._choice({"role": "assistant", "content": "", "refusal": None})]

    def _say(self, text: str) -> list[Json]:
        return [self._choice({"content": text})]

    def _close(self) -> list[Json]:
        end = {**self._choice({}, "stop"), **tier(self._last)}
        return [end] if self._phase is ABSENT else [self._choice({"phase": self._phase}), end]

    def _choice(self, delta: Json, reason: str | None = None) -> Json:
        return self._chunk(
            [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        )

    def _chunk(self, choices: list[Json]) -> Json:
        chunk: Json = {**self._identity, "choices": choices}
        if self._include_usage:
            chunk["usage"] = None
        return chunk
