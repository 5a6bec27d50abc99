import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.tools.calls import (
    arguments_text,
    bounded_call_id,
    chat_call,
    has_calls,
    minted_call_id,
    responses_call,
    responses_call_output,
    says_nothing,
)
from tests.translate.openai_schema import check_schema


@given(call_id=st.text(max_size=100))
def test_call_ids_are_bounded_and_stay_themselves_where_they_can(call_id: str) -> None:
    bounded = bounded_call_id(call_id)
    assert len(bounded) <= 64
    assert (bounded == call_id) == (len(call_id) <= 64)
    assert bounded_call_id(bounded) == bounded


def test_long_call_ids_become_their_hash() -> None:
    assert re.fullmatch("call_[0-9a-f]{32}", bounded_call_id("x" * 65))
    assert bounded_call_id("x" * 65) != bounded_call_id("x" * 66)
    assert bounded_call_id("\ud800" * 65).startswith("call_")


def test_minted_ids_are_call_ids() -> None:
    made = minted_call_id(Context(model_asked="m", model_sent="m", new_id=lambda: "7" * 32))
    assert made == "call_" + "7" * 32


NOTHING_SAID: list[Json | None] = [
    None,
    {},
    {"index": 0},
    {"index": 1, "type": "function"},
    {"id": None, "function": {}},
    {"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}},
    {"index": 0, "function": {"name": None, "arguments": None}, "custom": None},
    {"index": 0, "name": "", "arguments": None},
]
"""Pieces of calls that servers send beside texts, or beside other calls."""


@pytest.mark.parametrize("call", NOTHING_SAID)
def test_a_call_without_id_name_and_arguments_says_nothing(call: Json | None) -> None:
    assert says_nothing(call)
    assert not has_calls([call])
    assert not has_calls(call)


@pytest.mark.parametrize(
    "call",
    [
        {"index": 0, "id": "a"},
        {"function": {"name": "f"}},
        {"index": 0, "function": {"arguments": " "}},
        {"index": 0, "extra_content": {"google": {"thought_signature": "s"}}},
        "odd",
    ],
)
def test_any_part_of_a_call_says_something(call: object) -> None:
    assert not says_nothing(call)
    assert has_calls([None, call])
    assert has_calls(call)


@pytest.mark.parametrize(
    ("arguments", "text"), [("{}", "{}"), ({"é": 1}, '{"é": 1}'), (None, ""), ([], "[]")]
)
def test_arguments_are_text(arguments: object, text: str) -> None:
    assert arguments_text(arguments) == text


def test_calls_and_outputs() -> None:
    function, custom = (
        responses_call("function", "f", "{}", "a"),
        responses_call("custom", "p", "x", "b"),
    )
    assert function == {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
    assert custom == {"type": "custom_tool_call", "call_id": "b", "name": "p", "input": "x"}
    check_schema("FunctionToolCall", function)
    check_schema("CustomToolCall", custom)
    assert responses_call_output("function", "1", "a") == {
        "type": "function_call_output",
        "call_id": "a",
        "output": "1",
    }
    assert responses_call_output("custom", [], "b")["type"] == "custom_tool_call_output"
    call = chat_call("function", "f", "{}", "a")
    assert call == {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    check_schema("ChatCompletionMessageToolCall", call)
    call = chat_call("custom", "p", "x", "b")
    assert call == {"id": "b", "type": "custom", "custom": {"name": "p", "input": "x"}}
    check_schema("ChatCompletionMessageCustomToolCall", call)
