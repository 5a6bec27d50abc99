"""The events of a response that say something; what is shown of them is tested with the folds."""

from typing import ClassVar

import pytest

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.events import ResponseEvents, part_of
from gateway.translate.chat_via_responses.output.fold import OutputFold
from gateway.translate.messages_via_responses.output.fold import MessageFold


class Noted(ResponseEvents[str]):
    """Shows the name of what was called, and the kind of whole texts."""

    def take(self, event: Json) -> str | None:
        shown: str | None = self._readers[event["type"]](self, event)
        return shown

    def _item_added(self, event: Json) -> str:
        return "added"

    def _item_done(self, event: Json) -> str:
        return "done"

    def _text_delta(self, event: Json) -> str:
        return "text"

    def _annotation_added(self, event: Json) -> str:
        return "annotation"

    def _refusal_delta(self, event: Json) -> str:
        return "refusal"

    def _reasoning_delta(self, event: Json) -> str:
        return "reasoning"

    def _summary_delta(self, event: Json) -> str:
        return "summary"

    def _whole_text(self, event: Json, kind: str, part: Json) -> str:
        return f"{kind}: {part['text']}"

    def _call_delta(self, event: Json) -> str:
        return "call"

    def _call_done(self, event: Json) -> str:
        return "whole call"


class Further(Noted):
    """One that reads an event otherwise."""

    kind: ClassVar[str] = "further"

    def _text_delta(self, event: Json) -> str:
        return self.kind


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("output_item.added", "added"),
        ("output_text.delta", "text"),
        ("output_text.done", "output_text: x"),
        ("refusal.done", "refusal: x"),
        ("reasoning_text.done", "reasoning_text: x"),
        ("reasoning_summary_text.done", "summary_text: x"),
        ("custom_tool_call_input.done", "whole call"),
        ("reasoning_summary_part.added", None),
    ],
)
def test_each_event_has_its_reader(kind: str, shown: str | None) -> None:
    assert Noted().take({"type": f"response.{kind}", "text": "x"}) == shown


def test_a_whole_part_is_one_of_its_type() -> None:
    event = {"type": "response.content_part.done", "part": {"type": "output_text", "text": "x"}}
    assert Noted().take(event) == "output_text: x"
    for part in (None, "x", {}, {"type": None}, {"type": 3}):
        assert Noted().take({**event, "part": part}) is None


def test_each_class_has_readers_of_its_own() -> None:
    assert Further().take({"type": "response.output_text.delta"}) == "further"
    assert OutputFold._readers.keys() == MessageFold._readers.keys() == Noted._readers.keys()


@pytest.mark.parametrize(("given", "index"), [(2, 2), (None, None), ("2", None)])
def test_the_part_of_an_event_is_its_index(given: object, index: int | None) -> None:
    assert part_of({"content_index": given}) == index
