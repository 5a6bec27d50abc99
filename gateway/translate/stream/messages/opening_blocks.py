"""Blocks that are in `message_start` already, where Anthropic's has none.

Anthropic's SDKs put the blocks of the stream after them. Some servers repeat them as blocks of the
stream, with the same index: each is taken once, in its longest form.
"""

from collections.abc import Iterator

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.messages.block_deltas import TEXTS, block_events, taken_apart

_IDENTITY = ("type", "id", "name", "data")
"""The fields in which two forms of one block cannot differ."""
_GROWING = ("text_delta", "thinking_delta")
"""The types of deltas that have a piece of a text."""


class OpeningBlock:
    """One block of `message_start`, and the part of it that the stream has not repeated."""

    def __init__(self, index: int, block: Json) -> None:
        self.index = index
        self._block = block
        self._deltas = taken_apart(block)[1]
        self._repeated = 0
        """How many characters of the block's text the stream has repeated."""

    def events(self) -> Iterator[Json]:
        """Yield the block's events, for a stream that does not repeat it."""
        return block_events(self.index, self._block)

    def begin(self, event: Json) -> None:
        """Take the event that begins the block again; raises `UpstreamError` for another block."""
        again = event.get("content_block")
        if not isinstance(again, dict):
            return
        for name in _IDENTITY:
            if again.get(name) and self._block.get(name) and again[name] != self._block[name]:
                raise _contradiction()
        for delta in taken_apart(again)[1]:
            self._take(delta)

    def take(self, event: Json) -> None:
        """Take a delta of the block; raises `UpstreamError` if its text differs."""
        delta = event.get("delta")
        if isinstance(delta, dict):
            self._take(delta)

    def flush(self) -> list[Json]:
        """Return the events with what the stream has not repeated, at the end of the block."""
        rest = [self._rest_of(delta) for delta in self._deltas]
        return [
            {"type": "content_block_delta", "index": self.index, "delta": delta}
            for delta in rest
            if delta.get(TEXTS.get(delta["type"], "citation"))
        ]

    def _take(self, delta: Json) -> None:
        kind = delta.get("type")
        if kind == "citations_delta":
            self._deltas = [each for each in self._deltas if each != delta]
            return
        name = TEXTS.get(kind) if isinstance(kind, str) else None
        piece = delta.get(name) if name else None
        if not (isinstance(piece, str) and piece):
            return
        if kind in _GROWING:
            self._take_text(kind, piece)
        else:
            self._deltas = [each for each in self._deltas if each["type"] != kind]

    def _take_text(self, kind: str, piece: str) -> None:
        known = next((each[TEXTS[kind]] for each in self._deltas if each["type"] == kind), "")
        expected = known[self._repeated : self._repeated + len(piece)]
        if not piece.startswith(expected):
            raise _contradiction()
        self._repeated += len(expected)

    def _rest_of(self, delta: Json) -> Json:
        if delta["type"] not in _GROWING:
            return delta
        name = TEXTS[delta["type"]]
        return {**delta, name: delta[name][self._repeated :]}


def opening_blocks(event: Json) -> Iterator[OpeningBlock]:
    """Yield the blocks of a `message_start`, except empty texts and thinking.

    Raises `UpstreamError` if its content is not a list of blocks.
    """
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not content:
        return
    blocks = (
        [block for block in content if block is not None] if isinstance(content, list) else None
    )
    if blocks is None or not all(isinstance(block, dict) for block in blocks):
        raise UpstreamError(
            "The upstream's stream begins with a message whose content is not a list of blocks."
        )
    for index, block in enumerate(blocks):
        if block.get("type") not in ("text", "thinking") or block.get(block["type"]):
            yield OpeningBlock(index, block)


def _contradiction() -> UpstreamError:
    return UpstreamError(
        "The upstream's stream contradicts itself about a block. Retry the request."
    )
