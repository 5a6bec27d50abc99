"""Items with types of their own."""

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.agents.responses_items import (
    AdditionalTools,
    CustomCall,
    CustomOutput,
    FunctionCall,
    FunctionOutput,
    Message,
    Reasoning,
    ShellCall,
    TypedItem,
    read_typed_request,
)
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.shapes import Json
from tests.fast.agents.responses_traffic import CALL, DECLARED, FULL, OUTPUT, SHELL, THOUGHT

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


def read(*items: Json) -> list[TypedItem]:
    _, given = read_typed_request(encode({"input": items, "model": "m"}))
    assert not isinstance(given, str)
    return list(given)


def test_each_kind_has_a_type() -> None:
    kinds = [type(item) for item in read(*ITEMS)]
    assert kinds == [
        *(Message, FunctionCall, FunctionOutput, CustomCall, CustomOutput, Reasoning, ShellCall),
        AdditionalTools,
    ]


def test_one_without_a_type_makes_no_difference_to_the_others() -> None:
    (message, *others) = read(UNTYPED, *ITEMS[1:-1])
    assert [message, *others] == read(*ITEMS[:-1])
    assert read_typed_request(encode(FULL))[0].model == "asked"
    assert read_typed_request(encode({"input": "Hi."}))[1] == "Hi."


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
        {"type": "item_reference", "id": "i"},
    ],
)
@pytest.mark.parametrize("others", [[], [UNTYPED]])
def test_anything_else_is_not_admitted(item: Json, others: list[Json]) -> None:
    with pytest.raises(UNCOMMON):
        read(*others, item)


def test_what_is_not_utf8_is_not_admitted() -> None:
    with pytest.raises(UnicodeDecodeError):
        read_typed_request(b'{"input":"\xff"}')
    with pytest.raises(msgspec.ValidationError):
        read_typed_request(b'{"input":3}')
