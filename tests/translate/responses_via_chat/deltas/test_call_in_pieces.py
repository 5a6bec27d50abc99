"""The arguments of one call, however they are cut and repeated."""

import json

import pytest

from gateway.errors import (
    UpstreamError,
)
from gateway.translate.parts.tools.arguments import is_json
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from tests.translate.responses_via_chat.chat_backend import (
    asking,
    chunk,
    completion,
    fragment,
    replied,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import read, texts
from tests.translate.responses_via_chat.deltas.calls import A, B, calls_of


def test_a_call_that_is_cut_off_before_its_arguments_has_none() -> None:
    assert calls_of([fragment(0, "", name="f", call_id="x")], "length") == ["f()"]


def test_what_a_model_writes_after_its_arguments_is_passed_on() -> None:
    assert calls_of([fragment(0, A, name="f"), fragment(0, "}</call>"), fragment(0, " x")]) == [
        f"f({A}}}</call> x)"
    ]
    assert calls_of([fragment(0, f"{A}{B}}}", name="f")]) == [f"f({A})", f"f({B}}})"]
    assert calls_of([fragment(0, "f'{", name="f"), fragment(0, "}{")]) == ["f(f'{}{)"]


def test_arguments_that_are_absent_or_blank_are_an_empty_object() -> None:
    for arguments in (None, "", " \n"):
        assert calls_of([fragment(0, arguments, name="f", call_id="x")]) == ["f({})"]
    for function in ({"name": "f"}, {"name": "f", "arguments": None}):
        for call in ({"function": function}, {"type": "function", "function": function}):
            (item,) = replied(completion(None, "stop", tool_calls=[call]))["output"]
            assert item["arguments"] == "{}"


def test_long_arguments_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_texts: list[str] = []

    def noting(text: str) -> bool:
        read_texts.append(text)
        return is_json(text)

    monkeypatch.setattr("gateway.translate.parts.tools.arguments.is_json", noting)
    text = json.dumps({"a": ["{}"] * 12_500})
    size = len(text) // 2_000
    fold = asking(stream=True).stream()
    opening = [fragment(0, "", name="f", call_id="x"), fragment(1, "", name="g", call_id="y")]
    fold.feed(0, chunk(tool_calls=opening))
    for start in range(0, len(text), size):
        fold.feed(0, chunk(tool_calls=[fragment(0, text[start : start + size])]))
    fold.feed(0, chunk(finish="stop"))
    (first, _) = fold.end(0)[-1]["response"]["output"]
    assert first["arguments"] == text
    assert read_texts == [text]


CUMULATIVE: list[list[str]] = [
    ['{"', '{"city":"A', A],
    ['{"city":', A],
    ['{"city":', '{"city":"A', A],
    ['{"city":"A', A, A],
    [A[:end] for end in range(len(A) + 1)],
    ["{}", '{"ci', A],
]


@pytest.mark.parametrize("pieces", CUMULATIVE)
def test_arguments_that_repeat_what_came_before_are_taken_once(pieces: list[str]) -> None:
    for again in ("", "x"):
        made = [fragment(0, each, call_id=again) for each in pieces]
        made[0] = fragment(0, pieces[0], name="f", call_id="x")
        assert calls_of(made) == [f"f({A})"]
        behind = [fragment(0, A, name="g", call_id="y"), fragment(0, A)]
        assert calls_of([*made, *behind]) == [f"f({A})", f"g({A})"]


def test_arguments_that_may_go_on_after_a_repetition_do() -> None:
    for pieces in (['{"a":', '{"a":', "1}}"], ['{"a":', '{"a":1', "}}"], ['{"', '{"', '":1}']):
        made = [fragment(0, piece, name="f", call_id="x") for piece in pieces]
        assert calls_of(made) == [f"f({''.join(pieces)})"]
    cut = [fragment(0, '{"a":', name="f", call_id="x"), fragment(0, '{"a":1')]
    assert calls_of(cut, "length") == ['f({"a":{"a":1)']


def test_text_after_a_call_was_complete_is_an_error_unless_it_is_another_call() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]))
    fold.feed(0, chunk(tool_calls=[fragment(1, "{}", name="g", call_id="call_b")]))
    for again in (" \n", "{}"):
        assert fold.feed(0, chunk(tool_calls=[fragment(0, again)])) == []
    with pytest.raises(UpstreamError, match="complete"):
        fold.feed(0, chunk(tool_calls=[fragment(0, "}")]))


def test_arguments_that_only_look_complete_do_not_end_a_call() -> None:
    events = stream_of(
        [
            {**chunk(), "choices": [{"index": 0}]},
            chunk(tool_calls=[fragment(0, '{"a":{}', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(1, "{}", name="g", call_id="call_b")]),
            chunk(tool_calls=[fragment(0, "}")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":{}})', "g({})"]


def test_a_custom_tools_input_need_not_be_json_and_never_ends() -> None:
    call = CallInPieces()
    assert (call.is_free_text, call.has_begun, call.has_ended) == (False, False, False)
    assert call.add("x", "patch", "{}", custom=True) == ""
    assert call.add("", "", "{}", custom=False) == ""
    assert (call.is_free_text, call.text, call.is_cut_off) == (True, "{}{}", False)
    assert (call.call_id, call.name, call.is_closed) == ("x", "patch", False)


def test_what_follows_the_arguments_is_returned() -> None:
    call = CallInPieces()
    assert call.add("", "f", A + B, custom=False) == B
    assert (call.text, call.has_ended) == (A, True)
    again = CallInPieces()
    again.add("", "f", A[:5], custom=False)
    assert again.is_cut_off
    assert again.add_whole("", "f", A, custom=False) == ""
    assert again.text == A
