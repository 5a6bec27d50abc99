"""Which output item an event of a responses stream belongs to.

Events should name their item by `item_id` and `output_index`. llama.cpp leaves the indexes out,
other servers change ids between events or use an index twice, so one is tried after the other, and
the order of arrival last. Items of different kinds are never confused: vLLM's reasoning can have a
message's id.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.shapes import Json
from gateway.translate.chat_via_responses.calls import Call


class ItemKind(StrEnum):
    """The kinds of output items that a chat message can hold."""

    MESSAGE = "message"
    REASONING = "reasoning"
    CALL = "call"


_KINDS = {
    "message": ItemKind.MESSAGE,
    "reasoning": ItemKind.REASONING,
    "function_call": ItemKind.CALL,
    "custom_tool_call": ItemKind.CALL,
}


def item_kind(item: Json) -> ItemKind | None:
    """Return the kind of an output item; None for those that chat has no place for."""
    kind = item.get("type")
    return _KINDS.get(kind) if isinstance(kind, str) else None


@dataclass(slots=True, eq=False)
class OutputItem:
    """What has been shown of one output item."""

    kind: ItemKind
    phase: str | None = None
    """`commentary` or `final_answer`, where a message says so."""
    done: bool = False
    shown_parts: set[int | None] = field(default_factory=set)
    """The content parts of a message that have been shown, by `content_index`; None: unknown."""
    part_offsets: dict[int | None, int] = field(default_factory=dict)
    """Where in the whole text each of a message's parts begins, in characters."""
    annotations: dict[int | None, int] = field(default_factory=dict)
    """How many annotations of each part have been taken."""
    reasoning_form: str | None = None
    """Which of its two texts a reasoning item shows: `content` or `summary`."""
    summary_parts: int = 0
    """How many parts of a summary were announced."""
    call: Call = field(default_factory=Call)


class OutputItems:
    """All items of one response so far."""

    def __init__(self) -> None:
        self._items: defaultdict[ItemKind, list[OutputItem]] = defaultdict(list)
        self._by_id: dict[tuple[ItemKind, str], OutputItem] = {}
        self._by_index: dict[tuple[ItemKind, int], OutputItem] = {}

    def calls(self) -> list[Call]:
        """Return all calls, in their order of appearance."""
        return [item.call for item in self._items[ItemKind.CALL]]

    def announced(self, kind: ItemKind, item: Json, index: object) -> OutputItem:
        """Return the item of an `output_item.added`: a new one, unless its id is known."""
        known = self._with_id(kind, item.get("id"))
        return known or self._new(kind, item.get("id"), index)

    def of_event(self, kind: ItemKind, event: Json) -> OutputItem:
        """Return the item that a delta belongs to, announced or not."""
        item_id, index = event.get("item_id"), event.get("output_index")
        known = self._with_id(kind, item_id) or self._with_index(kind, index)
        if known is not None:
            return known
        nameless = not _is_name(item_id) and not _is_index(index)
        if nameless and self._items[kind]:
            return self._items[kind][-1]
        return self._new(kind, item_id, index)

    def completed(self, kind: ItemKind, item: Json, index: object) -> OutputItem:
        """Return the item of an `output_item.done`."""
        known = (
            self._with_id(kind, item.get("id"))
            or self._with_call_id(kind, item)
            or self._with_index(kind, index)
        )
        if known is not None:
            return known
        unfinished = [each for each in self._items[kind] if not each.done]
        if unfinished and _may_be(unfinished[-1], item):
            return unfinished[-1]
        return self._new(kind, item.get("id"), index)

    def of_output(self, kind: ItemKind, item: Json, position: int) -> OutputItem:
        """Return the item of a terminal event's `output`; `position` is that among its kind."""
        items = self._items[kind]
        if not items:
            return self._new(kind, item.get("id"), None)
        known = self._with_id(kind, item.get("id")) or self._with_call_id(kind, item)
        if known is not None:
            return known
        if position < len(items) and _may_be(items[position], item):
            return items[position]
        return self._new(kind, item.get("id"), None)

    def _with_id(self, kind: ItemKind, item_id: object) -> OutputItem | None:
        return self._by_id.get((kind, item_id)) if isinstance(item_id, str) else None

    def _with_index(self, kind: ItemKind, index: object) -> OutputItem | None:
        return self._by_index.get((kind, index)) if type(index) is int else None

    def _with_call_id(self, kind: ItemKind, item: Json) -> OutputItem | None:
        call_id = item.get("call_id")
        if kind is not ItemKind.CALL or not _is_name(call_id):
            return None
        calls = (each for each in self._items[kind] if each.call.upstream_id == call_id)
        return next(calls, None)

    def _new(self, kind: ItemKind, item_id: object, index: object) -> OutputItem:
        item = OutputItem(kind)
        self._items[kind].append(item)
        if isinstance(item_id, str) and item_id:
            self._by_id[kind, item_id] = item
        if type(index) is int:
            self._by_index[kind, index] = item
        return item


def _may_be(known: OutputItem, item: Json) -> bool:
    """Whether nothing speaks against both being one: two calls with ids are two calls."""
    return not known.call.upstream_id or not _is_name(item.get("call_id"))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_index(value: object) -> bool:
    return type(value) is int
