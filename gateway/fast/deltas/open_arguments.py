"""Follows how far the JSON of a streamed call's arguments has come.

Translations pass arguments on as they come until their JSON ends; pieces after that belong to
another call. Some servers repeat with each piece all the pieces before it, so a piece that is as
long as those together is left to the translation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.shapes import Json, Shape
from gateway.translate.parts.tools.nesting import OPENERS, Nesting

_COMPARED = 100
"""How many characters of a piece are compared."""

_ADDED = "response.output_item.added"
_DELTA = "response.function_call_arguments.delta"


class OpenArguments:
    """Follows the arguments of the calls of one upstream stream, event by event.

    Only calls that were followed from their first event on count as open, and only while all calls
    have ids of their own: servers that tell calls apart in another way are left to the translation.
    """

    __slots__ = ("_at", "_first", "_home", "_is_lost", "_key", "_seen")

    def __init__(self, home: Shape) -> None:
        self._home = home
        self._key: object = None
        """The id or index of the call that is followed; None if none is."""
        self._first = ""
        """The beginning of the first piece, which every repetition has, too."""
        self._seen: set[str] = set()
        """The ids of the calls so far."""
        self._is_lost = False
        """Whether a call had no id, or that of another call."""
        self._at = _Place()

    @property
    def is_open(self) -> bool:
        """Whether the JSON of the followed call has begun, and not ended."""
        return self._key is not None and self._at.depth > 0

    @property
    def length(self) -> int:
        """How many characters of the followed call's arguments have come."""
        return self._at.length

    def note(self, event: Json) -> None:
        """Take an event of the upstream."""
        if self._home is Shape.RESPONSES:
            self._note_response(event)
        else:
            self._note_chunk(event)

    def takes(self, pieces: Sequence[str]) -> int:
        """Take the next pieces as long as they leave the JSON open; return how many were taken."""
        for count, piece in enumerate(pieces):
            at = self._at.behind(piece) if len(piece) < self._at.length else None
            if at is None:
                return count
            self._at = at
        return len(pieces)

    def _note_response(self, event: Json) -> None:
        kind = event.get("type")
        if kind == _DELTA:
            is_known = self._key is not None and event.get("item_id") == self._key
            self._follow(event.get("delta") if is_known else None)
        elif kind == _ADDED:
            item = event.get("item")
            if isinstance(item, dict) and item.get("type") == "function_call":
                item_id = item.get("id")
                self._begin(item_id, item_id)
                # Arguments in the announcement may be repeated by the deltas.
                self._follow(None if item.get("arguments") else "")

    def _note_chunk(self, event: Json) -> None:
        delta = _only(event.get("choices")).get("delta")
        calls = delta.get("tool_calls") if isinstance(delta, dict) else None
        if not calls:
            return
        call = _only(calls)
        function = call.get("function")
        called: Json = function if isinstance(function, dict) else {}
        index, call_id, name = call.get("index"), call.get("id"), called.get("name")
        if call_id or name:
            self._begin(call_id if name else None, index)
        is_known = self._key is not None and index == self._key
        self._follow(called.get("arguments") or "" if is_known else None)

    def _begin(self, call_id: object, key: object) -> None:
        """Follow a call that begins, unless it has no id, or the id of another call."""
        self._at = _Place()
        is_named = isinstance(call_id, str) and call_id and call_id not in self._seen
        self._is_lost = self._is_lost or not is_named
        self._key = key if not self._is_lost and isinstance(key, int | str) else None
        self._seen.add(str(call_id))

    def _follow(self, piece: object) -> None:
        """Take a piece of the followed call; None, for another call, ends the following."""
        if not isinstance(piece, str) or self._may_repeat(piece):
            self._key = None
            return
        at = self._at.behind(piece)
        if at is None:
            self._key = None
            return
        if not self._at.length:
            self._first = piece[:_COMPARED]
        self._at = at

    def _may_repeat(self, piece: str) -> bool:
        """Whether a piece may begin with all pieces before it, which are not kept."""
        length = self._at.length
        return 0 < length <= len(piece) and piece.startswith(self._first)


def _only(values: object) -> Json:
    """Return the only object of a list; an empty object if the list has none, or has more."""
    only = values[0] if isinstance(values, list) and len(values) == 1 else None
    return only if isinstance(only, dict) else {}


@dataclass(slots=True)
class _Place(Nesting):
    """A place within the arguments, at which their JSON is still open."""

    length: int = 0

    def behind(self, piece: str) -> "_Place | None":
        """Return the place after a piece; None if the JSON ends in it, or is no object or list."""
        if not piece:
            return self
        position = 1 if self.escaped else 0
        depth = self.depth
        if not self.length:
            first = piece.lstrip()
            if not first:
                return self
            if first[0] not in OPENERS:
                return None
            depth, position = 1, len(piece) - len(first) + 1
        at = _Place(depth, self.in_string, False, self.length + len(piece))
        return at if at.end_in(piece, position) is None else None
