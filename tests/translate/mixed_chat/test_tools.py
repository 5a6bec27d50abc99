from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.mixed_chat.tools import (
    forms_in,
    is_for_one_call,
    read_choice,
    read_tools,
)

FUNCTION: Json = {"name": "Read", "description": "Reads.", "parameters": {"type": "object"}}
NESTED: Json = {"type": "function", "function": FUNCTION}
GRAMMAR: Json = {"syntax": "lark", "definition": "start: /.+/"}
PATCH: Json = {"type": "custom", "name": "ApplyPatch", "format": {"type": "grammar", **GRAMMAR}}
PLAIN: Json = {"type": "text"}
NAMED: Json = {"type": "function", "function": {"name": "f"}}
CHATS_PATCH: Json = {
    "type": "custom",
    "custom": {"name": "ApplyPatch", "format": {"type": "grammar", "grammar": GRAMMAR}},
}


def test_tools_of_chat_stay_as_they_are() -> None:
    tools = [NESTED, CHATS_PATCH, {"type": "web_search"}, "none", {"name": "x"}, {"type": "custom"}]
    read = read_tools(tools)
    assert read.sent == tools
    assert forms_in(read.forms) == []
    assert read.custom == set()


@pytest.mark.parametrize("tools", [None, "none", {}])
def test_what_is_not_a_list_has_no_tools(tools: object) -> None:
    assert read_tools(tools).sent == []


@pytest.mark.parametrize(
    ("given", "sent", "form"),
    [
        ({"type": "function", **FUNCTION, "strict": True}, {**FUNCTION, "strict": True}, "f"),
        ({**FUNCTION, "type": "function", "cache": 1}, FUNCTION, "f"),
        (PATCH, CHATS_PATCH["custom"], "c"),
        ({**PATCH, "format": PLAIN}, {"name": "ApplyPatch", "format": PLAIN}, "c"),
        (
            {**PATCH, "format": {"type": "grammar", "grammar": GRAMMAR}},
            CHATS_PATCH["custom"],
            "c",
        ),
        ({**PATCH, "format": "text"}, {"name": "ApplyPatch", "format": "text"}, "c"),
    ],
)
def test_flat_tools_become_nested_ones(given: Json, sent: Json, form: str) -> None:
    kind = {"f": "function", "c": "custom"}[form]
    read = read_tools([given])
    assert read.sent == [{"type": kind, kind: sent}]
    assert forms_in(read.forms) == ["responses"]
    assert read.custom == ({"ApplyPatch"} if kind == "custom" else set())


@pytest.mark.parametrize("kind", [{}, {"type": "custom"}])
def test_bare_tools_become_functions(kind: Json) -> None:
    schema: Json = {"type": "object", "properties": {}}
    bare = {**kind, "name": "Read", "description": "Reads.", "input_schema": schema}
    read = read_tools([bare, {"name": "b", "input_schema": schema, "description": None}])
    function = {"name": "Read", "description": "Reads.", "parameters": schema}
    assert read.sent == [
        {"type": "function", "function": function},
        {"type": "function", "function": {"name": "b", "parameters": schema}},
    ]
    assert forms_in(read.forms) == ["messages"]
    assert read.custom == set()


def test_what_has_no_place_of_a_tool_is_named() -> None:
    mark: Json = {"cache_control": {"type": "ephemeral"}}
    bare = {"name": "Read", "input_schema": {}, "strict": True, **mark, "defer_loading": False}
    flat = {"type": "function", **FUNCTION, "defer_loading": True, "strict": None}
    read = read_tools([NESTED, {**bare, "input_examples": [{}]}, flat])
    function = {"name": "Read", "parameters": {}, "strict": True}
    assert read.sent[1] == {"type": "function", "function": function, **mark}
    assert read.dropped == ["tools[1].input_examples", "tools[2].defer_loading"]


@pytest.mark.parametrize(
    ("choice", "one"),
    [
        ({"type": "any", "disable_parallel_tool_use": True}, True),
        ({"type": "any", "disable_parallel_tool_use": False}, False),
        ({"type": "any"}, False),
        ("auto", False),
    ],
)
def test_a_choice_may_be_for_one_call(choice: Any, one: bool) -> None:
    assert is_for_one_call(choice) is one


@pytest.mark.parametrize(
    ("choice", "sent", "form"),
    [
        ("auto", "auto", ""),
        (None, None, ""),
        (NAMED, None, ""),
        ({"type": "allowed_tools"}, None, ""),
        ({"type": ["auto"]}, None, ""),
        (
            {"type": "function", "name": "f"},
            NAMED,
            "responses",
        ),
        ({"type": "custom", "name": "f"}, {"type": "custom", "custom": {"name": "f"}}, "responses"),
        ({"type": "tool", "name": "f"}, NAMED, "messages"),
        ({"type": "any"}, "required", "messages"),
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto", "messages"),
        ({"type": "none"}, "none", "messages"),
    ],
)
def test_a_choice_is_written_as_chats(choice: Any, sent: object, form: str) -> None:
    assert read_choice(choice) == (choice if not form else sent, form)


@pytest.mark.parametrize(
    ("index", "rest", "path"),
    [
        (0, ".function.name", "tools[0].function.name"),
        (1, ".custom.format.grammar.syntax", "tools[1].format.syntax"),
        (1, ".custom.name", "tools[1].name"),
        (1, "", "tools[1]"),
        (2, ".function.parameters.type", "tools[2].input_schema.type"),
        (9, ".type", "tools[9].type"),
    ],
)
def test_paths_are_the_clients(index: int, rest: str, path: str) -> None:
    read = read_tools([NESTED, PATCH, {"name": "Read", "input_schema": {}}])
    assert read.client_path(index, rest) == path
