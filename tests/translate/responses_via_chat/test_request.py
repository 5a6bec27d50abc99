"""A responses request as one chat request, and the client's names of its parameters."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import ItemNames
from gateway.translate.responses_via_chat.request import reasoning_form
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    asking,
    call_of,
    completion,
    context,
    refused,
    replied,
)

ASKED: dict[str, Any] = {
    "instructions": "be kind",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"},
            ],
        },
        {"type": "message", "role": "assistant", "content": "wait"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "b", "output": "ok"},
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": [
                {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"}
            ],
        },
    ],
    "tools": [
        {"type": "web_search"},
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    ],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
    "reasoning": {"effort": "low"},
    "max_output_tokens": 100,
    "include": ["message.output_text.logprobs"],
    "temperature": 0.5,
    "stream": True,
}


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages", "input"),
        ("messages[0]", "instructions"),
        ("messages[0].content", "instructions"),
        ("messages[1].content[0].text", "input[0].content[0].text"),
        ("messages[1].content[1].image_url.url", "input[0].content[1].image_url"),
        ("messages[1].content[1].image_url.detail", "input[0].content[1].detail"),
        ("messages[2].content", "input[1].content"),
        ("messages[2].tool_calls", "input[2]"),
        ("messages[2].tool_calls[0].id", "input[2].call_id"),
        ("messages[2].tool_calls[1].function.arguments", "input[3].arguments"),
        ("messages[2].tool_calls[9].id", "input[2]"),
        ("messages[3].tool_call_id", "input[5].call_id"),
        ("messages[3].content[0]", "input[5].output[0]"),
        ("messages[4].content", "input[4].output"),
        ("messages[5]", "input[5].output[0]"),
        ("messages[5].content[0]", "input[5].output[0]"),
        ("messages[5].content[0].image_url.url", "input[5].output[0].image_url"),
        ("messages[5].content[1]", "input[5].output[0]"),
        ("messages[6]", "input"),
        ("max_completion_tokens", "max_output_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("response_format", "text.format"),
        ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
        ("tools[0].function.parameters", "tools[1].parameters"),
        ("tools[0].type", "tools[1].type"),
        ("tools[7]", "tools"),
        ("tools", "tools"),
        ("logprobs", "include"),
        ("top_logprobs", "include"),
        ("temperature", "temperature"),
        ("stream_options", None),
        ("tool_choice", None),
        ("n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_chat_parameter_has_the_name_that_the_client_gave_it(
    upstream: str | None, client: str | None
) -> None:
    translation = asking(context(OPENAI, hosted_tools="drop"), **ASKED)
    assert translation.client_param(0, upstream) == client


@pytest.mark.parametrize(
    "upstream",
    ["response_format", "reasoning_effort", "verbosity", "logprobs", "tools"],
)
def test_a_parameter_that_the_client_did_not_send_has_no_name(upstream: str) -> None:
    configured = replace(context(), reasoning_effort="low")
    assert asking(configured).client_param(0, upstream) is None


def test_the_limit_has_a_name_even_if_the_client_sent_none() -> None:
    assert asking().client_param(0, "max_tokens") == "max_output_tokens"


def test_top_logprobs_has_its_own_name_if_the_client_sent_it() -> None:
    translation = asking(include=["message.output_text.logprobs"], top_logprobs=2)
    assert translation.client_param(0, "top_logprobs") == "top_logprobs"


def test_a_file_in_the_input_is_not_nested() -> None:
    file = {"type": "input_file", "file_data": "data:", "filename": "a.pdf"}
    translation = asking(input=[{"role": "user", "content": [file]}])
    named = translation.client_param(0, "messages[0].content[0].file.file_data")
    assert named == "input[0].content[0].file_data"


def test_a_grammar_is_not_nested() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    translation = asking(tools=[{"type": "custom", "name": "p", "format": grammar}])
    named = translation.client_param(0, "tools[0].custom.format.grammar.syntax")
    assert named == "tools[0].format.syntax"


def test_items_that_are_not_the_clients_have_the_names_that_it_knows() -> None:
    given = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    known = replace(context(), items=ItemNames(["previous_response_id", 0]))
    translation = asking(known, input=given)
    assert translation.client_param(0, "messages[0].content") == "previous_response_id"
    assert translation.client_param(0, "messages[1].content") == "input[0].content"
    for wrong, param in (
        ([{"role": "nobody", "content": "a"}, given[1]], "previous_response_id"),
        ([given[0], {"role": "nobody", "content": "b"}], "input[0].role"),
    ):
        assert refused(known, input=wrong).param == param
    assert refused(known, input=given, temperature=3).param == "temperature"


def test_a_simple_request_has_nothing_but_its_message() -> None:
    translation = asking()
    assert list(translation.calls) == [
        {"model": "sent", "messages": [{"role": "user", "content": "Hello"}]}
    ]
    assert translation.local_reply() is None
    assert translation.report.header() == "from=responses; to=chat"


def test_null_parameters_are_absent() -> None:
    call = call_of(temperature=None, tools=None, text=None, reasoning={"effort": None})
    assert call.keys() == {"model", "messages"}


def test_model_is_sent_under_the_upstreams_name_and_answered_as_asked() -> None:
    assert call_of()["model"] == "sent"
    assert replied(completion("a"))["model"] == "asked"


def test_input_is_required() -> None:
    error = refused(input=None)
    assert (error.param, error.code) == ("input", "missing_required_parameter")


def test_tools_that_came_in_the_input_are_named_there() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    item = {"type": "additional_tools", "role": "developer", "tools": [tool]}
    translation = asking(input=[{"role": "user", "content": "a"}, item])
    assert translation.client_param(0, "tools") == "input[1].tools"
    assert translation.client_param(0, "tools[0].function.name") == "input[1].tools[0].name"


def test_reasoning_is_a_summary_for_openais_words_only() -> None:
    for word, form in (("auto", "summary"), ("concise", "summary"), ("none", "text")):
        for name in ("summary", "generate_summary"):
            assert reasoning_form({"reasoning": {name: word}}, context()) == form
    assert reasoning_form({}, context()) == "text"
