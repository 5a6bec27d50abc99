"""The client's names of chat's parameters."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import ItemNames, Json
from gateway.translate.responses_via_chat import translate
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    context,
    refused,
)
from tests.translate.sealing import OpenSeal

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


def test_a_string_input_and_merged_instructions_are_named_as_a_whole() -> None:
    assert asking().client_param(0, "messages[0].content") == "input"
    merged = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    translation = asking(context(SELF_HOSTED), instructions="c", input=merged)
    assert translation.client_param(0, "messages[0].content") == "instructions"
    assert translation.client_param(0, "messages[1].content") == "input[1].content"


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


THOUGHT: Json = {
    "type": "reasoning",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "hm"}],
}
SAID: Json = {"type": "message", "role": "assistant", "phase": "commentary", "content": "wait"}
MORE: Json = {
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": ", ", "annotations": []},
        {"type": "refusal", "refusal": "no"},
    ],
}
SHELL: Json = {
    "type": "local_shell_call",
    "call_id": "s",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
}
PATCH: Json = {"type": "custom_tool_call", "call_id": "p", "name": "patch", "input": "x"}


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages[0]", "input[0]"),
        ("messages[0].role", "input[1].role"),
        ("messages[0].content", "input[1].content"),
        ("messages[0].content[0].text", "input[1].content"),
        ("messages[0].refusal", "input[1].content"),
        ("messages[0].reasoning_content", "input[0]"),
        ("messages[0].tool_calls", "input[3]"),
        ("messages[0].tool_calls[0]", "input[3]"),
        ("messages[0].tool_calls[0].function.arguments", "input[3]"),
        ("messages[0].tool_calls[1].function.arguments", "input[4].input"),
        ("messages[0].tool_calls[1].function.name", "input[4].name"),
        ("messages[0].tool_calls[1].function", "input[4]"),
        ("messages[0].tool_calls[1].type", "input[4].type"),
        ("messages[0][1]", "input[0]"),
        ("messages[1]", "input[5]"),
        ("messages[1].role", "input[5]"),
        ("messages[1].content", "input[5].output"),
        ("messages[2].zzz", "input[6].zzz"),
        ("messages[3].content[1].file.filename", "input[6].output[1].filename"),
        ("messages[3].content[1].file", "input[6].output[1]"),
        ("messages[3].role", "input[6].output[0]"),
    ],
)
def test_each_part_of_a_message_has_the_name_of_the_item_that_it_came_from(
    upstream: str, client: str
) -> None:
    image = {"type": "input_image", "image_url": "https://a.example/i.png"}
    file = {"type": "input_file", "file_data": "data:", "filename": "a.pdf"}
    shown = [{**image, "detail": "low"}, file]
    given = [
        *(THOUGHT, SAID, MORE, SHELL, PATCH),
        {"type": "local_shell_call_output", "call_id": "s", "id": "s", "output": "a"},
        {"type": "custom_tool_call_output", "call_id": "p", "output": shown},
    ]
    able = replace(SELF_HOSTED, reasoning_field="reasoning_content")
    translation = translate({"input": given}, context(able))
    assert translation.client_param(0, upstream) == client


def test_what_a_message_has_of_no_item_is_named_as_the_item_that_brought_it() -> None:
    called = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": ""}
    compacted = OpenSeal().close({"kind": "compaction", "text": "all"})
    given = [{"type": "compaction", "encrypted_content": compacted}, called, output]
    translation = asking(replace(context(), seal=OpenSeal()), input=given)
    assert translation.client_param(0, "messages[0].content") == "input[0]"
    assert translation.client_param(0, "messages[1].content") == "input[1]"
    assert translation.client_param(0, "messages[1].reasoning_content") == "input[1]"
    assert translation.client_param(0, "messages[1].tool_calls[3].id") == "input[1]"
    alone = asking(input=[SAID])
    assert alone.client_param(0, "messages[0].tool_calls") == "input[0]"


def test_a_thought_that_is_a_part_is_the_reasoning() -> None:
    turn = {"kind": "turn", "upstream": "", "message": {"thinking": "hm"}, "calls": {}}
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": OpenSeal().close(turn)}
    translation = translate({"input": [sealed, SAID]}, replace(context(), seal=OpenSeal()))
    assert translation.calls[0]["messages"][0]["content"][1]["text"] == "wait"
    assert translation.client_param(0, "messages[0].content[0].thinking") == "input[0]"
    assert translation.client_param(0, "messages[0].content[1].text") == "input[1].content"


def test_system_messages_that_become_one_are_named_after_the_first() -> None:
    given = [{"role": "system", "content": text} for text in "ab"]
    translation = asking(context(SELF_HOSTED), input=[*given, {"role": "user", "content": "c"}])
    assert translation.client_param(0, "messages[0].content") == "input[0].content"
    assert translation.client_param(0, "messages[1].content") == "input[2].content"


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
