"""The check of responses requests."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.responses import RESPONSES_PARAMETERS, check_responses
from gateway.translate.schema.responses_input import FOREIGN_ITEMS, HOSTED_RECORDS, ITEMS
from tests.translate.openai_schema import _DEFINITIONS, check_schema

OF_THE_SDK = {"access_programs", "background_options", "image"}
"""Parameters that openai-python has, and the description of August 2026 does not."""
VALID: Json = {
    "access_programs": {"cyber": "standard"},
    "background": False,
    "background_options": {"completion_window": "soonest"},
    "context_management": [{"type": "compaction"}],
    "conversation": "conv_1",
    "image": {"context_compression": "auto"},
    "include": ["message.output_text.logprobs"],
    "input": [
        {"role": "user", "content": "a"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"},
                {"type": "input_file", "file_id": "file-1"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "r"}],
            "encrypted_content": "gAAA",
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "ok"},
        {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
        {
            "type": "custom_tool_call_output",
            "call_id": "b",
            "output": [{"type": "input_text", "text": "ok"}],
        },
        {
            "type": "local_shell_call",
            "id": "a",
            "call_id": "c",
            "status": "completed",
            "action": {"type": "exec", "command": ["ls"], "env": {}},
        },
        {"type": "local_shell_call_output", "id": "c", "call_id": "c", "output": "{}"},
        {"type": "shell_call", "call_id": "d", "action": {"commands": ["ls"], "timeout_ms": 9}},
        {
            "type": "shell_call_output",
            "call_id": "d",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
        {
            "type": "apply_patch_call",
            "call_id": "e",
            "status": "completed",
            "operation": {"type": "delete_file", "path": "a"},
        },
        {"type": "apply_patch_call_output", "call_id": "e", "status": "failed", "output": "no"},
        {"type": "tool_search_call", "call_id": "f", "execution": "client", "arguments": {}},
        {
            "type": "tool_search_output",
            "call_id": "f",
            "execution": "client",
            "tools": [{"type": "function", "name": "h", "parameters": {}, "strict": True}],
        },
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "apply_patch"}]},
        {"type": "item_reference", "id": "msg_2"},
        {
            "type": "configuration_update",
            "reasoning": {"effort": "high"},
            "text": {"format": {"type": "text"}},
        },
    ],
    "instructions": "be kind",
    "max_output_tokens": 16,
    "max_tool_calls": 1,
    "metadata": {"a": "b"},
    "model": "m",
    "moderation": {"model": "omni-moderation-latest"},
    "parallel_tool_calls": True,
    "previous_response_id": "resp_1",
    "prompt": {"id": "pmpt_1"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"comparison_response_id": "resp_1", "prewarm": False, "ttl": "12h"},
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low", "summary": "auto", "context": "auto", "mode": "pro"},
    "safety_identifier": "s" * 128,
    "service_tier": "flex",
    "store": True,
    "stream": True,
    "stream_options": {"include_obfuscation": False},
    "temperature": 2,
    "text": {
        "format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True},
        "verbosity": "low",
    },
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "f"}],
    },
    "tools": [
        {"type": "function", "name": "f", "parameters": {}, "strict": False},
        {"type": "custom", "name": "g", "format": {"type": "text"}},
        {
            "type": "namespace",
            "name": "n",
            "description": "d",
            "tools": [{"type": "function", "name": "f"}],
        },
        {"type": "web_search"},
        {"type": "local_shell"},
        {
            "type": "shell",
            "environment": {
                "type": "local",
                "skills": [{"name": "s", "description": "d", "path": "p"}],
            },
        },
        {
            "type": "shell",
            "environment": {
                "type": "container_auto",
                "skills": [{"type": "skill_reference", "skill_id": "s"}],
            },
        },
        {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}},
    ],
    "top_logprobs": 20,
    "top_p": 1,
    "truncation": "auto",
    "user": "u",
}


def test_all_parameters_of_openais_description_are_known() -> None:
    names: set[str] = set()
    waiting = ["CreateResponse"]
    while waiting:
        schema = _DEFINITIONS[waiting.pop()]
        for part in schema.get("allOf", [schema]):
            names |= part.get("properties", {}).keys()
            if "$ref" in part:
                waiting.append(part["$ref"].rsplit("/", 1)[1])
    assert names | OF_THE_SDK == RESPONSES_PARAMETERS.keys() == VALID.keys()


def test_all_item_types_of_openais_description_are_known() -> None:
    for reference in _DEFINITIONS["Item"]["anyOf"] + _DEFINITIONS["InputItem"]["anyOf"]:
        name = reference["$ref"].rsplit("/", 1)[1]
        kind = _DEFINITIONS[name].get("properties", {}).get("type", {})
        for word in kind.get("enum", ()):
            if word in HOSTED_RECORDS | FOREIGN_ITEMS:
                assert check_responses({"input": [{"type": word}]})["input"] == [{"type": word}]
            if word not in HOSTED_RECORDS - ITEMS.keys() | FOREIGN_ITEMS:
                assert word in {item.get("type", "message") for item in VALID["input"]}


def test_a_valid_request_passes_unchanged_but_for_the_types_of_items() -> None:
    # The description has a shorter identifier, and a single `ttl`.
    described = {"safety_identifier": "s", "prompt_cache_options": {}, "input": VALID["input"][:-1]}
    check_schema("CreateResponse", {**VALID, **described})
    checked = check_responses(VALID)
    assert checked["input"][0] == {"type": "message", "role": "user", "content": "a"}
    assert "type" not in VALID["input"][0]
    rest = [*checked["input"][1:]]
    assert rest == VALID["input"][1:]
    assert {k: v for k, v in checked.items() if k != "input"} == {
        k: v for k, v in VALID.items() if k != "input"
    }


def test_null_keys_are_absent_and_unknown_ones_stay() -> None:
    assert check_responses({"input": None, "top_k": 3, "stop": ["a"]}) == {
        "top_k": 3,
        "stop": ["a"],
    }


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input": 1}, "input", "invalid_type"),
        ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
        ({"conversation": 1}, "conversation", "invalid_type"),
        ({"truncation": "some"}, "truncation", "invalid_value"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema",
            "missing_required_parameter",
        ),
        ({"stop": ""}, "stop", "invalid_value"),
        ({"stop": ["a", ""]}, "stop", "invalid_value"),
        ({"seed": "1"}, "seed", "invalid_type"),
        ({"safety_identifier": "s" * 129}, "safety_identifier", "string_above_max_length"),
        (
            {"input": [{"type": "configuration_update", "text": {"format": {"type": "xml"}}}]},
            "input[0].text.format.type",
            "invalid_value",
        ),
    ],
)
def test_a_fault_is_named_by_its_path(body: Json, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_responses(body)
    assert (caught.value.param, caught.value.code) == (param, code)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "role", "content", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RESPONSES_PARAMETERS, "stop"]), ANY_JSON, max_size=4))
def test_any_request_passes_or_is_refused(body: Any) -> None:
    param: str | None = None
    try:
        checked = check_responses(body)
    except InvalidRequest as error:
        param = error.param or "none"
    if param is None:
        assert check_responses(checked) == checked
    else:
        assert param.startswith(tuple(body))
