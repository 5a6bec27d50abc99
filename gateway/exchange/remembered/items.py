"""Items of conversations, kept as the bytes in which they came, to be sent again unchanged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from gateway.exchange.stored.repeated_calls import answered, called, unanswered
from gateway.exchange.stored.responses import COMPACTION, PREVIOUS
from gateway.shapes import ItemNames

_REASONING: Final = "reasoning"
_NOTHING: Final = (b"", b"null", b'""')


class Item(NamedTuple):
    """An item's bytes, and the facts about it that decide how a conversation is continued."""

    raw: bytes
    item_id: str | None = None
    is_reference: bool = False
    """Whether the item stands for another item, whose id it has."""
    is_bare_reasoning: bool = False
    """Whether the item is reasoning that only the server that stored it can read."""
    is_compaction: bool = False
    """Whether the item replaces the conversation before it."""
    called: str | None = None
    """The `call_id`, if the item is a call."""
    answered: str | None = None
    """The `call_id` of the call, if the item is the output of one."""


class _Seen(msgspec.Struct, gc=False):
    type: object = None
    id: object = None
    role: object = None
    call_id: object = None
    encrypted_content: msgspec.Raw = msgspec.Raw(b"")


_decode_item = msgspec.json.Decoder(_Seen).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Items that came together. `size` is their number of bytes."""

    items: tuple[Item, ...]
    size: int


def segment_of(raws: Iterable[msgspec.Raw | bytes]) -> Segment:
    """Return encoded items as a segment."""
    items = tuple(_item(bytes(raw)) for raw in raws)
    return Segment(items, sum(len(item.raw) for item in items))


def _item(raw: bytes) -> Item:
    try:
        seen = _decode_item(raw)
    except (msgspec.DecodeError, RecursionError):
        return Item(raw)  # not an object: the check of the request refuses it
    item_id = seen.id if isinstance(seen.id, str) else None
    implied = seen.type is None and seen.role is None
    is_bare = seen.type == _REASONING and bytes(seen.encrypted_content) in _NOTHING
    return Item(
        raw,
        item_id,
        item_id is not None and (implied or seen.type == "item_reference"),
        is_bare,
        seen.type == COMPACTION,
        called(seen.type, seen.call_id),
        answered(seen.type, seen.call_id),
    )


@dataclass(frozen=True, slots=True)
class OwnInput:
    """The input of one request. `is_text`: a string, which is kept as the message that it means.

    `positions` are the positions of the items in the client's input; None if all of them are here.
    """

    segment: Segment
    is_text: bool = False
    positions: Sequence[int] | None = None


def own_input(raw: msgspec.Raw | None) -> OwnInput | None:
    """Return a request's `input`; None for what is neither a string nor a list."""
    given = bytes(raw).strip() if raw is not None else b""
    if given in (b"", b"null"):
        return OwnInput(segment_of(()))
    if given.startswith(b'"'):
        message = b'{"type":"message","role":"user","content":' + given + b"}"
        return OwnInput(segment_of((message,)), is_text=True)
    if not given.startswith(b"["):
        return None
    return OwnInput(segment_of(_decode_list(given)))


def continuing(earlier: Sequence[Segment], own: OwnInput) -> OwnInput:
    """Return a request's input without the calls that the conversation before it ends with."""
    items = own.segment.items
    if all(item.called is None for item in items):
        return own
    before = (item for segment in earlier for item in segment.items)
    repeated = unanswered((item.called, item.answered) for item in before)
    kept = [i for i, item in enumerate(items) if item.called not in repeated]
    if len(kept) == len(items):
        return own
    return OwnInput(segment_of(items[i].raw for i in kept), own.is_text, kept)


def joined(
    earlier: Sequence[Segment], own: OwnInput, *, bare_reasoning: bool
) -> tuple[msgspec.Raw, ItemNames]:
    """Return the `input` of a request with the conversation before it, and the client's names.

    `bare_reasoning`: items of the earlier conversation with reasoning that only its own server can
    read are sent again. A reference to an item of that conversation is left out, as the item is
    there.
    """
    before = [
        item
        for segment in earlier
        for item in segment.items
        if bare_reasoning or not item.is_bare_reasoning
    ]
    known = {item.item_id for segment in earlier for item in segment.items}
    raws = [item.raw for item in before]
    names: list[int | str] = [PREVIOUS] * len(before)
    items = own.segment.items
    positions = range(len(items)) if own.positions is None else own.positions
    for position, item in zip(positions, items, strict=True):
        if not (item.is_reference and item.item_id in known):
            raws.append(item.raw)
            names.append("input" if own.is_text else position)
    return msgspec.Raw(b"[" + b",".join(raws) + b"]"), ItemNames(names)


def with_output(before: Sequence[Segment], output: Segment) -> tuple[Segment, ...]:
    """Return a conversation with a response's output.

    A compaction in the output replaces all items before it. One in an input does not: there the
    client has chosen the items before it.
    """
    for position in range(len(output.items) - 1, -1, -1):
        if output.items[position].is_compaction:
            return (segment_of([item.raw for item in output.items[position:]]),)
    return (*before, output)
