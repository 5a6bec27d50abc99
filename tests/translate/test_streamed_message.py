"""Deltas put together: one message, each call once."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.streamed_message import add_delta, without_indexes


def message(*deltas: Json) -> Json:
    made: Json = {}
    for delta in deltas:
        add_delta(made, delta)
    return made


def call(index: Any, call_id: str | None, name: str | None, arguments: str | None) -> Json:
    fragment: Json = {"type": "function", "function": {"name": name, "arguments": arguments}}
    if index is not None:
        fragment["index"] = index
    return fragment if call_id is None else {**fragment, "id": call_id}


def calls(*fragments: Any) -> list[tuple[Any, ...]]:
    said = message(*({"tool_calls": [fragment]} for fragment in fragments))
    made = without_indexes(said)["tool_calls"]
    assert all("index" not in each for each in made)
    assert without_indexes({"content": "a"}) == {"content": "a"}
    return [
        (each.get("id"), each["function"].get("name"), each["function"].get("arguments"))
        for each in made
    ]


def test_texts_go_on_and_roles_do_not() -> None:
    assert message(
        {"role": "assistant", "content": "", "refusal": None, "phase": "commentary"},
        {"role": "assistant", "content": "a", "reasoning_content": "x"},
        {"content": "b", "reasoning_content": "y", "phase": "commentary"},
        {"content": None},
    ) == {"role": "assistant", "content": "ab", "reasoning_content": "xy", "phase": "commentary"}


def test_lists_grow_and_what_changes_its_kind_is_the_last() -> None:
    assert message(
        {"images": [1], "content": [{"type": "text"}], "x": 1},
        {"images": [2], "content": "a", "x": 2},
    ) == {"images": [1, 2], "content": "a", "x": 2}


def test_objects_are_joined_and_their_texts_go_on() -> None:
    assert message(
        {"function_call": {"name": "f", "arguments": ""}, "audio": {"id": "a", "transcript": "x"}},
        {"function_call": {"arguments": "{}"}, "audio": {"transcript": "y", "expires_at": 5}},
        {"function_call": {"arguments": None, "name": ""}},
    ) == {
        "function_call": {"name": "f", "arguments": None},
        "audio": {"id": "a", "transcript": "xy", "expires_at": 5},
    }


@pytest.mark.parametrize(
    ("fragments", "made"),
    [
        (
            [call(0, "a", "f", ""), call(0, None, None, '{"x'), call(0, None, None, '":1}')],
            [("a", "f", '{"x":1}')],
        ),
        (
            [call(0, "a", "f", "{"), call(1, "b", "g", "["), call(0, None, None, "}")],
            [("a", "f", "{}"), ("b", "g", "[")],
        ),
        ([call(0, "a", "f", "{}"), call(0, "b", "f", "{}")], [("a", "f", "{}"), ("b", "f", "{}")]),
        (
            [call(0, None, "f", "{}"), call(0, None, "f", "{}")],
            [(None, "f", "{}"), (None, "f", "{}")],
        ),
        ([call(0, "a", "f", "{}"), call(0, "a", "g", "{}")], [("a", "f", "{}"), ("a", "g", "{}")]),
        (
            [call(0, "a", "f", "{}"), call(0, None, None, "[]")],
            [("a", "f", "{}"), (None, None, "[]")],
        ),
        ([call(None, "a", "f", "{"), call(None, None, None, "}")], [("a", "f", "{}")]),
        ([call(0, "a", "f", '{"a'), call(0, "a", "f", '":1}')], [("a", "f", '{"a":1}')]),
        ([{"index": 0, "id": "a"}, call(0, None, "f", "{}")], [("a", "f", "{}")]),
    ],
)
def test_each_call_is_one(fragments: list[Json], made: list[tuple[Any, ...]]) -> None:
    assert calls(*fragments) == made


def test_what_is_no_call_is_left_out() -> None:
    assert calls(None, "x", call(0, "a", "f", "{}")) == [("a", "f", "{}")]


def test_no_delta_is_changed_by_those_behind_it() -> None:
    first = {"tool_calls": [call(0, "a", "f", "{")], "audio": {"data": "x"}}
    message(first, {"tool_calls": [call(0, None, None, "}")], "audio": {"data": "y"}})
    assert first == {"tool_calls": [call(0, "a", "f", "{")], "audio": {"data": "x"}}
