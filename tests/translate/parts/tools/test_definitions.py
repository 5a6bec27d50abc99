from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.errors import InvalidRequest
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.tools.definitions import (
    chat_custom,
    chat_function,
    completed,
    has_nulls,
    is_complete,
    is_strict_schema,
    responses_custom,
    responses_function,
    without_nulls,
)
from gateway.translate.plan import plan
from tests.translate.openai_schema import check_schema

STRICT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}},
    "required": ["x"],
    "additionalProperties": False,
}
GRAMMAR = {"syntax": "lark", "definition": "start: A"}


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


LIST = {"type": "array"}
LIST_OF_ANY = {"type": "array", "items": {}}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": LIST}}, {"properties": {"a": LIST_OF_ANY}}),
        (
            {"properties": {"a": {"type": ["array", "null"]}}},
            {"properties": {"a": {"type": ["array", "null"], "items": {}}}},
        ),
        (
            {"properties": {"a": {"anyOf": [LIST, {"type": "null"}]}}, "$defs": {"b": LIST}},
            {
                "properties": {"a": {"anyOf": [LIST_OF_ANY, {"type": "null"}]}},
                "$defs": {"b": LIST_OF_ANY},
            },
        ),
        (
            {"properties": {"a": {"type": "array", "items": LIST}}, "additionalProperties": LIST},
            {
                "properties": {"a": {"type": "array", "items": LIST_OF_ANY}},
                "additionalProperties": LIST_OF_ANY,
            },
        ),
    ],
)
def test_parameters_are_completed_as_openai_requires(given: Any, sent: Any) -> None:
    before = repr(given)
    assert not is_complete(given)
    assert completed(given) == sent
    assert repr(given) == before
    assert is_complete(sent)
    assert completed(sent) == sent


@pytest.mark.parametrize(
    "given",
    [
        {"type": "object", "properties": {}},
        {"properties": {"type": {"enum": ["array", LIST]}, "x": {"default": LIST, "const": LIST}}},
        {"properties": {"a": LIST_OF_ANY, "b": True, "c": {"type": "object"}}, "required": ["a"]},
        {"properties": {"a": {"examples": [LIST], "type": 3}}, "anyOf": ["odd", 3]},
        {"properties": None},
    ],
)
def test_complete_parameters_stay(given: Any) -> None:
    assert is_complete(given)
    assert completed(given) == given


NULLS: Json = {
    "type": None,
    "description": None,
    "properties": {
        "a": {"type": "object", "properties": None, "required": None},
        "b": {"type": "string", "default": None, "enum": ["x", None]},
        "c": {"anyOf": [{"const": None, "type": None}, {"$ref": "#/$defs/d"}]},
        "required": {"type": "array", "items": None},
    },
    "$defs": {"d": {"properties": {}, "required": None}},
    "required": None,
}
WITHOUT: Json = {
    "properties": {
        "a": {"type": "object", "properties": {}},
        "b": {"type": "string", "default": None, "enum": ["x", None]},
        "c": {"anyOf": [{"const": None}, {"$ref": "#/$defs/d"}]},
        "required": {"type": "array"},
    },
    "$defs": {"d": {"properties": {}}},
}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (NULLS, WITHOUT),
        (WITHOUT, WITHOUT),
        ({"type": "object", "properties": None}, {"type": "object", "properties": {}}),
        ({"type": "object", "required": None}, {"type": "object"}),
        ({"type": None, "required": None}, {}),
        ({"properties": {"a": None}}, {"properties": {"a": None}}),
        ({"enum": [{"a": None}], "default": None}, {"enum": [{"a": None}], "default": None}),
        (None, None),
        ("odd", "odd"),
    ],
)
def test_what_is_null_in_a_schema_says_nothing(given: Any, sent: Any) -> None:
    before = repr(given)
    assert without_nulls(given) == sent
    assert repr(given) == before
    assert has_nulls(given) is (given != sent)
    assert not has_nulls(sent)


AGENTS = (Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES)


@pytest.mark.parametrize("home", AGENTS)
@pytest.mark.parametrize("client", AGENTS)
@pytest.mark.parametrize("fast", [False, True])
def test_no_server_gets_nulls_in_a_schema_unless_it_is_the_clients_own(
    client: Shape, home: Shape, *, fast: bool
) -> None:
    tools: dict[Shape, Json] = {
        Shape.CHAT: {"type": "function", "function": {"name": "f", "parameters": NULLS}},
        Shape.RESPONSES: {"type": "function", "name": "f", "parameters": NULLS},
        Shape.MESSAGES: {"name": "f", "input_schema": NULLS},
    }
    said = [{"role": "user", "content": "Hi"}]
    body: Json = {"model": "m", "input" if client is Shape.RESPONSES else "messages": said}
    body |= {"tools": [tools[client]], **({"max_tokens": 9} if client is Shape.MESSAGES else {})}
    context = Context("m", "m")
    made = pair_paths(client, home, context).translation(encode(body), context) if fast else None
    sent = decode(made.sent) if made else plan(client, home, body, context).calls[0]
    tool = sent["tools"][0]
    schema = tool.get("function", tool).get("parameters", tool.get("input_schema"))
    if client is home:
        assert schema == NULLS
    else:
        assert not has_nulls(schema)
        assert schema["properties"].keys() == NULLS["properties"].keys()
        assert "required" not in schema


@pytest.mark.parametrize(("fields", "param"), [({}, "p.name"), ({"name": 5}, "p.name"), (5, "p")])
def test_a_function_without_a_name_is_refused(fields: Any, param: str) -> None:
    for translate in (responses_function, responses_custom, chat_function, chat_custom):
        with pytest.raises(InvalidRequest) as caught:
            translate(fields, "p")
        assert caught.value.param == param


@pytest.mark.parametrize("given", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_function_without_parameters_has_an_empty_schema(given: Any) -> None:
    nothing = {"type": "object", "properties": {}}
    flat = {"type": "function", "name": "f", "strict": False, **given}
    tool = chat_function(flat, "p")
    assert tool["function"] == {"name": "f", "parameters": nothing, "strict": False}
    assert list(tool["function"]) == ["name", "parameters", "strict"]
    assert responses_function({"name": "f", **given}, "p")["parameters"] == nothing
    lax = chat_function({"type": "function", "name": "f", **given}, "p")["function"]
    assert lax == {"name": "f", "parameters": nothing}


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
    explicit = chat_function({**flat, "strict": False, "defer_loading": True}, "p")
    assert explicit["function"]["strict"] is False
    assert "defer_loading" not in explicit["function"]


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


def test_custom_tools_are_translated_in_both_directions() -> None:
    nested = {"name": "p", "description": "d", "format": {"type": "grammar", "grammar": GRAMMAR}}
    flat = {**nested, "type": "custom", "format": {"type": "grammar", **GRAMMAR}}
    assert responses_custom(nested, "p") == flat
    assert chat_custom(flat, "p") == {"type": "custom", "custom": nested}
    check_schema("CustomToolParam", flat)
    check_schema("CustomToolChatCompletions", chat_custom(flat, "p"))
    without_grammar = {"name": "p", "format": {"type": "text"}}
    assert responses_custom(without_grammar, "p") == {"type": "custom", **without_grammar}
    assert chat_custom({"type": "custom", **without_grammar}, "p")["custom"] == without_grammar
    unknown = {"name": "p", "format": {"type": "of_tomorrow", "grammar": GRAMMAR}}
    assert responses_custom(unknown, "p")["format"] == {"type": "of_tomorrow", **GRAMMAR}
