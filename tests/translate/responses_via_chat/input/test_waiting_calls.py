"""Outputs find their calls, also without ids."""

from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    call_of,
    context,
    refused,
)
from tests.translate.responses_via_chat.input.items import called, gave, messages

USER: Json = {"role": "user", "content": "hi"}


def search(query: str, **more: Any) -> Json:
    return {
        "type": "tool_search_call",
        "execution": "client",
        "arguments": {"query": query},
        **more,
    }


def found(*names: str, **more: Any) -> Json:
    tools = [{"type": "function", "name": name, "parameters": {}} for name in names]
    return {"type": "tool_search_output", "execution": "client", "tools": tools, **more}


NAMELESS: tuple[Json, ...] = ({}, {"call_id": None}, {"call_id": None, "id": "tsc_1"})


@pytest.mark.parametrize(("call_names", "output_names"), [*product(NAMELESS, NAMELESS)])
def test_searches_without_ids_are_answered_in_their_order(
    call_names: Json, output_names: Json
) -> None:
    items = [
        USER,
        search("a", **call_names),
        search("b", **call_names),
        found("one", **output_names),
        found("two", **output_names),
        USER,
    ]
    _, asked, first, second, _ = call_of(input=items)["messages"]
    calls = {call["id"]: call["function"]["arguments"] for call in asked["tool_calls"]}
    assert list(calls.values()) == ['{"query": "a"}', '{"query": "b"}']
    assert [first["tool_call_id"], second["tool_call_id"]] == list(calls)
    assert ("one" in first["content"], "two" in second["content"]) == (True, True)
    # The same in the next turn, whose history begins with this one.
    again = call_of(input=[*items, USER])["messages"]
    assert again[1] == asked


def test_an_output_without_an_id_is_that_of_the_search_that_waits() -> None:
    items = [search("a", call_id="x"), found("one", call_id="x"), search("b", call_id="y")]
    sent = call_of(input=[*items, found("two")])["messages"]
    assert [m["tool_call_id"] for m in sent if m["role"] == "tool"] == ["x", "y"]


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([found("one")], "input[0]"),
        ([search("a", call_id="x"), found("one", call_id="x"), found("two")], "input[2]"),
        ([search("a"), found("one", call_id="x")], "input[1]"),
        ([{"type": "tool_search_call", "arguments": {}}, found("one")], "input[1]"),
        ([{"type": "local_shell_call_output", "output": "a"}], "input[0]"),
    ],
)
def test_an_output_without_a_call_is_refused(items: list[Json], param: str) -> None:
    error = refused(input=[*items, USER])
    assert error.param == param
    assert "No tool call found for function call output" in error.message
    assert "None" not in error.message


def test_a_search_without_an_output_is_refused() -> None:
    assert refused(input=[search("a"), USER]).param == "input[0]"


ACTION = {"type": "exec", "command": ["ls"], "env": {"A": "b"}, "timeout_ms": 1, "user": "u"}
ITEMS: list[Json] = [
    {"type": "function_call", "call_id": "a", "name": "f", "namespace": "n", "arguments": "{}"},
    {"type": "custom_tool_call", "call_id": "a", "name": "f", "namespace": "n", "input": "x"},
    {"type": "local_shell_call", "call_id": "a", "action": ACTION},
    {
        "type": "shell_call",
        "call_id": "a",
        "action": {"commands": ["ls"], "timeout_ms": 1, "max_output_length": 1},
        "environment": {"type": "local"},
    },
    {
        "type": "apply_patch_call",
        "call_id": "a",
        "operation": {"type": "update_file", "path": "p", "diff": "d"},
    },
    search("a", call_id="a"),
    {"type": "function_call_output", "call_id": "a", "output": "x"},
    {"type": "custom_tool_call_output", "call_id": "a", "output": "x"},
    {"type": "local_shell_call_output", "call_id": "a", "output": "x"},
    {"type": "shell_call_output", "call_id": "a", "output": [{}], "max_output_length": 1},
    {"type": "apply_patch_call_output", "call_id": "a", "output": "x"},
    found("g", call_id="a"),
    {"type": "additional_tools", "role": "developer", "tools": []},
    {"type": "reasoning", "summary": [], "content": [], "encrypted_content": "x"},
    {"type": "item_reference"},
    {"type": "message", "role": "assistant", "content": [], "phase": "x"},
    {"type": "compaction", "encrypted_content": "x"},
    {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
]


def _thinned(item: Json) -> list[Json]:
    """Return the item with each of its fields absent, null, or the only one; also an inner one."""
    full = {"id": "x_1", "status": "completed", **item}
    thinned: list[Json] = []
    for name, value in full.items():
        others = {key: each for key, each in full.items() if key != name}
        thinned += [others, {**others, name: None}, {"type": full["type"], name: value}]
        for key in value if isinstance(value, dict) else ():
            thinned.append({**others, name: {**value, key: None}})
    return thinned


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["type"]))
def test_no_item_is_more_than_can_be_read(item: Json) -> None:
    before = ITEMS[0] if item["type"].endswith("_output") else USER
    for thin in _thinned(item):
        for items in ([before, thin], [USER, thin, ITEMS[6]], [USER, thin, found("g")]):
            with suppress(InvalidRequest):
                call_of(context(hosted_tools="drop", on_unsupported="drop"), input=items)


def test_the_same_call_id_may_come_again() -> None:
    items = [
        USER,
        called("a"),
        gave("a", "1"),
        called("a"),
        gave("a", "2"),
    ]
    outputs = [m["content"] for m in messages(OPENAI, items) if m["role"] == "tool"]
    assert outputs == ["1", "2"]


def test_an_output_without_its_call_is_refused() -> None:
    for items in (
        [USER, gave("a")],
        [gave("a"), called("a")],
        [called("a"), gave("a"), gave("a")],
    ):
        error = refused(input=items)
        assert "No tool call found for function call output with call_id a" in error.message
        assert error.param == f"input[{items.index(gave('a')) if len(items) < 3 else 2}]"
