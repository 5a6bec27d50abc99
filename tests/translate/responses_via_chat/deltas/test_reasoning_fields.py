"""Fields that a server wants back: found by their names, and put together from pieces."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
)
from tests.translate.responses_via_chat.next_turn import (
    READER,
    SAID,
    brought_back,
    in_a_stream,
    sealing,
    whole,
)


def test_the_text_in_any_form_of_reasoning_is_shown() -> None:
    for said in SAID.values():
        texts = [value for name, value in said.items() if name in ("reasoning", "thinking")]
        texts += [said[name] for name in ("reasoning_content", "reasoning_text") if name in said]
        output = whole(completion("a", **said), sealing())
        shown = [part["text"] for item in output for part in item["content"]]
        assert shown == (["hm", "a"] if texts else ["a"])


def test_other_fields_and_empty_ones_make_no_reasoning() -> None:
    nothing: list[Json] = [{"zzz": "z"}, {"thinking": ""}, {"reasoning": None}, {"reasoning": []}]
    for said in nothing:
        assert [item["type"] for item in whole(completion("a", **said), sealing())] == ["message"]
    message, _ = brought_back(whole(completion("a", reasoning=5), sealing()), sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": 5}


def test_reasoning_in_parts_comes_in_pieces() -> None:
    parts = [{"type": "text", "text": text} for text in ("h", "m")]
    events = [*(chunk(reasoning=[part]) for part in parts), chunk("a"), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    assert output[0]["content"] == [{"type": "reasoning_text", "text": "hm"}]
    message, _ = brought_back(output, sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": parts}


def test_pieces_of_details_are_joined() -> None:
    def detail(**more: Any) -> Json:
        return chunk(reasoning_details=[{"type": "reasoning.text", "index": 0, **more}])

    events = [
        detail(text="I ", format="f"),
        detail(text="see", signature=None),
        detail(text="", signature="s"),
        detail(text="New"),
        chunk(reasoning_details=[{"type": "reasoning.encrypted", "data": "d", "index": 1}]),
        chunk(reasoning_details=[{"type": "reasoning.encrypted", "data": "e", "index": 1}, "odd"]),
        chunk("a", "stop"),
    ]
    message, _ = brought_back(in_a_stream(events, sealing), sealing())
    text = {"type": "reasoning.text", "index": 0}
    assert message["reasoning_details"] == [
        {**text, "text": "I see", "format": "f", "signature": "s"},
        {**text, "text": "New"},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
        {"type": "reasoning.encrypted", "data": "e", "index": 1},
        "odd",
    ]


@pytest.mark.parametrize("text", [None, 7])
def test_details_that_are_not_text_stay_apart(text: object) -> None:
    piece = {"type": "reasoning.text", "text": text}
    events = [
        chunk(reasoning_details=[piece]),
        chunk(reasoning_details=[piece]),
        chunk("a", "stop"),
    ]
    message, _ = brought_back(in_a_stream(events, sealing), sealing())
    whole_text = [{"type": "reasoning.text", "text": ""}] if text is None else [piece, piece]
    assert message["reasoning_details"] == whole_text


def test_geminis_mark_of_a_thought_is_not_a_messages() -> None:
    marked = {"google": {"thought": True}}
    signed = {"google": {"thought": True, "thought_signature": "s"}}
    events = [chunk("a", extra_content=marked), chunk("b", "stop", extra_content=signed)]
    message, _ = brought_back(in_a_stream(events, sealing), sealing())
    assert message == {
        "role": "assistant",
        "content": "ab",
        "extra_content": {"google": {"thought_signature": "s"}},
    }


def test_a_clients_own_thinking_is_not_taken_for_the_servers() -> None:
    said = {"type": "message", "role": "assistant", "content": "a", "thinking": {"budget": 1}}
    message, report = brought_back([said], sealing(replace(READER, strict_params=False)))
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1].thinking"]
