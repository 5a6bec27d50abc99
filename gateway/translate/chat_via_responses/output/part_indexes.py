"""Which part of its item an event of a responses stream is about.

That is its `content_index`. vLLM before its #35184 counts up with each delta, and once more for the
whole text: only the index that a part was announced with is true then.
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
    """Takes the events of one response; an index that no part was announced with is the open one's.

    Without announcements indexes stay as they are.
    """

    def __init__(self) -> None:
        self._announced: defaultdict[_Item, set[int]] = defaultdict(set)
        self._open: dict[_Item, int] = {}
        self._last: object = None
        """What names the part of the last event, whose index is its part's: most events' too."""

    def placed(self, event: Json) -> Json:
        """Return an event with the index of its part."""
        index, kind = event.get("content_index"), event.get("type")
        if type(index) is not int or not isinstance(kind, str):
            return event
        if kind in _INNER:
            named = (event.get("item_id"), event.get("output_index"), index)
            if named == self._last:
                return event
            placed = self._placed(event, index, self._open.get(_item(event)))
            self._last = named if placed is event else None
            return placed
        if kind in _ADDED:
            self._last = None
            self._announced[_item(event)].add(index)
            self._open[_item(event)] = index
        elif kind in _DONE:
            return self._placed(event, index, self._open.pop(_item(event), None))
        return event

    def _placed(self, event: Json, index: int, opened: int | None) -> Json:
        if opened is None or index in self._announced[_item(event)]:
            return event
        return {**event, "content_index": opened}


def _item(event: Json) -> _Item:
    return str(event.get("item_id")), str(event.get("output_index"))
