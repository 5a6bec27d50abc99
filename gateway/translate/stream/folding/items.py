"""The output items of a response put together from the events of its stream.

Which item an event belongs to, and what a call's arguments are, is decided as in a stream that is
translated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import call_text
from gateway.translate.chat_via_responses.output.item_texts import Form, texts_of
from gateway.translate.chat_via_responses.output.last_output import matched
from gateway.translate.chat_via_responses.output.other_items import item_digest, item_name
from gateway.translate.chat_via_responses.output.reading import index_of, objects, string
from gateway.translate.chat_via_responses.output.tracking import (
    ItemKind,
    OutputItem,
    OutputItems,
    item_kind,
)
from gateway.translate.parts.tools.calls import arguments_text
from gateway.translate.stream.folding.parts import Listed, StreamedParts, field_of

_CALLS = {
    "function_call_arguments": ("function_call", "arguments"),
    "custom_tool_call_input": ("custom_tool_call", "input"),
}
"""The type of a call, and the field of its text, by the name of its events."""
_LISTS: tuple[Listed, ...] = ("content", "summary")
_INDEXES = {"content": "content_index", "summary": "summary_index"}
_PARTS: Mapping[object, tuple[ItemKind, Listed, Form]] = {
    "output_text": (ItemKind.MESSAGE, "content", "text"),
    "refusal": (ItemKind.MESSAGE, "content", "refusal"),
    "reasoning_text": (ItemKind.REASONING, "content", "content"),
    "summary_text": (ItemKind.REASONING, "summary", "summary"),
}
"""By the type of a part: the kind of item that has it, its list there, and the form of its text."""
_TEXTS = {
    "output_text": "output_text",
    "refusal": "refusal",
    "reasoning_text": "reasoning_text",
    "reasoning_summary_text": "summary_text",
}
"""The type of a part by the name of the events of its text."""
_WHOLE_PARTS = frozenset(
    {"content_part.done", "reasoning_part.done", "reasoning_summary_part.done"}
)
_TYPES = {ItemKind.MESSAGE: "message", ItemKind.REASONING: "reasoning"}


@dataclass(slots=True, eq=False)
class _StreamedItem:
    """One item as far as it has streamed; `known` is None where chat has no place for it."""

    known: OutputItem | None
    item: Json = field(default_factory=dict)
    done: bool = False
    """Whether an item that chat has no place for has come whole."""
    parts: StreamedParts = field(default_factory=StreamedParts)

    @property
    def says_something(self) -> bool:
        """Whether the response would lack content without this item."""
        known = self.known
        return known is None or known.kind is ItemKind.CALL or known.has_been_shown


class StreamedItems:
    """Takes the events of a stream, and fills in from them what the whole response lacks.

    `tools` are the names of the tools that the model can call.
    """

    def __init__(self, tools: Collection[str] = ()) -> None:
        self._tools = frozenset(tools)
        self._items = OutputItems()
        self._all: list[_StreamedItem] = []
        self._of: dict[OutputItem, _StreamedItem] = {}

    def take(self, event: Json) -> None:
        """Take one event; one that adds nothing to an item is ignored.

        Raises `UpstreamError` where the stream contradicts itself.
        """
        event = self._items.placed(event)
        kind = str(event.get("type")).removeprefix("response.")
        name, _, step = kind.rpartition(".")
        part = event.get("part")
        if name == "output_item" and isinstance(event.get("item"), dict):
            self._item(event, event["item"], done=step == "done")
        elif name in _TEXTS and step in ("delta", "done"):
            self._text(event, _TEXTS[name], done=step == "done")
        elif name in _CALLS and step in ("delta", "done"):
            self._call(event, *_CALLS[name], done=step == "done")
        elif kind in _WHOLE_PARTS and _has_text(part):
            self._whole_part(event, part["type"], part)
        elif kind == "output_text.annotation.added" and event.get("annotation"):
            streamed = self._streamed(self._items.annotated(event))
            streamed.parts.annotate(index_of(event, "content_index"), event["annotation"])

    def completed(self, output: object, *, truncated: bool = False) -> list[Json]:
        """Return a response's output, completed from the stream.

        `truncated`: the response was cut short. Raises `UpstreamError` as `take` does.
        """
        given = [{**item} for item in objects({"output": output}, "output")]
        found = {id(item): known for known, item in matched(self._items, given)}
        left = dict.fromkeys(self._all)
        placed: list[tuple[_StreamedItem, Json]] = []
        for item in given:
            if item_kind(item) is None:
                streamed = self._other_at_end(item, [each for each, _ in placed])
            else:
                known = found.get(id(item))
                if known is None:
                    continue  # A duplicate.
                streamed = self._of.get(known) or _StreamedItem(known)
            placed.append((streamed or _StreamedItem(None), item))
        for streamed, _ in placed:
            left.pop(streamed, None)
        if given:
            left = {streamed: None for streamed in left if streamed.says_something}
        return [
            self._filled(streamed, item, truncated=truncated)
            for streamed, item in self._with_left_out(placed, left)
        ]

    def _with_left_out(
        self, placed: list[tuple[_StreamedItem, Json]], left: Mapping[_StreamedItem, None]
    ) -> list[tuple[_StreamedItem, Json]]:
        """Return the given items and, in their order, those that only the stream has."""
        order = {streamed: at for at, streamed in enumerate(self._all)}
        waiting = list(left)
        merged: list[tuple[_StreamedItem, Json]] = []
        for streamed, item in placed:
            while waiting and order[waiting[0]] < order.get(streamed, 0):
                merged.append((waiting.pop(0), {}))
            merged.append((streamed, item))
        return merged + [(streamed, {}) for streamed in waiting]

    def _item(self, event: Json, item: Json, *, done: bool) -> None:
        kind = item_kind(item)
        if kind is None:
            streamed = self._other(item)
            if streamed is None:
                streamed = _StreamedItem(None)
                self._all.append(streamed)
            streamed.item = {**item, **streamed.item, **_without_empty(item)}
            streamed.done = done
            return
        find = self._items.completed if done else self._items.announced
        known = find(kind, item, event.get("output_index"))
        streamed = self._streamed(known)
        streamed.item = {**item, **streamed.item, **_without_empty(item)}
        known.done = known.done or done
        known.image_is_shown = kind is ItemKind.IMAGE and bool(item.get("result"))
        if kind is ItemKind.CALL:
            known.call.describe(item, self._tools)
            text = arguments_text(call_text(item))
            if done:
                known.call.text.complete(text, item_is_done=True)
            else:
                known.call.text.open(text)
        elif done and kind is not ItemKind.IMAGE:
            self._lists(streamed, known, item)

    def _lists(self, streamed: _StreamedItem, known: OutputItem, item: Json) -> None:
        for form, texts in texts_of(item).items():
            for place, rest in known.texts.rest_of_item(form, texts):
                if rest:
                    known.texts.add(form, place, rest)
        for listed in _LISTS:
            streamed.parts.fit(listed, _list(item.get(listed)))
            for place, part in enumerate(_list(item.get(listed))):
                if _has_text(part):
                    streamed.parts.end(listed, place, part)

    def _text(self, event: Json, kind: str, *, done: bool) -> None:
        text = event.get(field_of(kind) if done else "delta")
        if not isinstance(text, str) or not text:
            return
        if done:
            self._whole_part(event, kind, {"type": kind, field_of(kind): text})
            return
        of, listed, form = _PARTS[kind]
        known = self._items.of_event(of, event)
        place = index_of(event, _INDEXES[listed])
        known.texts.add(form, place, text)
        self._streamed(known).parts.go_on(listed, kind, place, text)

    def _whole_part(self, event: Json, kind: str, part: Json) -> None:
        of, listed, form = _PARTS[kind]
        known = self._items.of_whole(of, event)
        if known is None:
            return
        place = index_of(event, _INDEXES[listed])
        known_place, rest = known.texts.rest_of_part(form, place, string(part, field_of(kind)))
        if rest:
            known.texts.add(form, known_place, rest)
        known.texts.end_part(form, known_place)
        self._streamed(known).parts.end(listed, place, part)

    def _call(self, event: Json, kind: str, name: str, *, done: bool) -> None:
        known = self._items.of_event(ItemKind.CALL, event)
        self._streamed(known).item.setdefault("type", kind)
        call = known.call
        call.describe({"type": kind, "name": event.get("name")}, self._tools)
        if done:
            call.text.complete(arguments_text(event.get(name)), item_is_done=False)
        else:
            call.text.go_on(arguments_text(event.get("delta")))

    def _streamed(self, known: OutputItem) -> _StreamedItem:
        streamed = self._of.get(known)
        if streamed is None:
            streamed = self._of[known] = _StreamedItem(known)
            self._all.append(streamed)
        return streamed

    def _other(self, item: Json) -> _StreamedItem | None:
        """Return the streamed item for an item that chat has no place for.

        An item without an id is the one of its type that has begun.
        """
        name = item_name(item)
        for each in self._all:
            if each.known is None and item_name(each.item) == name:
                begun = not each.done and each.item.get("type") == item.get("type")
                if name is not None or begun:
                    return each
        return None

    def _other_at_end(self, item: Json, placed: Sequence[_StreamedItem]) -> _StreamedItem | None:
        """Return the streamed item for such an item at the end: vLLM gives it another id there."""
        others = [each for each in self._all if each.known is None and each not in placed]
        name, mark = item_name(item), item_digest(item)
        named = (each for each in others if name is not None and item_name(each.item) == name)
        same = (each for each in others if item_digest(each.item) == mark)
        return next(named, None) or next(same, None)

    def _filled(self, streamed: _StreamedItem, item: Json, *, truncated: bool) -> Json:
        """Return an item completed from the stream; its own parts count unless that has more."""
        made = {**item, **streamed.item, **_without_empty(item)}
        known = streamed.known
        if known is None:
            # It keeps the id of its first event.
            return made | {name: streamed.item[name] for name in ("id",) if name in streamed.item}
        if known.kind is ItemKind.CALL:
            return made | self._called(known, item, truncated=truncated)
        if known.kind in _TYPES:
            made.setdefault("type", _TYPES[known.kind])
        for listed in _LISTS:
            whole = streamed.parts.completed(listed, (item or made).get(listed))
            if whole is not None:
                made[listed] = whole
        return made

    def _called(self, known: OutputItem, item: Json, *, truncated: bool) -> Json:
        """Return the name, the id and the text of a call, as known at the end."""
        call, text = known.call, known.call.text
        call.describe(item, self._tools)
        text.complete(arguments_text(call_text(item)), item_is_done=True)
        text.end(truncated=truncated)
        arguments = "".join([text.text, *text.other_calls(truncated=truncated)])
        named: Json = {"name": call.name} if call.name else {}
        if call.upstream_id:
            named["call_id"] = call.upstream_id
        return {**named, "input" if call.kind == "custom" else "arguments": arguments}


def _without_empty(item: Json) -> Json:
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def _has_text(part: object) -> TypeGuard[Json]:
    kind = part.get("type") if isinstance(part, dict) else None
    return isinstance(kind, str) and kind in _PARTS


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
