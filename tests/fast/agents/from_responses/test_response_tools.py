"""The tools of agents' responses requests."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.errors import UnsupportedParameter
from gateway.fast.agents.from_responses.response_tools import Tools, functions_in, tools_of
from gateway.fast.agents.from_responses.responses_requests import read_responses_request
from gateway.fast.agents.uncommon import UNCOMMON
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from tests.fast.agents.from_responses.test_responses_via_chat import CONTEXTS
from tests.fast.agents.responses_traffic import FULL, STRICT


def read(*tools: Json, known: str = "OpenAI", **said: Any) -> tuple[Tools, Json]:
    request = read_responses_request(encode({"input": "Hi.", "tools": tools, **said}))
    report = Report(Shape.RESPONSES, Shape.CHAT)
    made = tools_of(request, CONTEXTS[known], report)
    return made, decode(encode(made.parameters(CONTEXTS[known], report)))


def function(**fields: Any) -> Json:
    return {"type": "function", "name": "read", **fields}


def test_functions_keep_their_schema() -> None:
    made, sent = read(*FULL["tools"], tool_choice="auto", parallel_tool_calls=False)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["read", "find", "now"]
    assert sent.keys() == {"tools", "parallel_tool_calls"}
    assert set(made.names.declared) == {"read", "find", "now"}
    repeated = decode(encode(made.client))
    assert [tool["strict"] for tool in repeated["tools"]] == [False, False, True]
    assert repeated["tool_choice"] == "auto"
    said, tools = made.repeated()
    assert {**said, "tools": decode(encode(tools))} == repeated


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (STRICT, True),
        ({**STRICT, "additionalProperties": True}, False),
        ({**STRICT, "required": []}, False),
        ({"type": "object"}, False),
        ({"type": "object", "description": "é\\u0061"}, False),
    ],
)
def test_only_a_schema_that_is_strict_makes_a_function_so(schema: Json, strict: bool) -> None:
    _, sent = read(function(parameters=schema))
    assert ("strict" in sent["tools"][0]["function"]) is strict


@pytest.mark.parametrize("given", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_function_without_parameters_has_an_empty_schema(given: Json) -> None:
    made, sent = read(function(**given))
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    _, tools = made.repeated()
    assert decode(encode(tools))[0]["parameters"] == given.get("parameters")


def test_a_key_may_be_written_with_escapes() -> None:
    written = encode(STRICT).replace(b"additional", b"\\u0061dditional")
    request = b'{"input":"","tools":[{"type":"function","name":"f","parameters":%b}]}' % written
    report = Report(Shape.RESPONSES, Shape.CHAT)
    made = tools_of(read_responses_request(request), CONTEXTS["OpenAI"], report)
    sent = decode(encode(made.parameters(CONTEXTS["OpenAI"], report)))
    assert sent["tools"][0]["function"]["strict"] is True


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"tools": FULL["tools"]}, ["read", "find", "now"]),
        ({"tools": FULL["tools"], "tool_choice": {"type": "function", "name": "now"}}, []),
        ({"tools": [{"type": "local_shell"}]}, []),
        ({"tools": []}, []),
        ({}, []),
    ],
)
def test_functions_alone_are_had_as_given_and_as_sent(said: Json, names: list[str]) -> None:
    request = read_responses_request(encode({"input": "Hi.", **said}))
    functions = functions_in(request, CONTEXTS["OpenAI"])
    defined = None if functions is None else functions.defined
    given, sent = ((), ()) if defined is None else (defined.given, defined.sent)
    assert [tool.name for tool in given] == [function.name for function in sent] == names


def test_the_same_definitions_are_read_once() -> None:
    body = encode({"input": "Hi.", "tools": FULL["tools"]})
    own = CONTEXTS["OpenAI"]
    known = (own, own, replace(own, scope="another key"))
    first, again, other = (functions_in(read_responses_request(body), each) for each in known)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.defined is again.defined
    assert first.defined is not other.defined


@pytest.mark.parametrize("wrong", [{"parameters": []}, {"description": 3}])
def test_anything_else_is_not_admitted(wrong: Json) -> None:
    with pytest.raises(UNCOMMON):
        read(function(**wrong))


def test_other_tools_are_read_by_the_generic_path() -> None:
    made, sent = read({"type": "local_shell"}, function())
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["local_shell", "read"]
    assert made.names.client_tool("local_shell") is not None
    assert made.repeated() == (made.client, None)
    _, none = read()
    assert none == {}
    with pytest.raises(UnsupportedParameter):
        read(function(), known="no tools")
