"""Chat streams with long calls: what the generic stream gives."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fast.agents.replies.messages_answers import AnsweredRequest
from gateway.fast.agents.replies.messages_chunks import CallsInChunks
from gateway.shapes import Json, Shape
from gateway.translate.contract import MAX_REPLY_CHARACTERS, Report
from gateway.translate.messages_via_chat.stream import MessagesStream
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests.fast.agents.call_streams import CONTEXTS, OPTIONS, shown
from tests.fast.both_paths import WILD, changed
from tests.fast.names import names_between

HEAD: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up"}


def chunk(delta: Json, reason: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**HEAD, "choices": [choice], **more}


def begun(index: int, call_id: str = "call_9", name: str = "find", text: str = "") -> Json:
    called = {"name": name, "arguments": text}
    return chunk(
        {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": called}]}
    )


def piece(text: str, index: int = 0, **more: Any) -> Json:
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": text}}]}, **more)


def bare_piece(text: str) -> Json:
    return chunk({"tool_calls": [{"function": {"arguments": text}}]})


def whole_call(text: str, call_id: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": "find", "arguments": text}}


def whole(text: str, *calls: Json) -> Json:
    message = {"role": "assistant", "content": text, "tool_calls": list(calls)}
    return {**HEAD, "choices": [{"index": 0, "message": message, "finish_reason": None}]}


USUAL = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hm."}),
    begun(0),
    *map(piece, ('{"path"', ': "', "b", "c", '"}')),
    begun(1, "call_10", "read"),
    *(piece(text, 1) for text in ("{", '"a":[1', ",2]", "}")),
    chunk({}, "tool_calls"),
    {**HEAD, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
]
POOL: list[Json] = [
    *USUAL,
    *map(
        piece, ("", " ", "{}", "{", "}", '"a":1', '{"a":1}', '{"a":1}{"a":2}', ",", '"}', '{"path"')
    ),
    *(piece(text, 1) for text in ("", "{}", "}", '{"b":1}')),
    *(begun(0, "call_1"), begun(1, "", "find"), begun(0, "call_9", "", '{"'), begun(0, "", "rea")),
    *(chunk({"reasoning_content": "So."}), chunk({}, "stop"), chunk({}, "length")),
    *(piece("b", service_tier="priority"), piece("b", model="other"), piece("b", usage={})),
    *(piece("b", usage={"prompt_tokens": 1, "completion_tokens": 1}), piece("b", error="No.")),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": "a"}, "signature": "s"}]}),
    *map(bare_piece, ("a", "{", "}", '{"a":{')),
    *(piece(text, 1) for text in ("a", '{"a":', '{"a":1}}')),
    *map(piece, ('{"a":', '{"a":1}}', '{"a":1}}{"b":2', '{"path": "b')),
    whole("Hm.", whole_call('{"a":1}', "call_9")),
    whole("Ho.", whole_call('{"a":1}', "call_9"), whole_call("{}", "call_10")),
    {**HEAD, "choices": [{"index": 1, "delta": {"content": "x"}}]},
    {**HEAD, "choices": [{"index": 0, "message": {"content": "Hm."}, "finish_reason": "stop"}]},
    {**piece("b"), "model": ""},
]


def assert_same(events: Sequence[Json], options: int = 0, context: int = 0) -> None:
    known = Shape.CHAT, OPTIONS[options], CONTEXTS[context]
    assert shown(CallsInChunks, events, *known) == shown(MessagesStream, events, *known)


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


@pytest.mark.parametrize("last", [0, 1])
def test_a_piece_without_an_index_after_two_calls_in_turn_is_the_same(last: int) -> None:
    both = [begun(0), begun(1, "call_10", "read"), piece('{"a":'), piece('{"a":', 1)]
    in_turn = [piece("1", 1 - last), piece("1", last), bare_piece("2")]
    assert_same([*both, *in_turn, piece("}"), piece("}", 1), *USUAL[-2:]])


@pytest.mark.parametrize(
    "texts",
    [
        ('{"a":', '{"a":1}}{"b":2', " ", "}"),
        ('{"a":', '{"a":1}}{"b":2}', " ", " "),
        ('{"a":', '{"a":1}}', " ", "{", "}"),
        ('{"a":', '{"a":1}}{"a":{"a":1}', "", "}", " "),
        ("[", "[", "[1]]", "[", "2", "]"),
    ],
)
def test_another_call_in_a_piece_that_had_to_wait_is_the_same(texts: Sequence[str]) -> None:
    assert_same([*USUAL[:3], *map(piece, texts), *USUAL[-2:]])
    assert_same([*USUAL[:3], *map(piece, texts), *USUAL[7:]])


@pytest.mark.parametrize("said", ["Hm.", "Ho.", "Hm. Ho.", "H"])
def test_pieces_between_whole_messages_are_the_same(said: str) -> None:
    first, second = whole_call('{"a":1}', "call_9"), whole_call('{"b":1}', "call_10")
    for pieces in (['{"b":1'], ['{"b"', ":", "1"], ['{"b":1}'], []):
        messages = whole("Hm.", first), whole(said, first, second)
        assert_same([messages[0], *map(piece, pieces), messages[1], *USUAL[-2:]])


def test_pieces_of_a_choice_that_was_not_asked_for_are_the_same() -> None:
    odd = [changed(event, [("choices.0.index", 1)]) for event in USUAL[:5]]
    assert_same([*odd, piece("b"), piece("c"), *odd[3:], *USUAL[-2:]])


@pytest.mark.alone
@pytest.mark.parametrize(
    "level",
    ["", "choices.0.", "choices.0.delta.", "choices.0.delta.tool_calls.0."],
)
def test_a_piece_with_any_further_field_is_the_same(level: str) -> None:
    for position, name in enumerate(names_between(Shape.MESSAGES, Shape.CHAT)):
        value = {"type": "x"} if position % 2 else "x"
        odd = changed(piece("b"), [(f"{level}{name}", value)])
        assert_same([*USUAL[:5], odd, *USUAL[5:]])


@given(
    st.sampled_from(["", "choices.0.", "choices.0.delta.", "choices.0.delta.tool_calls.0."]),
    st.sampled_from(["index", "function", "id", "type", "usage", "content", "role", "refusal"]),
    WILD,
)
def test_a_piece_with_any_value_is_the_same(level: str, name: str, value: Any) -> None:
    odd = changed(piece("b"), [(f"{level}{name}", value)])
    assert_same([*USUAL[:5], odd, *USUAL[5:]])


def test_a_call_that_is_too_long_ends_the_stream() -> None:
    half = "b" * (MAX_REPLY_CHARACTERS // 2)
    assert_same([*USUAL[:5], piece(half), piece(half), piece("b")])


def test_pieces_of_arguments_take_the_shortcut(monkeypatch: pytest.MonkeyPatch) -> None:
    request = AnsweredRequest(MessagesReplyOptions(), 9, [], lambda _, param: param)
    stream = CallsInChunks(request, CONTEXTS[0], Report(Shape.MESSAGES, Shape.CHAT))
    for event in USUAL[:4]:
        stream.feed(0, event)
    monkeypatch.setattr(MessagesStream, "feed", None)
    written = [stream.feed(0, event) for event in USUAL[4:8]]
    assert [each[0]["delta"]["partial_json"] for each in written] == [': "', "b", "c", '"}']
