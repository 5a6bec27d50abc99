"""The blocks of a messages stream, one strictly after another.

Anthropic's blocks never overlap, but other servers' may, for instance calls that a model makes in
parallel. Deltas belong to a block by its `index`, so a block that begins while another is open is
held until that one has ended. A text in a block of another type begins a block of its own. The
folder of the stream thus sees one open block at a time. Blocks that `message_start` has already
come first.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import MAX_REPLY_CHARACTERS
from gateway.translate.stream.messages.opening_blocks import OpeningBlock, opening_blocks

_EVENT_CHARACTERS = 100
"""The characters that each event counts towards the limit, besides its text."""


_TEXTS = {"text_delta": "text", "thinking_delta": "thinking"}
"""The type of a block of text, and its field, by the type of its deltas."""
_KNOWN = frozenset({*_TEXTS.values(), "tool_use"})
"""The types of blocks whose deltas are known."""


class _Block:
    def __init__(self, event: Json, begun: OpeningBlock | None = None) -> None:
        self.index = event.get("index")
        block = event.get("content_block")
        kind = block.get("type") if isinstance(block, dict) else None
        self.kind = kind if isinstance(kind, str) else None
        self.held: list[Json] = []
        self.begun = begun
        """The same block in `message_start`, if it was there."""
        self.ended = False

    def end(self) -> None:
        """End the block; add what the stream has not repeated of its form in `message_start`."""
        self.ended = True
        if self.begun is not None:
            self.held += self.begun.flush()


class BlockOrder:
    """Takes the events of one stream, and returns them in order, block by block."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque()
        """Blocks that were not returned to their end: all but the first are held."""
        self._unended: dict[object, _Block] = {}
        """The open block of each index; the key is the index made hashable by `_key`."""
        self._begun: deque[OpeningBlock] = deque()
        """Blocks of `message_start` that the stream has not reached yet."""
        self._characters = 0

    def take(self, event: Json) -> Sequence[Json]:
        """Take an event; return it and those that waited for it, or nothing yet.

        Raises `UpstreamError` for a delta of a block that is not open, for two contradicting forms
        of one block, and for more text than the gateway holds.
        """
        kind = event.get("type")
        read = self._readers.get(kind) if isinstance(kind, str) else None
        return (event,) if read is None else read(self, event)

    def _start(self, event: Json) -> Sequence[Json]:
        self._begun.extend(opening_blocks(event))
        return (event,)

    def _begin(self, event: Json) -> Sequence[Json]:
        index = event.get("index")
        before = self._open(index)
        if before is not None:
            # Some servers do not end a block before the next one of its index.
            self._close(before)
        given = [each for begun in self._begun_before(index) for each in self._whole(begun)]
        begun = self._begun.popleft() if self._begun and self._is_next(index) else None
        if begun is not None:
            begun.begin(event)
        block = self._unended[_key(index)] = _Block(event, begun)
        self._blocks.append(block)
        now = self._given(block, event)
        return [*given, *now] if given else now

    def _begun_before(self, index: object) -> Iterator[OpeningBlock]:
        """Yield the blocks of `message_start` before an index."""
        while self._begun and isinstance(index, int) and self._begun[0].index < index:
            yield self._begun.popleft()

    def _is_next(self, index: object) -> bool:
        return not isinstance(index, int) or self._begun[0].index == index

    def _whole(self, begun: OpeningBlock) -> list[Json]:
        """Return the events that come next, for a block that only `message_start` has."""
        return [each for event in begun.events() for each in self.take(event)]

    def _add(self, event: Json) -> Sequence[Json]:
        block = self._open(event.get("index"))
        if block is None:
            raise UpstreamError(
                "The upstream's stream has a delta of a block that is not open. Retry the request."
            )
        own = _block_of(event, block.kind)
        if own is not None:
            return [*self._begin(own), *self._add(event)]
        if block.begun is not None:
            block.begun.take(event)
        return self._given(block, event)

    def _end(self, event: Json) -> Sequence[Json]:
        block = self._open(event.get("index"))
        if block is None:
            return ()
        self._close(block)
        return self._given(block, event)

    def _end_all(self, event: Json) -> Sequence[Json]:
        """End the blocks that a server has not ended."""
        for block in self._unended.values():
            block.end()
        self._unended.clear()
        given = list(self._next())
        while self._begun:
            given += self._whole(self._begun.popleft())
        return [*given, event]

    def _open(self, index: object) -> _Block | None:
        """Return the open block of an index, or the last open one if the index is None."""
        if index is None:
            return next(reversed(self._unended.values()), None)
        return self._unended.get(_key(index))

    def _close(self, block: _Block) -> None:
        del self._unended[_key(block.index)]
        block.end()

    def _given(self, block: _Block, event: Json) -> Sequence[Json]:
        if block is self._blocks[0] and not block.ended:
            return (event,)
        block.held.append(event)
        if block is not self._blocks[0] and not self._blocks[0].ended:
            self._count(event)
            return ()
        return list(self._next())

    def _next(self) -> Iterator[Json]:
        while self._blocks:
            first = self._blocks[0]
            yield from first.held
            first.held.clear()
            if not first.ended:
                return
            self._blocks.popleft()

    def _count(self, event: Json) -> None:
        delta = event.get("delta")
        pieces = delta.values() if isinstance(delta, dict) else ()
        texts = (len(piece) for piece in pieces if isinstance(piece, str))
        self._characters += _EVENT_CHARACTERS + sum(texts)
        if self._characters > MAX_REPLY_CHARACTERS:
            raise UpstreamError(
                f"The upstream's reply has more than {MAX_REPLY_CHARACTERS} characters in blocks "
                "that overlap. Retry the request with a lower limit of tokens."
            )

    _readers: ClassVar[Mapping[str, Callable[["BlockOrder", Json], Sequence[Json]]]] = {
        "message_start": _start,
        "content_block_start": _begin,
        "content_block_delta": _add,
        "content_block_stop": _end,
        "message_delta": _end_all,
        "message_stop": _end_all,
    }


def _block_of(event: Json, open_kind: str | None) -> Json | None:
    """Return the event that begins a block for a text; None: the text belongs to the open block.

    SGLang before its #25876 writes text after a call into the block of the call.
    """
    delta = event.get("delta")
    name = delta.get("type") if isinstance(delta, dict) else None
    kind = _TEXTS.get(name) if isinstance(name, str) else None
    if kind is None or kind == open_kind or open_kind not in _KNOWN or not event["delta"].get(kind):
        return None
    block = {"type": kind, kind: ""}
    return {"type": "content_block_start", "index": event.get("index"), "content_block": block}


def _key(index: object) -> object:
    return repr(index) if isinstance(index, list | dict) else index
