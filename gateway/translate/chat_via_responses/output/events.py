"""The events of a response that have new content, and a method for each type.

All others repeat these, or have no place in the replies of other endpoints.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import index_of
from gateway.translate.chat_via_responses.output.tracking import ItemKind, OutputItems

Shown = TypeVar("Shown")
"""The form in which the content of an event is shown."""

HELD: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
"""Events after which a response can still fail as a whole, for example for lack of quota."""

_METHODS: Final = {
    "response.output_item.added": "_item_added",
    "response.output_item.done": "_item_done",
    "response.output_text.delta": "_text_delta",
    "response.output_text.annotation.added": "_annotation_added",
    "response.output_text.done": "_text_done",
    "response.refusal.delta": "_refusal_delta",
    "response.refusal.done": "_refusal_done",
    "response.reasoning_text.delta": "_reasoning_delta",
    "response.reasoning_summary_part.added": "_summary_part_added",
    "response.reasoning_summary_text.delta": "_summary_delta",
    "response.reasoning_text.done": "_reasoning_done",
    "response.reasoning_summary_text.done": "_summary_done",
    "response.content_part.done": "_part_done",
    "response.reasoning_part.done": "_part_done",
    "response.reasoning_summary_part.done": "_part_done",
    "response.function_call_arguments.delta": "_piece_of_call",
    "response.function_call_arguments.done": "_end_of_call",
    "response.custom_tool_call_input.delta": "_piece_of_call",
    "response.custom_tool_call_input.done": "_end_of_call",
}


class ResponseEvents(ABC, Generic[Shown]):
    """Reads the events of one response; every method raises `UpstreamError` for a bad event.

    The methods return what the client is shown of an event, or None.
    """

    _readers: ClassVar[Mapping[str, Callable[[Any, Json], Any]]]
    """The methods of a class by the types of events."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._readers = {kind: getattr(cls, name) for kind, name in _METHODS.items()}

    def __init__(self) -> None:
        self._items = OutputItems()

    @abstractmethod
    def _item_added(self, event: Json) -> Shown | None:
        """Take an item that begins."""

    @abstractmethod
    def _item_done(self, event: Json) -> Shown | None:
        """Take a whole item."""

    @abstractmethod
    def _text_delta(self, event: Json) -> Shown | None:
        """Take a piece of a text."""

    @abstractmethod
    def _annotation_added(self, event: Json) -> Shown | None:
        """Take an annotation of a text."""

    @abstractmethod
    def _refusal_delta(self, event: Json) -> Shown | None:
        """Take a piece of a refusal."""

    @abstractmethod
    def _reasoning_delta(self, event: Json) -> Shown | None:
        """Take a piece of reasoning."""

    @abstractmethod
    def _summary_delta(self, event: Json) -> Shown | None:
        """Take a piece of a summary of reasoning."""

    @abstractmethod
    def _whole_text(self, event: Json, kind: str, part: Json) -> Shown | None:
        """Take a part of an item with its whole text; `kind` is its type."""

    @abstractmethod
    def _call_delta(self, event: Json) -> Shown | None:
        """Take a piece of a call's arguments, or of its input."""

    @abstractmethod
    def _call_done(self, event: Json) -> Shown | None:
        """Take a call's whole arguments, or its input."""

    def _piece_of_call(self, event: Json) -> Shown | None:
        return None if self._items.is_passed_over(event) else self._call_delta(event)

    def _end_of_call(self, event: Json) -> Shown | None:
        return None if self._items.is_passed_over(event) else self._call_done(event)

    def _summary_part_added(self, event: Json) -> Shown | None:
        self._items.of_event(ItemKind.REASONING, event).summary_parts += 1
        return None

    def _text_done(self, event: Json) -> Shown | None:
        return self._whole_text(event, "output_text", event)

    def _refusal_done(self, event: Json) -> Shown | None:
        return self._whole_text(event, "refusal", event)

    def _reasoning_done(self, event: Json) -> Shown | None:
        return self._whole_text(event, "reasoning_text", event)

    def _summary_done(self, event: Json) -> Shown | None:
        return self._whole_text(event, "summary_text", event)

    def _part_done(self, event: Json) -> Shown | None:
        part = event.get("part")
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(kind, str):
            return None
        return self._whole_text(event, kind, part)


def part_of(event: Json) -> int | None:
    """Return the index of the part that an event is about."""
    return index_of(event, "content_index")
