"""Writes the chunks of common chat streams for clients: a text, with or without the usage."""

from gateway.shapes import Json


class ChatChunks:
    """The chunks of one choice; `include_usage`: the client wants the usage in its stream."""

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._identity: Json = {}

    @property
    def is_open(self) -> bool:
        """Whether the stream has begun."""
        return bool(self._identity)

    def open(self, chat_id: str, created: int, model: str) -> Json:
        """Begin the stream; return the chunk with the role."""
        self._identity = {
            "id": chat_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        return self.choice({"role": "assistant", "content": "", "refusal": None})

    def choice(self, delta: Json, reason: str | None = None) -> Json:
        """Return a chunk with a delta of the choice."""
        return self._chunk(
            [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        )

    def end(self, usage: Json | None) -> list[Json]:
        """Return the chunk with the usage, if it is known and the client wants it."""
        wanted = usage is not None and self._include_usage
        return [{**self._chunk([]), "usage": usage}] if wanted else []

    def _chunk(self, choices: list[Json]) -> Json:
        chunk: Json = {**self._identity, "choices": choices}
        if self._include_usage:
            chunk["usage"] = None
        return chunk
