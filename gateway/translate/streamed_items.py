"""The output items of a response put together from the events of its stream."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from gateway.shapes import Json

_PARTS = {
    "output_text": ("message", "content", "output_text", "text"),
    "refusal": ("message", "content", "refusal", "refusal"),
    "reasoning_text": ("reasoning", "content", "reasoning_text", "text"),
    "reasoning_summary_text": ("reasoning", "summary", "summary_text", "text"),
}
"""Events of texts: the item that they are of, the list of its parts, and such a part."""
_CALLS = {
    "function_call_arguments": ("function_call", "arguments"),
    "custom_tool_call_input": ("custom_tool_call", "input"),
}


@dataclass(slots=True)
class _Known:
    """What is known of one item."""

    item: Json
    parts: dict[tuple[str, int], Json] = field(default_factory=dict)
    """Its parts, by their list and their index in it."""


class StreamedItems:
    """Takes the events of a stream; what a whole response lacks is filled in from them."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._by_key: dict[object, _Known] = {}

    def take(self, event: Json) -> None:
        """Take one event; what is no news of an item is passed over."""
        kind = event.get("type")
        item = event.get("item")
        if kind in ("response.output_item.added", "response.output_item.done"):
            if isinstance(item, dict):
                self._describe(event, item)
            return
        if kind == "response.output_text.annotation.added" and event.get("annotation"):
            self._annotate(event)
            return
        name, _, step = str(kind).removeprefix("response.").rpartition(".")
        if step not in ("delta", "done"):
            return
        if name in _PARTS:
            of, listed, part, text = _PARTS[name]
            index = event.get("summary_index" if listed == "summary" else "content_index")
            place = (listed, index if type(index) is int else 0)
            said = self._of(event, of).parts.setdefault(place, {"type": part, text: ""})
            _add(said, text, event, step)
        elif name in _CALLS:
            of, text = _CALLS[name]
            _add(self._of(event, of).item, text, event, step)

    def _annotate(self, event: Json) -> None:
        index = event.get("content_index")
        place = ("content", index if type(index) is int else 0)
        part = {"type": "output_text", "text": ""}
        said = self._of(event, "message").parts.setdefault(place, part)
        said.setdefault("annotations", []).append(event["annotation"])

    def completed(self, output: object) -> list[Json]:
        """Return a response's output, with what it lacks of what the stream has said."""
        given = [item for item in output if isinstance(item, dict)] if _is_list(output) else []
        if not given:
            return [_whole(known) for known in self._known]
        left = list(self._known)
        return [self._filled(item, left) for item in given]

    def _filled(self, item: Json, left: list[_Known]) -> Json:
        same = [each for each in left if each.item.get("id") == item.get("id")]
        alike = [each for each in left if each.item.get("type") == item.get("type")]
        found = (same or alike)[:1]
        for each in found:
            left.remove(each)
            return _whole(_Known({**each.item, **_said(item)}, each.parts))
        return item

    def _describe(self, event: Json, item: Json) -> None:
        known = self._with_key(event, item.get("id"))
        if known is None:
            known = self._new(event, item.get("id"), dict(item))
        known.item |= _said(item)

    def _of(self, event: Json, kind: str) -> _Known:
        """Return the item of an event: by its id, its index, or else the last of its kind."""
        known = self._with_key(event, event.get("item_id"))
        if known is None:
            alike = [each for each in self._known if each.item.get("type") == kind]
            known = alike[-1] if alike else self._new(event, event.get("item_id"), {"type": kind})
        return known

    def _with_key(self, event: Json, item_id: object) -> _Known | None:
        for key in _keys(event, item_id):
            if key in self._by_key:
                return self._by_key[key]
        return None

    def _new(self, event: Json, item_id: object, item: Json) -> _Known:
        known = _Known(item)
        self._known.append(known)
        self._by_key |= dict.fromkeys(_keys(event, item_id), known)
        return known


def _keys(event: Json, item_id: object) -> Sequence[object]:
    index = event.get("output_index")
    named = [item_id] if isinstance(item_id, str) and item_id else []
    return [*named, index] if type(index) is int else named


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _said(item: Json) -> Json:
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def _add(said: Json, name: str, event: Json, step: str) -> None:
    """Take a piece of a text, or all of it."""
    piece = event.get("delta" if step == "delta" else name)
    if not isinstance(piece, str) or not piece:
        return
    before = said.get(name)
    said[name] = before + piece if step == "delta" and isinstance(before, str) else piece


def _whole(known: _Known) -> Json:
    """Return an item; its own parts count where they say anything."""
    item = dict(known.item)
    for listed in ("content", "summary"):
        given = item.get(listed)
        if _is_list(given) and any(_speaks(part) for part in given):
            item[listed] = [
                _annotated(part, known.parts.get((listed, index), {}))
                for index, part in enumerate(given)
            ]
            continue
        heard = [part for (name, _), part in sorted(known.parts.items()) if name == listed]
        if heard:
            item[listed] = heard
    return item


def _annotated(part: Any, heard: Json) -> Any:
    """Return a part with the annotations that only the stream has told of."""
    if not isinstance(part, dict) or "annotations" not in heard:
        return part
    given = part.get("annotations")
    annotations = list(given) if _is_list(given) else []
    annotations += [each for each in heard["annotations"] if each not in annotations]
    return {**part, "annotations": annotations}


def _speaks(part: object) -> bool:
    return isinstance(part, dict) and bool(part.get("text") or part.get("refusal"))
