"""The chat client's paths of parameters that an upstream names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import context, translated

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}
PARTS = [
    {"type": "text", "text": "t"},
    {"type": "image_url", "image_url": {"url": "https://x"}},
    {"type": "file", "file": {"file_id": "file-1"}},
]
MESSAGES = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": PARTS},
    {"role": "assistant", "content": "t", "refusal": "r", "tool_calls": [CALL, CUSTOM]},
    {"role": "tool", "tool_call_id": "a", "content": "1"},
    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "2"}]},
    {"role": "assistant", "function_call": {"name": "f", "arguments": ""}},
    {"role": "function", "name": "f", "content": "3"},
]
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
TOOLS = [
    {"type": "web_search"},
    {"type": "function", "function": {"name": "f"}},
    {"type": "custom", "custom": {"name": "p", "format": GRAMMAR}},
]
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}


def client_param(body: Json, param: str | None) -> str | None:
    return translated(body, context(hosted_tools="drop")).client_param(0, param)


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("input", "messages"),
        ("instructions", "messages"),
        ("input[0]", "messages[0]"),
        ("input[0].role", "messages[0].role"),
        ("input[0].content", "messages[0].content"),
        ("input[0].content[0].text", "messages[0].content"),
        ("input[1].content[0]", "messages[1].content[0]"),
        ("input[1].content[0].text", "messages[1].content[0].text"),
        ("input[1].content[1].image_url", "messages[1].content[1].image_url.url"),
        ("input[1].content[1].detail", "messages[1].content[1].image_url.detail"),
        ("input[1].content[2].file_id", "messages[1].content[2].file.file_id"),
        ("input[1].content[9].text", "messages[1].content"),
        ("input[1].type", "messages[1]"),
        ("input[2].content[0].text", "messages[2].content"),
        ("input[2].content[1].refusal", "messages[2].refusal"),
        ("input[3]", "messages[2].tool_calls[0]"),
        ("input[3].call_id", "messages[2].tool_calls[0].id"),
        ("input[3].name", "messages[2].tool_calls[0].function.name"),
        ("input[3].arguments", "messages[2].tool_calls[0].function.arguments"),
        ("input[4].input", "messages[2].tool_calls[1].custom.input"),
        ("input[5].output", "messages[3].content"),
        ("input[5].call_id", "messages[3].tool_call_id"),
        ("input[6].output[0].text", "messages[4].content[0].text"),
        ("input[7].arguments", "messages[5].function_call.arguments"),
        ("input[7].call_id", "messages[5].function_call"),
        ("input[8].output", "messages[6].content"),
        ("input[9]", "messages"),
    ],
)
def test_input_items_are_named_after_their_messages(upstream: str, client: str) -> None:
    assert client_param({"messages": MESSAGES}, upstream) == client


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("tools[0]", "tools[1].function"),
        ("tools[0].parameters.properties", "tools[1].function.parameters.properties"),
        ("tools[1].format.syntax", "tools[2].custom.format.grammar.syntax"),
        ("tools[1].format.type", "tools[2].custom.format.type"),
        ("tools[2].user_location.city", "web_search_options.user_location.approximate.city"),
        ("tools[2].search_context_size", "web_search_options.search_context_size"),
        ("tools[3].name", "tools[3].name"),
        ("tools", "tools"),
        ("tool_choice.name", "tool_choice"),
    ],
)
def test_tools_are_named_as_the_client_numbered_them(upstream: str, client: str) -> None:
    body: Json = {"tools": TOOLS, "web_search_options": {}, "tool_choice": "auto"}
    assert client_param(body, upstream) == client


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("tools[0].name", "functions[0].name"),
        ("tools", "functions"),
        ("tool_choice", "function_call"),
    ],
)
def test_functions_are_named_as_functions(upstream: str, client: str) -> None:
    body = {"functions": [{"name": "f"}], "function_call": "auto"}
    assert client_param(body, upstream) == client


@pytest.mark.parametrize(
    ("body", "upstream", "client"),
    [
        ({"stop": "a"}, "stop", "stop"),
        ({"stop": "a"}, "stop[0]", "stop"),
        ({"stop": ["a", "a", "b"]}, "stop[1]", "stop[2]"),
        ({}, "stop[0]", None),
        ({}, "max_output_tokens", "max_completion_tokens"),
        ({"max_tokens": 20}, "max_output_tokens", "max_tokens"),
        ({"max_completion_tokens": 20}, "max_output_tokens", "max_completion_tokens"),
        ({"response_format": FORMAT}, "text.format", "response_format"),
        ({"response_format": FORMAT}, "text", "response_format"),
        (
            {"response_format": FORMAT},
            "text.format.schema",
            "response_format.json_schema.schema",
        ),
        ({"response_format": FORMAT}, "text.format.type", "response_format.type"),
        ({}, "text.format.schema", None),
        ({"verbosity": "low"}, "text.verbosity", "verbosity"),
        ({"verbosity": "low"}, "text", "verbosity"),
        ({}, "text.verbosity", None),
        ({"reasoning_effort": "low"}, "reasoning.effort", "reasoning_effort"),
        ({}, "reasoning", "reasoning_effort"),
        ({"logprobs": True}, "include", "logprobs"),
        ({"logprobs": True}, "include[0]", "logprobs"),
        ({"logprobs": True}, "top_logprobs", "logprobs"),
        ({"logprobs": True, "top_logprobs": 2}, "top_logprobs", "top_logprobs"),
        ({}, "include", None),
        ({}, "tool_choice", None),
        ({}, "tools", None),
        ({}, "store", None),
        ({"store": True}, "store", "store"),
        ({"temperature": 1}, "temperature", "temperature"),
        ({"metadata": {"a": "b"}}, "metadata.a", "metadata.a"),
        ({}, "background", None),
        ({}, None, None),
        ({}, "", None),
    ],
)
def test_a_parameter_has_the_clients_name_in_errors(
    body: Json, upstream: str | None, client: str | None
) -> None:
    assert client_param(body, upstream) == client


@given(
    param=st.text(max_size=30)
    | st.from_regex(r"(input|tools)\[\d{1,2}\](\.\w+|\[\d\]){0,3}", fullmatch=True)
)
def test_any_name_is_borne(param: str) -> None:
    named = client_param({"messages": MESSAGES, "tools": TOOLS}, param)
    assert named is None or isinstance(named, str)
