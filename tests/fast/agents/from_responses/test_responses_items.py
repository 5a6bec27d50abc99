"""Items with types of their own."""

import msgspec
import pytest
from msgspec import Raw
from msgspec.json import encode

from gateway.fast.agents.from_responses.responses_items import (
    AdditionalTools,
    CustomCall,
    CustomOutput,
    FunctionCall,
    FunctionOutput,
    InputText,
    Message,
    Reasoning,
    ShellCall,
    TypedItem,
    read_item,
    read_parts,
)
from gateway.shapes import Json
from tests.fast.agents.responses_traffic import CALL, DECLARED, OUTPUT, SHELL, TEXT, THOUGHT

UNTYPED: Json = {"role": "user", "content": "Hi."}
CUSTOM: Json = {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}
ITEMS: list[Json] = [
    {**UNTYPED, "type": "message"},
    CALL,
    OUTPUT,
    CUSTOM,
    {"type": "custom_tool_call_output", "call_id": "c", "output": "x"},
    THOUGHT,
    SHELL,
    DECLARED,
]


def read(item: Json) -> TypedItem:
    return read_item(Raw(encode(item)))


def test_each_kind_has_a_type() -> None:
    assert [type(read(item)) for item in ITEMS] == [
        *(Message, FunctionCall, FunctionOutput, CustomCall, CustomOutput, Reasoning, ShellCall),
        AdditionalTools,
    ]


@pytest.mark.parametrize("more", [{}, {"phase": "x"}, {"content": [TEXT]}, {"role": "system"}])
def test_a_message_may_do_without_its_type(more: Json) -> None:
    said = read({**UNTYPED, "type": "message", **more})
    assert isinstance(said, Message)
    assert said == read({**UNTYPED, **more}) == read({**UNTYPED, "type": None, **more})
    assert said == read({**UNTYPED, **more, "id": "msg_1", "status": "completed"})


@pytest.mark.parametrize(
    "item",
    [
        {**CALL, "name": None},
        {**CALL, "call_id": None},
        {**CALL, "output": "x"},
        {**SHELL, "id": "i"},
        {**SHELL, "call_id": None},
        {**THOUGHT, "content": "x"},
        {"type": "message", "role": "user"},
        {},
        {"role": "user"},
        {"role": "user", "content": None},
        {"type": "custom_tool_call", "name": "f", "input": "x"},
        {"role": "tool", "content": "x"},
        {**UNTYPED, "action": {}},
        {**UNTYPED, "own": 1},
        {"type": "item_reference", "id": "i"},
    ],
)
def test_anything_else_is_not_admitted(item: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(item)


def test_parts_are_read_when_they_are_needed() -> None:
    assert [type(part) for part in read_parts(encode([TEXT]))] == [InputText]
    with pytest.raises(msgspec.ValidationError):
        read_parts(encode("x"))
