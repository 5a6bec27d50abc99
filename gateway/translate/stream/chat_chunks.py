"""Writes the chunks of one chat stream for its client."""

from gateway.shapes import Json


class ChatChunks:
    """Makes the chunks of a stream; `include_usage`: the client has asked for the usage.

    Then every chunk has the field `usage`, null in all but the last one.
    """

    def __init__(self, *, include_usage: bool) -> None:
        self.include_usage = include_usage
        self.identity: Json = {}
        """The fields that all chunks have; empty until the stream has begun."""

    def begin(self, chat_id: str, created: int, model: str) -> None:
        """Set the fields that all chunks have."""
        self.identity = {
            "id": chat_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }

    def announced(self, choices: int) -> list[Json]:
        """Return the first chunks, one for each choice, with its role."""
        return [
            self.choice({"role": "assistant", "content": "", "refusal": None}, index=index)
            for index in range(choices)
        ]

    def choice(
        self, delta: Json, reason: str | None = None, index: int = 0, logprobs: Json | None = None
    ) -> Json:
        """Return a chunk with a delta of one choice."""
        return self.chunk(
            [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}]
        )

    def end(self, usage: Json | None) -> list[Json]:
        """Return the chunk with the usage, if it is known and the client wants it."""
        wanted = usage is not None and self.include_usage
        return [{**self.chunk([]), "usage": usage}] if wanted else []

    def chunk(self, choices: list[Json]) -> Json:
        """Return a chunk with these choices."""
        chunk: Json = {**self.identity, "choices": choices}
        if self.include_usage:
            chunk["usage"] = None
        return chunk
