"""Finds the output item that an event of a responses stream belongs to.

Events should name their item by `item_id` and `output_index`. llama.cpp leaves the indexes out, its
older versions ids of items, too; other servers change ids between events or use an index twice. So
each of the two is tried, and the order of arrival last. Kinds are kept apart: vLLM's reasoning can
have a message's id.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call, call_text
from gateway.translate.chat_via_responses.output.item_texts import ItemTexts
from gateway.translate.chat_via_responses.output.part_indexes import PartIndexes
from gateway.translate.parts.tools.arguments import is_json, same_json
from gateway.translate.parts.tools.calls import arguments_text


class ItemKind(StrEnum):
    """The kinds of output items that a chat message can hold."""

    MESSAGE = "message"
    REASONING = "reasoning"
    CALL = "call"
    IMAGE = "image"


_KINDS = {
    "message": ItemKind.MESSAGE,
    "reasoning": ItemKind.REASONING,
    "function_call": ItemKind.CALL,
    "custom_tool_call": ItemKind.CALL,
    "image_generation_call": ItemKind.IMAGE,
}


def item_kind(item: Json) -> ItemKind | None:
    """Return the kind of an output item; None if chat has no place for it."""
    kind = item.get("type")
    if not kind and item.get("name") and ("arguments" in item or "input" in item):
        return ItemKind.CALL
    return _KINDS.get(kind) if isinstance(kind, str) else None


@dataclass(slots=True, eq=False)
class OutputItem:
    """The state of one output item."""

    kind: ItemKind
    item_id: str = ""
    """The upstream's id of the item, or its first one; empty: unknown."""
    index: int | None = None
    """The upstream's `output_index`; None: unknown."""
    phase: str | None = None
    """`commentary` or `final_answer`, if a message has it."""
    announced: bool = False
    done: bool = False
    texts: ItemTexts = field(default_factory=ItemTexts)
    """The texts of a message or of reasoning."""
    part_offsets: dict[int | None, int] = field(default_factory=dict)
    """The start of each part in the message's whole text, in characters."""
    annotations: dict[int | None, list[object]] = field(default_factory=dict)
    """The annotations of each part that have been taken."""
    other_parts: set[int] = field(default_factory=set)
    """The places of a message's parts without text that were shown."""
    image_is_shown: bool = False
    summary_parts: int = 0
    """The number of summary parts that were announced."""
    call: Call = field(default_factory=Call)

    @property
    def has_been_shown(self) -> bool:
        """Whether any text or picture has been shown."""
        return bool(self.texts) or self.image_is_shown


class OutputItems:
    """All items of one response so far."""

    def __init__(self) -> None:
        self._items: defaultdict[ItemKind, list[OutputItem]] = defaultdict(list)
        self._open: defaultdict[ItemKind, list[OutputItem]] = defaultdict(list)
        """The items that were unfinished at the last look, and newer ones."""
        self._nameless: defaultdict[ItemKind, list[OutputItem]] = defaultdict(list)
        """Open items that had neither an id nor an index."""
        self._unnamed: defaultdict[ItemKind, list[OutputItem]] = defaultdict(list)
        """Items that were announced without an id, unless they have been named or have ended."""
        self._announced: list[OutputItem] = []
        """Announced items that are not yet in `_by_call_id`."""
        self._by_call_id: dict[str, OutputItem] = {}
        """Items by the ids of their calls, which become known after the announcement."""
        self._by_id: dict[tuple[ItemKind, str], OutputItem] = {}
        self._by_index: dict[tuple[ItemKind, int], OutputItem] = {}
        self._passed_over: set[str] = set()
        """The ids of items without a place in chat."""
        self.placed = PartIndexes().placed
        """Returns an event with the index of its part corrected."""

    def calls(self) -> list[Call]:
        """Return all calls in order of appearance."""
        return [item.call for item in self._items[ItemKind.CALL]]

    def pass_over(self, item: Json) -> None:
        """Note an item without a place in chat, so that its arguments are ignored."""
        item_id = item.get("id")
        if isinstance(item_id, str) and item_id:
            self._passed_over.add(item_id)

    def is_passed_over(self, event: Json) -> bool:
        """Whether arguments belong to an item without a place in chat."""
        item_id = event.get("item_id")
        if not isinstance(item_id, str) or item_id not in self._passed_over:
            return False
        return (ItemKind.CALL, item_id) not in self._by_id

    def announced(self, kind: ItemKind, item: Json, index: object) -> OutputItem:
        """Return the item of an `output_item.added`: a new one, unless it is known.

        It is known if it was announced under the same id, or if its deltas came too early.
        """
        known = self._known(kind, item.get("id"), index)
        if known is None or known.done or differs(known, item):
            known = self._early(kind)
        elif known.announced and known.item_id != item.get("id"):
            known = None
        known = known or self._new(kind, item.get("id"), index)
        known.announced = True
        if not known.item_id:
            self._unnamed[kind].append(known)
            self._announced.append(known)
        return known

    def of_event(self, kind: ItemKind, event: Json) -> OutputItem:
        """Return the item that a delta belongs to, announced or not."""
        known = self.of_known(kind, event)
        return known or self._new(kind, event.get("item_id"), event.get("output_index"))

    def of_known(self, kind: ItemKind, event: Json) -> OutputItem | None:
        """Return the item that an event belongs to, if it is known."""
        item_id, index = event.get("item_id"), event.get("output_index")
        known = self._known(kind, item_id, index)
        if known is not None and not (known.done and known.item_id != item_id):
            return known
        if _is_index(index):
            return None
        if isinstance(item_id, str) and item_id:
            return self._named_late(kind, item_id)
        return self._newest(kind)

    def annotated(self, event: Json) -> OutputItem:
        """Return the message that an annotation belongs to, even if it has ended.

        An annotation of an unknown message belongs to the last one.
        """
        known = self._known(ItemKind.MESSAGE, event.get("item_id"), event.get("output_index"))
        messages = self._items[ItemKind.MESSAGE]
        if known is None and messages and messages[-1].done:
            known = messages[-1]
        return known or self.of_event(ItemKind.MESSAGE, event)

    def of_whole(self, kind: ItemKind, event: Json) -> OutputItem | None:
        """Return the item of a whole part; a new one if the response has none of its kind."""
        known = self.of_known(kind, event)
        return known if known is not None or self._items[kind] else self.of_event(kind, event)

    def completed(self, kind: ItemKind, item: Json, index: object) -> OutputItem:
        """Return the item of an `output_item.done`."""
        known = self._known(kind, item.get("id"), index)
        if known is None or known.done or differs(known, item):
            known = self._with_call_id(kind, item) or known
        if known is None or (known.done and differs(known, item)):
            unfinished = self._unfinished(kind)
            known = next((each for each in unfinished if may_be(each, item)), None)
        return known or self._new(kind, item.get("id"), index)

    def all_of(self, kind: ItemKind) -> list[OutputItem]:
        """Return the items of a kind in order of appearance."""
        return list(self._items[kind])

    def add(self, kind: ItemKind, item: Json) -> OutputItem:
        """Return a new item, found only at the end of the response."""
        return self._new(kind, item.get("id"), None)

    def _known(self, kind: ItemKind, item_id: object, index: object) -> OutputItem | None:
        """Return the item with an id, which may not be unique, or else with an index."""
        named = self._by_id.get((kind, item_id)) if isinstance(item_id, str) else None
        placed = self._by_index.get((kind, index)) if type(index) is int else None
        if named is None or (placed is not None and placed.item_id == named.item_id):
            return placed
        return named

    def _early(self, kind: ItemKind) -> OutputItem | None:
        """Return the item whose deltas, without a name, came before its announcement."""
        waiting = self._nameless[kind]
        while waiting and (waiting[-1].announced or waiting[-1].done or waiting[-1].item_id):
            waiting.pop()
        return waiting[-1] if waiting else None

    def _named_late(self, kind: ItemKind, item_id: str) -> OutputItem | None:
        """Return an item that was announced without an id, for the first event that names it.

        Calls of llama.cpp before its #24882 have only a `call_id`, and deltas that name them by it.
        """
        for each in self._announced:
            self._by_call_id[each.call.upstream_id] = each
        self._announced.clear()
        called = self._by_call_id.get(item_id)
        if called is None or called.kind is not kind or called.done or called.item_id:
            called = _last_unnamed(self._unnamed[kind])
        if called is not None:
            called.item_id = item_id
            self._by_id[kind, item_id] = called
        return called

    def _newest(self, kind: ItemKind) -> OutputItem | None:
        unfinished = self._open[kind]
        while unfinished and unfinished[-1].done:
            unfinished.pop()
        return unfinished[-1] if unfinished else None

    def _unfinished(self, kind: ItemKind) -> Iterator[OutputItem]:
        """Yield the unfinished items, the last one first."""
        unfinished = self._open[kind] = [each for each in self._open[kind] if not each.done]
        return reversed(unfinished)

    def _with_call_id(self, kind: ItemKind, item: Json) -> OutputItem | None:
        call_id = item.get("call_id")
        if kind is not ItemKind.CALL or not _is_name(call_id):
            return None
        called = (each for each in self._items[kind] if each.call.upstream_id == call_id)
        return next((each for each in called if not each.done or goes_on(each, item)), None)

    def _new(self, kind: ItemKind, item_id: object, index: object) -> OutputItem:
        item = OutputItem(kind)
        self._items[kind].append(item)
        self._open[kind].append(item)
        if isinstance(item_id, str) and item_id:
            item.item_id = item_id
            self._by_id[kind, item_id] = item
        if type(index) is int:
            item.index = index
            self._by_index[kind, index] = item
        if not item.item_id and item.index is None:
            self._nameless[kind].append(item)
        return item


def _last_unnamed(items: list[OutputItem]) -> OutputItem | None:
    """Return the last item that has neither ended nor got an id; drop those after it."""
    while items and (items[-1].done or items[-1].item_id):
        items.pop()
    return items[-1] if items else None


def differs(known: OutputItem, item: Json) -> bool:
    """Whether a call's names or ids differ from those of a known call."""
    call_id = item.get("call_id")
    other_id = _is_name(call_id) and known.call.upstream_id not in ("", call_id)
    return known.kind is ItemKind.CALL and (other_id or has_other_name(known, item))


def has_other_name(known: OutputItem, item: Json) -> bool:
    """Whether a call's name differs from that of a known call."""
    name = item.get("name")
    if not isinstance(name, str) or not name or known.call.name in ("", name):
        return False
    return known.call.whole_name(name) is None


def may_be(known: OutputItem, item: Json) -> bool:
    """Whether an item can be a known one: at most its ids differ."""
    if not differs(known, item):
        return True
    return not has_other_name(known, item) and goes_on(known, item)


def goes_on(known: OutputItem, item: Json) -> bool:
    """Whether the text of a whole call begins with the text of a known call."""
    so_far, text = known.call.text, arguments_text(call_text(item))
    empty = so_far.is_empty or so_far.is_placeholder(text)
    return empty or text.startswith(so_far.text) or same_json(so_far.text, text)


def is_cut_off(known: OutputItem, item: Json) -> bool:
    """Whether a whole call has only the beginning of the text of a known call."""
    so_far, text = known.call.text, arguments_text(call_text(item))
    return so_far.text.startswith(text) and (so_far.is_free or not is_json(text))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_index(value: object) -> bool:
    return type(value) is int
