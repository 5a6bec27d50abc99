"""Arguments of calls, from all the places where servers say them, each place at its worst."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output import calls as calls_module
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    PATCH,
    VLLM,
    context,
    custom_call,
    ending,
    finishes_of,
    folded,
    function_call,
    incomplete,
    message_of,
    response,
    streamed,
    translated,
)

A, B = '{"city":"A"}', '{"city":"B"}'


def events(
    opening: object, deltas: Sequence[object], done: object, item: object, **more: Any
) -> list[Json]:
    """Return the events of one call with what each of them says of the arguments."""
    custom = more.get("type") == "custom_tool_call"
    field = "input" if custom else "arguments"
    kind = "custom_tool_call_input" if custom else "function_call_arguments"
    head = {**function_call("f", ""), **more}
    del head["arguments"]
    where = {"item_id": head["id"], "output_index": 0}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**head, field: opening}},
        *({"type": f"response.{kind}.delta", **where, "delta": delta} for delta in deltas),
        {"type": f"response.{kind}.done", **where, field: done},
        {"type": "response.output_item.done", "output_index": 0, "item": {**head, field: item}},
    ]


def arguments_of(upstream: Sequence[Json], of: Json | None = None) -> list[str]:
    """Return the arguments of all calls that a client gets."""
    made = folded(streamed(ALL_TOOLS, [*upstream, ending(of or response())]))["message"]
    return [each[each["type"]].get("arguments", "") for each in made.get("tool_calls", ())]


OPENINGS: list[object] = [None, "", "{}", "{ }", A, '{"ci', {}, {"city": "A"}]
DELTAS: list[list[object]] = [
    [],
    [A],
    list(A),
    [" ", A, "\n"],
    ["{}"],
    [{"city": "A"}],
    [A, A],
    ["{}", *A],
]
ENDS: list[object] = [None, "", "{}", A, '{"city": "A"}', {"city": "A"}]
PLACES = list(itertools.product(OPENINGS, DELTAS, ENDS, ENDS))


def says_it(value: object) -> bool:
    return value == {"city": "A"} or (isinstance(value, str) and "A" in value)


@pytest.mark.parametrize("opening", OPENINGS, ids=repr)
def test_arguments_are_taken_once_from_wherever_they_are(opening: object) -> None:
    for began, deltas, done, item in PLACES:
        if began != opening:
            continue
        known = any(map(says_it, (opening, *deltas, done, item))) or "".join(map(str, deltas)) == A
        if opening == '{"ci' and not known:
            continue
        (said,) = arguments_of(events(opening, deltas, done, item))
        assert json.loads(said) == ({"city": "A"} if known else {}), (opening, deltas, done, item)
        whole = function_call("f", A if known else "")
        (said,) = arguments_of(events(opening, deltas, done, item), response(whole))
        assert json.loads(said) == ({"city": "A"} if known else {})


@pytest.mark.parametrize(
    ("opening", "deltas", "said"),
    [
        ('{"ci', ['ty":"A"}'], A),
        ('{"ci', ['{"ci', 'ty":"A"}'], A),
        ("{", ["}"], "{}"),
        ('{"a":', ['{"b":1}', "}"], '{"a":{"b":1}}'),
        ('{"city":"A', [], '{"city":"A'),
        (A, [" "], A),
        (A, [B], B),
        ("{}", [B], B),
    ],
)
def test_deltas_go_on_with_what_came_before_them_or_repeat_it(
    opening: str, deltas: list[object], said: str
) -> None:
    assert arguments_of(events(opening, deltas, "", "")) == [said]


@pytest.mark.parametrize(
    ("opening", "deltas", "done", "item", "said"),
    [
        ("", ["ra", "w"], "raw", "raw", "raw"),
        ("raw", ["ra", "w"], "raw", "raw", "raw"),
        ("raw", ["raw"], "rawraw", "", "rawraw"),
        ("ra", ["w"], "", "", "raw"),
        ("raw", [], "", "", "raw"),
        ("", [], "", "raw", "raw"),
        ("", ["ra"], "raw", "", "raw"),
        ("", ["{}", "{}"], "", "{}{}", "{}{}"),
        ("{}", [], "", "{}", "{}"),
        ("", [], "", "", ""),
        ("", ["row"], "raw", "", "row"),
        (None, [" "], None, None, " "),
    ],
)
def test_free_text_is_taken_once_too(
    opening: object, deltas: list[object], done: object, item: object, said: str
) -> None:
    upstream = events(opening, deltas, done, item, type="custom_tool_call", name="patch")
    made = folded(streamed(ALL_TOOLS, [*upstream, ending(response())]))["message"]["tool_calls"]
    assert [call["custom"] for call in made] == [{"name": "patch", "input": said}]


def test_what_deltas_left_out_is_added() -> None:
    assert arguments_of(events("", ['{"city"'], A, A)) == [A]
    assert arguments_of([*events("", ['{"city"'], "", "")], response(function_call("f", A))) == [A]


def test_an_end_that_contradicts_the_beginning_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="contradicts itself"):
        arguments_of(events("", ['{"town"'], A, A))


@pytest.mark.parametrize("at_last", ['{"city": "B"}', '{"city": "A", "x": 1}'])
def test_whole_arguments_that_are_others_at_the_end_are_an_error(at_last: str) -> None:
    result = events("", [A], at_last, at_last)
    with pytest.raises(UpstreamError, match="contradicts itself"):
        arguments_of(result)


def test_arguments_that_are_not_json_are_passed_on() -> None:
    assert arguments_of(events("", ["{'a", "'}"], "{'a'}", "{'a'}")) == ["{'a'}"]
    assert arguments_of(events("", ["{'a", "'"], "{'b'}", "")) == ["{'a'"]
    assert arguments_of(events("", ["{}"], "{}}", "")) == ["{}}"]
    assert arguments_of(events("", [A, "}", "}"], "", "")) == [f"{A}}}}}"]
    assert arguments_of(events("", [A, "</"], A + "</call>", "")) == [f"{A}</call>"]


def test_several_objects_in_one_call_are_several_calls() -> None:
    for upstream in (
        events("", [A, B], "", ""),
        events("", [A[:5], A[5:] + " " + B[:4], B[4:]], "", ""),
        events("", [A], A + B, ""),
        events("", [A, A, B], A + B, A + B),
        events("", [], "", A + A + B),
        events(A + B, [], "", ""),
    ):
        assert arguments_of(upstream) == [A, B]
    reply = response(function_call("f", A + B), function_call("g", "{}"))
    made = message_of(ALL_TOOLS, reply)["tool_calls"]
    assert [call["function"]["arguments"] for call in made] == [A, "{}", B]
    assert len({call["id"] for call in made}) == 3
    assert arguments_of([], reply) == [A, "{}", B]


def test_a_second_object_that_is_cut_off_is_an_error_unless_all_is() -> None:
    with pytest.raises(UpstreamError, match="two tool calls in one"):
        arguments_of(events("", [A, '{"city'], "", ""))
    assert arguments_of(events("", [A, '{"city'], "", ""), incomplete()) == [A, '{"city']


def test_a_call_that_is_cut_off_keeps_what_it_has() -> None:
    assert arguments_of(events("", [], "", ""), incomplete()) == [""]
    assert arguments_of(events("", ['{"ci'], "", ""), incomplete()) == ['{"ci']
    assert arguments_of([], incomplete(function_call("f", "{}"))) == ["{}"]


@pytest.mark.parametrize("arguments", [None, "", " ", "{}", {}])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    reply = response(function_call("f", arguments))
    assert message_of(ALL_TOOLS, reply)["tool_calls"][0]["function"]["arguments"] == "{}"
    chunks = streamed(ALL_TOOLS, [whole_as_event(Shape.RESPONSES, reply)])
    assert folded(chunks)["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    legacy = {"functions": [{"name": "f"}]}
    assert message_of(legacy, reply)["function_call"] == {"name": "f", "arguments": "{}"}


def test_a_wrapped_custom_tool_is_unwrapped_wherever_its_text_is() -> None:
    text = '{"input": "a{}b"}'
    for places in (
        ("", list(text), text, text),
        (text, [], "", ""),
        ("{}", [text], "", "{}"),
        ("", [], "", text),
        ("", [text, text], "", ""),
    ):
        upstream = events(*places, name="patch")
        chunks = streamed({"tools": PATCH}, [*upstream, ending(response())], context(VLLM))
        (call,) = folded(chunks)["message"]["tool_calls"]
        assert call["custom"] == {"name": "patch", "input": "a{}b"}


def test_long_arguments_are_passed_on_as_they_come() -> None:
    text = json.dumps({"a": ["{}"] * 12_500})
    size = len(text) // 2_000
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    chunks = streamed(ALL_TOOLS, [*events("{}", pieces, text, text), ending(response())])
    result = [call for made in chunks for call in made["choices"][0]["delta"].get("tool_calls", ())]
    assert [call["function"]["arguments"] for call in result] == ["", *pieces]
    assert finishes_of(chunks) == ["tool_calls"]


def test_calls_without_limits_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "MAX_CALL_CHARACTERS", 10)
    stream = translated({"stream": True, **ALL_TOOLS}).stream()
    first, delta, more, *_ = events("", ["1234567890", "1"], "", "")
    stream.feed(0, first)
    stream.feed(0, delta)
    with pytest.raises(UpstreamError, match="more than 10 characters"):
        stream.feed(0, more)


def test_calls_that_say_no_type_are_known_by_their_fields() -> None:
    items = [function_call("f", A), custom_call("patch", "raw"), {"name": "x"}]
    untyped = [{k: v for k, v in item.items() if k != "type"} for item in items]
    made = message_of(ALL_TOOLS, response(*untyped))["tool_calls"]
    assert [call[call["type"]] for call in made] == [
        {"name": "f", "arguments": A},
        {"name": "patch", "input": "raw"},
    ]
