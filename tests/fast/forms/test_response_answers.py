"""Responses for clients are those that the generic path makes."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.fast.forms.response_answers import encode_response
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.output.response_object import (
    ECHOED,
    ResponseObject,
    UpstreamFacts,
)
from tests.fast.both_paths import CONTEXT

EFFORT = replace(CONTEXT, reasoning_effort="low")
USAGE = {"prompt_tokens": 3, "completion_tokens": 4}
TOOL: Json = {"type": "function", "name": "f"}


@pytest.mark.parametrize("context", [CONTEXT, EFFORT])
@pytest.mark.parametrize(
    "client",
    [
        {},
        {"temperature": 0.5, "instructions": "x", "max_output_tokens": 16, "user": "u"},
        dict.fromkeys(ECHOED, "x"),
        {"text": {"verbosity": "low"}},
        {"tools": [TOOL], "reasoning": {"summary": "auto"}},
        {"prompt_cache_retention": "24h", "moderation": {}},
    ],
)
@pytest.mark.parametrize(
    "facts",
    [
        UpstreamFacts(),
        UpstreamFacts(7, "own", USAGE, "flex"),
        UpstreamFacts(2**40, "", {"own": 3}, ["x"], counted={"input_tokens": 3}),
    ],
)
def test_both_make_the_same(client: Json, context: Context, facts: UpstreamFacts) -> None:
    made = encode_response(client, facts, "Hi.", [("call_1", "f", "{}")], context)
    output = decode(made)["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    assert made == encode(ResponseObject(client, facts, context).at("completed", output))


@pytest.mark.parametrize("client", [{}, {"text": {}}])
def test_tools_are_repeated_as_they_are_given(client: Json) -> None:
    tools: Any = [{"type": "function", "name": "g"}]
    made = decode(encode_response(client, UpstreamFacts(), None, [], CONTEXT, tools))
    assert made["tools"] == tools
    assert made["output"] == []
