"""The types of agents' responses requests."""

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.agents.from_responses.responses_requests import (
    ResponsesRequest,
    others,
    read_responses_request,
    read_tools,
)
from gateway.shapes import Json
from gateway.translate.schema.responses import RESPONSES_EXTENSIONS, RESPONSES_PARAMETERS

UNTYPED: Json = {"role": "user", "content": "Hi."}
TYPED: Json = {"type": "reasoning", "summary": [], "encrypted_content": "x"}


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
        {"input": [UNTYPED], "own": 1},
        {"input": [UNTYPED, {**UNTYPED, "role": "tool"}]},
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


def test_an_item_may_do_without_its_type() -> None:
    typed = {**UNTYPED, "type": "message"}
    request = {"model": "m", "store": False}
    both = [
        read_responses_request(encode({**request, "input": [TYPED, first, TYPED]}))
        for first in (typed, UNTYPED)
    ]
    assert both[0].input == both[1].input
    assert [others(each) for each in both] == [request, request]


def test_tools_are_read_when_they_are_needed() -> None:
    assert [tool.name for tool in read_tools(encode([{"type": "function", "name": "f"}]))] == ["f"]
    with pytest.raises(msgspec.ValidationError):
        read_tools(encode([{"type": "web_search"}]))
