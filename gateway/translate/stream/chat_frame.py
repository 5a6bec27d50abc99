"""The frame of a stream of chat chunks, whatever its deltas are made of."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

from gateway.shapes import Json
from gateway.translate.contract import StreamTranslation
from gateway.translate.parts.content.sources import StreamedSources
from gateway.translate.stream.chat_chunks import ChatChunks


class ChatFrame(StreamTranslation):
    """Folds the streams of all calls into one stream of chat chunks; subclasses make the deltas.

    `choices` is how many choices the client gets. openai-python's stream helper decides the
    grammar: every index must first appear in ascending order, its role once, its finish reason once
    and after all else, and the usage last.
    """

    def __init__(self, calls: int, choices: int, *, include_usage: bool) -> None:
        self._chunks = ChatChunks(include_usage=include_usage)
        self._choices = choices
        self._open = set(range(calls))
        """The calls whose streams have not ended."""
        self._usages: list[object] = [None] * calls
        self._sources = StreamedSources(calls)

    def end(self, call: int) -> list[Json]:
        """Take the end of one call's stream, which ends its choices.

        Raises `TruncatedStream` if a choice has no finish reason.
        """
        if call not in self._open:
            return []
        chunks = self._close(call)
        self._open.discard(call)
        if self._open or not self._chunks.include_usage:
            return chunks
        return chunks + self._chunks.end(self._total_usage(self._usages))

    @abstractmethod
    def _close(self, call: int) -> list[Json]:
        """Return the chunks that end a call's choices; raises as `end` does."""

    @abstractmethod
    def _total_usage(self, usages: Sequence[object]) -> Json | None:
        """Return the usage of all calls; None if any call's is unknown."""

    def _opened(self, identity: Callable[[], Json]) -> list[Json]:
        """Return the first chunks, once; `identity` makes the fields that all chunks have."""
        if self._chunks.identity:
            return []
        self._chunks.identity = identity()
        return self._announced()

    def _announced(self) -> list[Json]:
        """Return the first chunks, which announce every index with its role."""
        return self._chunks.announced(self._choices)

    def _choice_chunk(
        self,
        index: int,
        delta: Json,
        *,
        entries: Sequence[Json] = (),
        finish_reason: str | None = None,
    ) -> Json:
        """Return a chunk with a delta of one choice; `entries` are the logprobs of its text."""
        logprobs = {"content": entries, "refusal": None} if entries else None
        return self._chunks.choice(delta, finish_reason, index=index, logprobs=logprobs)
