"""The types of agents' responses requests."""

from typing import Any

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.agents.responses_requests import (
    InputText,
    Item,
    ResponsesRequest,
    is_shell_call,
    kind_of,
    others,
    read_parts,
    read_responses_request,
    read_tools,
)
from gateway.fast.agents.uncommon import Uncommon
from gateway.shapes import Json
from gateway.translate.schema.responses import RESPONSES_EXTENSIONS, RESPONSES_PARAMETERS

TEXT: Json = {"type": "input_text", "text": "Hi."}


def item(**fields: Any) -> Item:
    given = read_responses_request(encode({"input": [fields]})).input
    assert not isinstance(given, str)
    return given[0]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("message", {"role": "user", "content": "Hi."}),
        ("message", {"type": "message", "role": "assistant", "content": [TEXT], "phase": "x"}),
        ("function_call", {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}),
        ("function_call_output", {"type": "function_call_output", "call_id": "c", "output": ""}),
        ("custom_tool_call", {"type": "custom_tool_call", "call_id": "c", "name": "f"}),
        ("custom_tool_call_output", {"type": "custom_tool_call_output", "output": [TEXT]}),
        ("reasoning", {"type": "reasoning", "summary": [], "encrypted_content": "x"}),
    ],
)
def test_items_are_of_one_kind_with_its_fields(kind: str, fields: Json) -> None:
    assert kind_of(item(**fields, id="i", status="completed")) == kind
    foreign = {"arguments": "x"} if kind != "function_call" else {"input": "x"}
    with pytest.raises(Uncommon):
        kind_of(item(**fields, **foreign))
    assert kind_of(item(**fields, **dict.fromkeys(foreign))) == kind


@pytest.mark.parametrize(
    "fields",
    [{}, {"id": "i"}, {"type": ""}, {"type": "own"}, {"type": "item_reference", "id": "i"}],
)
def test_other_kinds_are_not_admitted(fields: Json) -> None:
    with pytest.raises(Uncommon):
        kind_of(item(**fields))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": 3},
        {"input": ["Hi."]},
        {"input": [], "own": 1},
        {"input": [{"role": "user", "content": "Hi.", "own": 1}]},
        {"input": [{"role": "tool", "content": "Hi."}]},
        {"input": [{"type": "function_call", "call_id": ""}]},
    ],
)
def test_anything_else_is_not_admitted(body: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_responses_request(encode(body))


def test_what_is_not_utf8_is_not_admitted() -> None:
    with pytest.raises(UnicodeDecodeError):
        read_responses_request(b'{"input":[],"instructions":"\xff"}')


def test_others_are_neither_the_conversation_nor_about_tools() -> None:
    said = {"model": "m", "store": False, "text": {"verbosity": "low"}}
    body = {"input": [], "instructions": "x", "tools": [], "user": None, **said}
    assert others(read_responses_request(encode(body))) == said


def test_there_are_no_parameters_but_those_that_are_known() -> None:
    known = RESPONSES_PARAMETERS.keys() | RESPONSES_EXTENSIONS.keys() | {"client_metadata"}
    assert set(ResponsesRequest.__struct_fields__) < known


def test_parts_and_tools_are_read_when_they_are_needed() -> None:
    assert [type(part) for part in read_parts(encode([TEXT]))] == [InputText]
    assert [tool.name for tool in read_tools(encode([{"type": "function", "name": "f"}]))] == ["f"]
    with pytest.raises(msgspec.ValidationError):
        read_parts(encode("x"))
    with pytest.raises(msgspec.ValidationError):
        read_tools(encode([{"type": "web_search"}]))


def test_a_shell_call_is_no_kind_of_the_others() -> None:
    shell = item(type="local_shell_call", call_id="c", status="completed", action={"a": 1})
    assert is_shell_call(shell)
    assert not is_shell_call(item(type="local_shell_call", id="i", call_id="c", action={}))
    assert not is_shell_call(item(type="function_call", call_id="c"))
    with pytest.raises(Uncommon):
        kind_of(shell)
    with pytest.raises(Uncommon):
        kind_of(item(role="user", content="Hi.", action={}))
