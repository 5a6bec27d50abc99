"""Responses streams with long calls: what the generic stream gives."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fast.agents.replies.messages_answers import AnsweredRequest
from gateway.fast.agents.replies.messages_events import CallsInEvents
from gateway.shapes import Json, Shape
from gateway.translate.contract import MAX_REPLY_CHARACTERS, Report
from gateway.translate.messages_via_responses.output.fold import MessageFold
from gateway.translate.messages_via_responses.stream import MessagesStream
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests.fast.agents.call_streams import CONTEXTS, OPTIONS, shown
from tests.fast.both_paths import WILD, changed
from tests.fast.names import names_between

RESPONSE: Json = {"id": "resp_1", "object": "response", "model": "up", "output": []}
USAGE: Json = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}


def event(kind: str, **fields: Any) -> Json:
    return {"type": f"response.{kind}", "sequence_number": 3, **fields}


def item(number: int, arguments: str = "", status: str = "in_progress") -> Json:
    named = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": "find"}
    return {"type": "function_call", **named, "arguments": arguments, "status": status}


def piece(text: Any, number: int = 8, place: int = 0, **more: Any) -> Json:
    named = {"item_id": f"fc_{number}", "output_index": place}
    return event("function_call_arguments.delta", **named, delta=text, **more)


def done(text: str, number: int, place: int) -> list[Json]:
    whole = item(number, text, "completed")
    named = {"item_id": f"fc_{number}", "output_index": place}
    return [
        event("function_call_arguments.done", **named, arguments=text),
        event("output_item.done", output_index=place, item=whole),
    ]


FIRST, SECOND = '{"path": "b"}', '{"a":[1,2]}'
OUTPUT = [item(8, FIRST, "completed"), item(9, SECOND, "completed")]
USUAL: list[Json] = [
    event("created", response={**RESPONSE, "status": "in_progress"}),
    event("output_item.added", output_index=0, item=item(8)),
    *map(piece, ('{"path"', ': "', "b", '"}')),
    *done(FIRST, 8, 0),
    event("output_item.added", output_index=1, item=item(9)),
    *(piece(text, 9, 1) for text in ("{", '"a":[1', ",2]", "}")),
    *done(SECOND, 9, 1),
    event(
        "completed", response={**RESPONSE, "status": "completed", "output": OUTPUT, "usage": USAGE}
    ),
]
POOL: list[Json] = [
    *USUAL,
    *map(piece, ("", " ", "{}", "{", "}", '{"a":1}{"a":2}', '"}', '{"path"', None, 3, {"a": 1})),
    *(piece("{}", 7, 0), piece("a", 8, 1), piece("a", 7, 7), piece("b", obfuscation="x")),
    *(piece("b", name="other"), piece("b", own=1), piece("b", error={"message": "No."})),
    event("custom_tool_call_input.delta", item_id="fc_8", output_index=0, delta="x"),
    event("output_text.delta", item_id="m", output_index=2, content_index=0, delta="Hm."),
    event(
        "reasoning_summary_text.delta", item_id="r", output_index=3, summary_index=0, delta="Hm."
    ),
    event("failed", response={**RESPONSE, "status": "failed", "error": {"message": "No."}}),
    event("incomplete", response={**RESPONSE, "status": "incomplete", "output": OUTPUT[:1]}),
]


def assert_same(events: Sequence[Json], options: int = 0, context: int = 0) -> None:
    known = Shape.RESPONSES, OPTIONS[options], CONTEXTS[context]
    assert shown(CallsInEvents, events, *known) == shown(MessagesStream, events, *known)


@pytest.mark.alone
@pytest.mark.parametrize("options", range(3))
def test_a_usual_stream_is_the_same(options: int) -> None:
    assert_same(USUAL, options)
    for position in range(len(USUAL)):
        assert_same(USUAL[:position], options)
        for other in POOL:
            assert_same([*USUAL[:position], other, *USUAL[position:]], options, position % 2)


@given(st.lists(st.sampled_from(POOL), max_size=12), st.integers(0, 2), st.integers(0, 1))
def test_any_stream_is_the_same(events: list[Json], options: int, context: int) -> None:
    assert_same([*USUAL[:4], *events, *USUAL[4:]], options, context)
    assert_same(events, options, context)


def test_a_piece_with_any_further_field_is_the_same() -> None:
    for position, name in enumerate(names_between(Shape.MESSAGES, Shape.RESPONSES)):
        value = {"type": "x"} if position % 2 else "x"
        odd = changed(piece("b"), [(name, value)])
        assert_same([*USUAL[:4], odd, *USUAL[4:]])


@given(st.sampled_from(["item_id", "output_index", "delta", "type"]), WILD)
def test_a_piece_with_any_value_is_the_same(name: str, value: Any) -> None:
    assert_same([*USUAL[:4], changed(piece("b"), [(name, value)]), *USUAL[4:]])


@pytest.mark.parametrize("other", [False, 0.0, "0", None])
def test_an_index_that_only_equals_the_last_one_is_the_same(other: Any) -> None:
    unnamed = [{**item(number), "id": None} for number in (8, 9)]
    announced = [
        event("output_item.added", output_index=place, item=each)
        for place, each in enumerate(unnamed)
    ]
    pieces = [
        event("function_call_arguments.delta", output_index=place, delta=text)
        for place, text in ((0, '{"a":'), (other, "{"), (0, "1"), (0, "}"), (other, "}"))
    ]
    assert_same([USUAL[0], *announced, *pieces, USUAL[-1]])


def test_a_call_that_is_too_long_ends_the_stream() -> None:
    half = "b" * (MAX_REPLY_CHARACTERS // 2)
    assert_same([*USUAL[:4], piece(half), piece(half), piece("b")])


def test_pieces_of_arguments_take_the_shortcut(monkeypatch: pytest.MonkeyPatch) -> None:
    request = AnsweredRequest(MessagesReplyOptions(), 9, [], lambda _, param: param)
    stream = CallsInEvents(request, CONTEXTS[0], Report(Shape.MESSAGES, Shape.RESPONSES))
    for each in USUAL[:3]:
        stream.feed(0, each)
    monkeypatch.setattr(MessageFold, "feed", None)
    written = [stream.feed(0, each) for each in USUAL[3:6]]
    assert [each[0]["delta"]["partial_json"] for each in written] == [': "', "b", '"}']
