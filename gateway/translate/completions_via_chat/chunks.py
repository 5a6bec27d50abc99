"""Writes the chunks of one completions stream for its client."""

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id


class CompletionChunks:
    """The chunks of a stream; the first value of each field that all of them have is kept.

    Some servers change the id, or stamp each chunk with its own time. `keeps_id`: the client's id
    is derived from the server's. `include_usage`: the client wants the usage, so that every chunk
    has the field.
    """

    def __init__(self, context: Context, *, keeps_id: bool, include_usage: bool) -> None:
        self._context = context
        self._include_usage = include_usage
        self._names = ("id", "created", "model") if keeps_id else ("created", "model")
        self._seen: Json = {}
        self._pinned: Json | None = None

    def note(self, event: Json) -> None:
        """Take the identity of a chunk; empty values (Azure's first chunk) do not count."""
        if self._pinned is not None and "system_fingerprint" in self._seen:
            return
        for name in self._names:
            if event.get(name):
                self._seen.setdefault(name, event[name])
        fingerprint = event.get("system_fingerprint")
        if isinstance(fingerprint, str):
            self._seen.setdefault("system_fingerprint", fingerprint)

    def chunk(self, choices: list[Json]) -> Json:
        """Return a chunk with these choices; its common fields do not change after it."""
        chunk: Json = {**self._fields(), "choices": choices}
        if self._include_usage:
            chunk["usage"] = None
        return chunk

    def _fields(self) -> Json:
        seen = self._seen
        if self._pinned is None:
            self._pinned = {
                "id": swap_id(seen.get("id"), Shape.COMPLETIONS, self._context),
                "object": "text_completion",
                "created": created(seen.get("created"), self._context),
                "model": model_name(seen.get("model"), self._context),
            }
        if "system_fingerprint" in seen:
            # vLLM sends it with the last chunk only.
            self._pinned["system_fingerprint"] = seen["system_fingerprint"]
        return self._pinned
