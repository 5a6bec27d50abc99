"""The output items of a response put together from the events of its stream.

Which item an event is of, and what a call's arguments are, is told as where a stream is translated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from gateway.shapes import Json
from gateway.translate.chat_via_responses.calls import call_text
from gateway.translate.chat_via_responses.last_output import matched
from gateway.translate.chat_via_responses.other_items import item_name, said_mark
from gateway.translate.chat_via_responses.reading import index_of, string
from gateway.translate.chat_via_responses.said_parts import Form, texts_of
from gateway.translate.chat_via_responses.tracking import (
    ItemKind,
    OutputItem,
    OutputItems,
    item_kind,
)
from gateway.translate.parts.tools.calls import arguments_text
from gateway.translate.stream.folded_parts import HeardParts, Listed, field_of

_CALLS = {
    "function_call_arguments": ("function_call", "arguments"),
    "custom_tool_call_input": ("custom_tool_call", "input"),
}
"""The type of a call, and the field of its text, by the name of the events of that."""
_LISTS: tuple[Listed, ...] = ("content", "summary")
_INDEXES = {"content": "content_index", "summary": "summary_index"}
_PARTS: Mapping[object, tuple[ItemKind, Listed, Form]] = {
    "output_text": (ItemKind.MESSAGE, "content", "text"),
    "refusal": (ItemKind.MESSAGE, "content", "refusal"),
    "reasoning_text": (ItemKind.REASONING, "content", "content"),
    "summary_text": (ItemKind.REASONING, "summary", "summary"),
}
"""By a part's type: the kind of an item that has it, its list there, and the form of its text."""
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
class _Heard:
    """What has been heard of one item; without `known`, one that chat has no place for."""

    known: OutputItem | None
    item: Json = field(default_factory=dict)
    done: bool = False
    """Whether an item that chat has no place for is whole."""
    parts: HeardParts = field(default_factory=HeardParts)

    @property
    def says_something(self) -> bool:
        """Whether the response would lack something without it."""
        known = self.known
        return known is None or known.kind is ItemKind.CALL or known.has_been_shown


class StreamedItems:
    """Takes the events of a stream; what a whole response lacks is filled in from them.

    `tools` are the names that the model can call.
    """

    def __init__(self, tools: Collection[str] = ()) -> None:
        self._tools = frozenset(tools)
        self._items = OutputItems()
        self._heard: list[_Heard] = []
        self._of: dict[OutputItem, _Heard] = {}

    def take(self, event: Json) -> None:
        """Take one event; what is no news of an item is passed over.

        Raises `UpstreamError` where the stream contradicts itself.
        """
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
            heard = self._heard_of(self._items.annotated(event))
            heard.parts.annotate(index_of(event, "content_index"), event["annotation"])

    def completed(self, output: object, *, naturally: bool = True) -> list[Json]:
        """Return a response's output, with what it lacks of what the stream has said.

        `naturally`: nothing has cut it short. Raises `UpstreamError` as `take` does.
        """
        given = [{**item} for item in _list(output) if isinstance(item, dict)]
        found = {id(item): known for known, item in matched(self._items, given)}
        left = dict.fromkeys(self._heard)
        placed: list[tuple[_Heard, Json]] = []
        for item in given:
            if item_kind(item) is None:
                heard = self._other_at_end(item, [each for each, _ in placed])
            else:
                known = found.get(id(item))
                if known is None:
                    continue  # It is there twice.
                heard = self._of.get(known) or _Heard(known)
            placed.append((heard or _Heard(None), item))
        for heard, _ in placed:
            left.pop(heard, None)
        if given:
            left = {heard: None for heard in left if heard.says_something}
        return [
            self._filled(heard, item, naturally=naturally)
            for heard, item in self._with_left_out(placed, left)
        ]

    def _with_left_out(
        self, placed: list[tuple[_Heard, Json]], left: Mapping[_Heard, None]
    ) -> list[tuple[_Heard, Json]]:
        """Return the given items, with those between that only the stream has."""
        order = {heard: at for at, heard in enumerate(self._heard)}
        waiting = list(left)
        merged: list[tuple[_Heard, Json]] = []
        for heard, item in placed:
            while waiting and order[waiting[0]] < order.get(heard, 0):
                merged.append((waiting.pop(0), {}))
            merged.append((heard, item))
        return merged + [(heard, {}) for heard in waiting]

    def _item(self, event: Json, item: Json, *, done: bool) -> None:
        kind = item_kind(item)
        if kind is None:
            heard = self._other(item)
            if heard is None:
                heard = _Heard(None)
                self._heard.append(heard)
            heard.item = {**item, **heard.item, **_said(item)}
            heard.done = done
            return
        find = self._items.completed if done else self._items.announced
        known = find(kind, item, event.get("output_index"))
        heard = self._heard_of(known)
        heard.item = {**item, **heard.item, **_said(item)}
        known.done = known.done or done
        known.image_is_shown = kind is ItemKind.IMAGE and bool(item.get("result"))
        if kind is ItemKind.CALL:
            known.call.describe(item, self._tools)
            text = arguments_text(call_text(item))
            if done:
                known.call.text.hear(text, item_is_done=True)
            else:
                known.call.text.open(text)
        elif done and kind is not ItemKind.IMAGE:
            self._lists(heard, known, item)

    def _lists(self, heard: _Heard, known: OutputItem, item: Json) -> None:
        for form, texts in texts_of(item).items():
            for place, rest in known.said.rests(form, texts):
                if rest:
                    known.said.add(form, place, rest)
        for listed in _LISTS:
            for place, part in enumerate(_list(item.get(listed))):
                if _has_text(part):
                    heard.parts.end(listed, place, part)

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
        known.said.add(form, place, text)
        self._heard_of(known).parts.go_on(listed, kind, place, text)

    def _whole_part(self, event: Json, kind: str, part: Json) -> None:
        of, listed, form = _PARTS[kind]
        known = self._items.of_whole(of, event)
        if known is None:
            return
        place = index_of(event, _INDEXES[listed])
        said_at, rest = known.said.rest_of_part(form, place, string(part, field_of(kind)))
        if rest:
            known.said.add(form, said_at, rest)
        known.said.end_part(form, said_at)
        self._heard_of(known).parts.end(listed, place, part)

    def _call(self, event: Json, kind: str, name: str, *, done: bool) -> None:
        known = self._items.of_event(ItemKind.CALL, event)
        self._heard_of(known).item.setdefault("type", kind)
        call = known.call
        call.describe({"type": kind, "name": event.get("name")}, self._tools)
        if done:
            call.text.hear(arguments_text(event.get(name)), item_is_done=False)
        else:
            call.text.go_on(arguments_text(event.get("delta")))

    def _heard_of(self, known: OutputItem) -> _Heard:
        heard = self._of.get(known)
        if heard is None:
            heard = self._of[known] = _Heard(known)
            self._heard.append(heard)
        return heard

    def _other(self, item: Json) -> _Heard | None:
        """Return what was heard of an item that chat has no place for.

        One without an id is the one of its type that has begun.
        """
        name = item_name(item)
        for each in self._heard:
            if each.known is None and item_name(each.item) == name:
                begun = not each.done and each.item.get("type") == item.get("type")
                if name is not None or begun:
                    return each
        return None

    def _other_at_end(self, item: Json, placed: Sequence[_Heard]) -> _Heard | None:
        """Return what was heard of such an item that the response repeats: vLLM renames them."""
        others = [each for each in self._heard if each.known is None and each not in placed]
        name, mark = item_name(item), said_mark(item)
        named = (each for each in others if name is not None and item_name(each.item) == name)
        same = (each for each in others if said_mark(each.item) == mark)
        return next(named, None) or next(same, None)

    def _filled(self, heard: _Heard, item: Json, *, naturally: bool) -> Json:
        """Return an item with what was heard of it; its own parts count where they say as much."""
        made = {**item, **heard.item, **_said(item)}
        known = heard.known
        if known is None:
            # It keeps the id that it was first told of by.
            return made | {name: heard.item[name] for name in ("id",) if name in heard.item}
        if known.kind is ItemKind.CALL:
            return made | self._called(known, item, naturally=naturally)
        if known.kind in _TYPES:
            made.setdefault("type", _TYPES[known.kind])
        for listed in _LISTS:
            whole = heard.parts.completed(listed, (item or made).get(listed))
            if whole is not None:
                made[listed] = whole
        return made

    def _called(self, known: OutputItem, item: Json, *, naturally: bool) -> Json:
        """Return name, id and text of a call, as they are known at the end."""
        call, text = known.call, known.call.text
        call.describe(item, self._tools)
        text.hear(arguments_text(call_text(item)), item_is_done=True)
        text.end(naturally=naturally)
        said = "".join([text.text, *text.other_calls(naturally=naturally)])
        named: Json = {"name": call.name} if call.name else {}
        if call.upstream_id:
            named["call_id"] = call.upstream_id
        return {**named, "input" if call.kind == "custom" else "arguments": said}


def _said(item: Json) -> Json:
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def _has_text(part: object) -> TypeGuard[Json]:
    kind = part.get("type") if isinstance(part, dict) else None
    return isinstance(kind, str) and kind in _PARTS


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
