"""Finds the part that an event of a responses stream is about.

It is named by the `content_index`. vLLM before its #35184 increments that with each delta, and once
more for the whole text: then only the index with which a part was announced is right.
"""

from collections import defaultdict
from typing import Final

from gateway.shapes import Json

_ADDED: Final = frozenset({"response.content_part.added", "response.reasoning_part.added"})
_DONE: Final = frozenset({"response.content_part.done", "response.reasoning_part.done"})
_INNER: Final = frozenset(
    {
        *("response.output_text.delta", "response.output_text.done"),
        *("response.refusal.delta", "response.refusal.done"),
        *("response.reasoning_text.delta", "response.reasoning_text.done"),
        "response.output_text.annotation.added",
    }
)
_Item = tuple[str, str]


class PartIndexes:
    """Corrects the indexes of one response's events: an unannounced index means the open part.

    If no part was announced, as behind relays that leave those events out, a part is open from its
    first piece to its end.
    """

    def __init__(self) -> None:
        self._announced: defaultdict[_Item, set[int]] = defaultdict(set)
        self._open: dict[_Item, int] = {}
        self._ended: dict[_Item, tuple[int, int]] = {}
        """For texts without announced parts: the index at the last end, and the index of its
        part."""
        self._last: object = None
        """The fields that name the part of the last event, if its index was right. Most events
        repeat them."""

    def placed(self, event: Json) -> Json:
        """Return an event with the index of its part."""
        index, kind = event.get("content_index"), event.get("type")
        if type(index) is not int or not isinstance(kind, str):
            return event
        if kind in _INNER:
            named = (event.get("item_id"), event.get("output_index"), index)
            ends = kind.endswith(".done")
            if named == self._last and not ends:
                return event
            placed = self._inner(event, index, kind)
            self._last = named if placed is event and not ends else None
            return placed
        if kind in _ADDED:
            self._last = None
            self._announced[_item(event)].add(index)
            self._open[_item(event)] = index
        elif kind in _DONE:
            return self._done(event, index)
        return event

    def _inner(self, event: Json, index: int, kind: str) -> Json:
        if _item(event) in self._announced:
            return self._placed(event, index, self._open.get(_item(event)))
        if kind.endswith(".done"):
            return self._done(event, index)
        text = _text(event)
        if kind.endswith(".delta"):
            self._open.setdefault(text, index)
        return self._placed(event, index, self._open.get(text))

    def _done(self, event: Json, index: int) -> Json:
        if _item(event) in self._announced:
            return self._placed(event, index, self._open.pop(_item(event), None))
        text = _text(event)
        opened = self._open.pop(text, None)
        if opened is None:
            # After the end of the text comes the end of its part.
            at, place = self._ended.get(text, (index, index))
            return self._placed(event, index, place if at == index else None)
        self._ended[text] = index, opened
        return self._placed(event, index, opened)

    def _placed(self, event: Json, index: int, opened: int | None) -> Json:
        if opened in (None, index) or index in self._announced.get(_item(event), ()):
            return event
        return {**event, "content_index": opened}


def _item(event: Json) -> _Item:
    return str(event.get("item_id")), str(event.get("output_index"))


def _text(event: Json) -> _Item:
    """Return what names the text of an item: a message may have a refusal beside its text."""
    part = event.get("part")
    kind = part.get("type") if isinstance(part, dict) else event["type"]
    item_id, place = _item(event)
    return item_id, f"{place} {'refusal' in str(kind)}"
