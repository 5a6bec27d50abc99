import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.custom_tools import custom_as_function, unwrapped_input, wrapped_input
from gateway.translate.parts.tools import (
    FlatNames,
    arguments_text,
    bounded_call_id,
    chat_call,
    chat_custom,
    chat_function,
    is_strict_schema,
    minted_call_id,
    responses_call,
    responses_call_output,
    responses_custom,
    responses_function,
)
from tests.translate.openai_schema import check_schema

STRICT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}},
    "required": ["x"],
    "additionalProperties": False,
}
GRAMMAR = {"syntax": "lark", "definition": "start: A"}


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


def test_a_function_for_responses_says_strict_and_parameters() -> None:
    tool = responses_function({"name": "f"}, "p")
    assert tool == {
        "type": "function",
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    check_schema("FunctionTool", tool)
    kept = responses_function({"name": "f", "strict": True, "parameters": STRICT, "x": 1}, "p")
    assert (kept["strict"], kept["parameters"], kept["x"]) == (True, STRICT, 1)
    assert responses_function({"name": "f", "type": "odd", "strict": None}, "p") == tool


@pytest.mark.parametrize(("fields", "param"), [({}, "p.name"), ({"name": 5}, "p.name"), (5, "p")])
def test_a_function_without_a_name_is_refused(fields: Any, param: str) -> None:
    for translate in (responses_function, responses_custom, chat_function, chat_custom):
        with pytest.raises(InvalidRequest) as caught:
            translate(fields, "p")
        assert caught.value.param == param


def test_a_function_for_chat_is_strict_only_where_its_schema_is() -> None:
    flat = {"type": "function", "name": "f", "description": "d", "parameters": STRICT}
    tool = chat_function(flat, "p")
    assert tool == {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": STRICT, "strict": True},
    }
    check_schema("ChatCompletionTool", tool)
    lax = chat_function({**flat, "parameters": {"type": "object", "properties": {"x": {}}}}, "p")
    assert "strict" not in lax["function"]
    told = chat_function({**flat, "strict": False, "defer_loading": True}, "p")
    assert told["function"]["strict"] is False
    assert "defer_loading" not in told["function"]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (STRICT, True),
        ({**STRICT, "required": []}, False),
        ({**STRICT, "required": "x"}, False),
        ({**STRICT, "additionalProperties": True}, False),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({"type": "object", "properties": {}}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({**STRICT, "properties": {"x": STRICT}}, True),
        ({**STRICT, "properties": {"x": {**STRICT, "required": []}}}, False),
        ({**STRICT, "properties": {"x": {"type": "array", "items": STRICT}}}, True),
        ({**STRICT, "properties": {"x": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**STRICT, "properties": {"x": {"anyOf": [STRICT, {"properties": {}}]}}}, False),
        ({**STRICT, "$defs": {"d": {"type": "object"}}}, False),
        ({**STRICT, "$defs": {"d": STRICT}}, True),
        ({**STRICT, "properties": {"x": {"enum": [{"type": "object"}]}}}, True),
        ({"type": "string"}, False),
        (None, False),
        ([STRICT], False),
    ],
)
def test_which_schemas_obey_strict_mode(schema: object, strict: bool) -> None:
    assert is_strict_schema(schema) is strict


def test_custom_tools_go_both_ways() -> None:
    nested = {"name": "p", "description": "d", "format": {"type": "grammar", "grammar": GRAMMAR}}
    flat = {**nested, "type": "custom", "format": {"type": "grammar", **GRAMMAR}}
    assert responses_custom(nested, "p") == flat
    assert chat_custom(flat, "p") == {"type": "custom", "custom": nested}
    check_schema("CustomToolParam", flat)
    check_schema("CustomToolChatCompletions", chat_custom(flat, "p"))
    plain = {"name": "p", "format": {"type": "text"}}
    assert responses_custom(plain, "p") == {"type": "custom", **plain}
    assert chat_custom({"type": "custom", **plain}, "p")["custom"] == plain


@pytest.mark.parametrize(
    "form",
    [{"type": "grammar", "grammar": GRAMMAR}, {"type": "grammar", **GRAMMAR}],
)
def test_a_custom_tool_as_a_function_tells_its_grammar(form: Json) -> None:
    function = custom_as_function({"name": "p", "description": "edits", "format": form})
    assert function["name"] == "p"
    assert function["description"].startswith("edits\n\nPass the raw text")
    assert "start: A" in function["description"]
    assert "lark" in function["description"]
    assert function["parameters"]["required"] == ["input"]
    assert is_strict_schema(function["parameters"])


@pytest.mark.parametrize("form", [None, {"type": "text"}, {"type": "grammar"}])
def test_a_custom_tool_as_a_function_without_a_grammar(form: Json | None) -> None:
    function = custom_as_function({"name": "p", "format": form})
    assert function["description"] == "Pass the raw text as the single string argument input."


@given(text=st.text())
def test_what_is_wrapped_is_unwrapped(text: str) -> None:
    assert unwrapped_input(wrapped_input(text)) == text
    assert json.loads(wrapped_input(text)) == {"input": text}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("raw text", "raw text"),
        ('"quoted"', "quoted"),
        ('{"patch": "x"}', "x"),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ('{"input": "x", "b": "y"}', "x"),
        ('{"input": 5}', "5"),
        ('{"input": {"a": "é"}}', '{"a": "é"}'),
        ('{"input": null}', ""),
        ("{}", "{}"),
        ("[1]", "[1]"),
        ("", ""),
        ("\ud800", "\ud800"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_model_that_ignores_the_schema_is_understood(arguments: str, text: str) -> None:
    assert unwrapped_input(arguments) == text


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


def test_namespaces_are_flattened_and_split_again() -> None:
    names = FlatNames()
    flat = names.add("files", "read", "tools[0]")
    assert flat == "files__read"
    assert names.split(flat) == ("files", "read")
    assert names.add(None, "read", "tools[1]") == "read"
    assert names.split("read") == (None, "read")
    assert names.split("unknown") == (None, "unknown")
    assert names.add("files", "read", "tools[2]") == flat


@pytest.mark.parametrize("namespace", ["n" * 60, "näme", "a b"])
def test_a_namespace_that_no_name_can_hold_becomes_its_hash(namespace: str) -> None:
    names = FlatNames()
    flat = names.add(namespace, "read", "p")
    assert re.fullmatch("ns_[0-9a-f]{8}__read", flat)
    assert names.split(flat) == (namespace, "read")


def test_long_names_of_tools_are_cut_and_told_apart_by_the_hash() -> None:
    names = FlatNames()
    longest, other = "t" * 60 + "tail", "t" * 60 + "lost"
    flat = names.add("files", longest, "p")
    assert re.fullmatch("ns_[0-9a-f]{8}__t{51}", flat)
    assert names.add("files", other, "p") != flat
    assert names.split(flat) == ("files", longest)


def test_names_that_collide_are_refused() -> None:
    names = FlatNames()
    names.add("a", "b", "tools[0]")
    with pytest.raises(InvalidRequest) as caught:
        names.add(None, "a__b", "tools[1]")
    assert caught.value.param == "tools[1]"
