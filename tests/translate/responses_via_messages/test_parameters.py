"""Every parameter of responses at a messages endpoint: sent, emulated, refused or reported."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import GatewayError, InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.schema.responses import RESPONSES_EXTENSIONS, RESPONSES_PARAMETERS
from tests.translate.messages_upstreams import (
    CLAUDE,
    EPHEMERAL,
    OLDER,
    UNKNOWN,
    context,
    sealing,
)
from tests.translate.responses_via_messages.cases import (
    CUSTOM,
    FUNCTION,
    HELLO,
    SENT,
    TOOLS,
    call_of,
    called,
    output,
    translated,
)

CLOSED: Json = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: Json = {"type": "json_schema", "name": "n", "schema": CLOSED, "description": "d"}

PASSED: dict[str, tuple[Any, Json]] = {
    "input": ("a", {"messages": [{"role": "user", "content": "a"}]}),
    "instructions": ("s", {"system": "s"}),
    "max_output_tokens": (99, {"max_tokens": 99}),
    "model": ("asked", {"model": "claude-opus-5-5"}),
    "reasoning": (
        {"effort": "high"},
        {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}},
    ),
    "safety_identifier": ("s", {"metadata": {"user_id": "s"}}),
    "stop": ("END", {"stop_sequences": ["END"]}),
    "stream": (True, {"stream": True}),
    "temperature": (0.5, {"temperature": 0.5}),
    "text": (
        {"format": FORMAT},
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    ),
    "tools": ([FUNCTION], {"tools": [SENT]}),
    "top_p": (0.5, {"top_p": 0.5}),
    "user": ("u", {"metadata": {"user_id": "u"}}),
    # Anthropic's own
    "cache_control": (EPHEMERAL, {"cache_control": EPHEMERAL}),
    "thinking": ({"type": "adaptive"}, {"thinking": {"type": "adaptive"}}),
    "top_k": (7, {"top_k": 7}),
}
"""By parameter: a value, and what is sent for it."""

DROPPED: dict[str, tuple[Any, str]] = {
    "access_programs": ({"cyber": "daybreak_red"}, "access_programs"),
    "background_options": ({"completion_window": "8h"}, "background_options"),
    "context_management": ([{"type": "compaction"}], "context_management"),
    "frequency_penalty": (1, "frequency_penalty"),
    "image": ({"context_compression": "enabled"}, "image"),
    "include": (["file_search_call.results"], "include[file_search_call.results]"),
    "max_tool_calls": (3, "max_tool_calls"),
    "metadata": ({"a": "b"}, "metadata"),
    "parallel_tool_calls": (False, "parallel_tool_calls"),
    "presence_penalty": (1, "presence_penalty"),
    "prompt_cache_key": ("k", "prompt_cache_key"),
    "prompt_cache_options": ({"mode": "explicit"}, "prompt_cache_options"),
    "prompt_cache_retention": ("24h", "prompt_cache_retention"),
    "seed": (7, "seed"),
    "service_tier": ("flex", "service_tier"),
    "store": (True, "store"),
    "stream_options": ({"include_obfuscation": True}, "stream_options.include_obfuscation"),
    "top_logprobs": (3, "top_logprobs"),
    "truncation": ("auto", "truncation"),
    "client_metadata": ({"a": "b"}, "client_metadata"),
}
"""By parameter: a value that is reported and not sent, and the entry of the report."""

NESTED: list[tuple[Json, list[str]]] = [
    ({"text": {"verbosity": "low"}}, ["text.verbosity"]),
    ({"text": {"verbosity": "medium", "zzz": 1}}, ["text.zzz"]),
    (
        {"reasoning": {"context": "all_turns", "mode": "fast", "zzz": 1}},
        ["reasoning.zzz", "reasoning.context", "reasoning.mode"],
    ),
    ({"include": ["reasoning.encrypted_content"]}, ["include[reasoning.encrypted_content]"]),
    ({"stream_options": {"zzz": 1}}, ["stream_options.zzz"]),
]

REFUSED: dict[str, tuple[Any, str]] = {
    "include": (["message.output_text.logprobs"], "include"),
    "logit_bias": ({"7": 1}, "logit_bias"),
    "stop": (["END", "\n"], "stop"),
    "text": ({"format": {"type": "json_object"}}, "text.format"),
    "reasoning": ({"mode": "pro"}, "reasoning.mode"),
    "system": ("s", "system"),
    "max_tokens": (9, "max_tokens"),
    "n": (2, "n"),
    "output_config": ({"effort": "low"}, "output_config"),
}
"""By parameter: a value that is refused, or dropped on request."""

NEVER: dict[str, tuple[Any, str]] = {
    "background": (True, "background"),
    "conversation": ("c", "conversation"),
    "moderation": ({"model": "m"}, "moderation"),
    "previous_response_id": ("resp_1", "previous_response_id"),
    "prompt": ({"id": "p"}, "prompt"),
    "tool_choice": ("required", "tool_choice"),
}
"""By parameter: a value that is always refused."""

NEUTRAL: list[Json] = [
    *({"background": False}, {"frequency_penalty": 0}, {"include": []}, {"logit_bias": {}}),
    *({"prompt_cache_options": {}}, {"image": {"context_compression": "auto"}}),
    *({"metadata": {}}, {"parallel_tool_calls": True}, {"prompt_cache_retention": "in_memory"}),
    *({"reasoning": {}}, {"service_tier": "auto"}, {"service_tier": "default"}, {"stop": []}),
    *({"store": False}, {"stream": False}, {"text": {}}, {"tool_choice": "none"}, {"tools": []}),
    *({"truncation": "disabled"}, {"text": {"format": {"type": "text"}}}, {"n": 1}),
    *({"top_logprobs": 0}, {"system": ""}, {"functions": []}),
]
"""Values that mean the same as none."""


def test_every_parameter_is_in_a_table() -> None:
    known = {*PASSED, *DROPPED, *REFUSED, *NEVER}
    assert known >= {*RESPONSES_PARAMETERS, *RESPONSES_EXTENSIONS}


def body_of(name: str, value: Any) -> Json:
    return {"max_output_tokens": 4096, name: value}


@pytest.mark.parametrize("name", PASSED)
def test_what_is_sent(name: str) -> None:
    value, expected = PASSED[name]
    translation = translated(body_of(name, value))
    (call,) = translation.calls
    assert {key: call.get(key) for key in expected} == expected
    assert translation.report.dropped == (["text.format.description"] if name == "text" else [])
    assert translation.report.changed == translation.report.emulated == []


@pytest.mark.parametrize("name", DROPPED)
def test_what_is_dropped_and_reported(name: str) -> None:
    value, entry = DROPPED[name]
    translation = translated(body_of(name, value))
    assert translation.report.dropped == [entry]
    assert translation.calls == translated({"max_output_tokens": 4096}).calls


@pytest.mark.parametrize(("body", "entries"), NESTED, ids=str)
def test_fields_without_a_place_are_reported(body: Json, entries: list[str]) -> None:
    translation = translated(body)
    assert translation.report.dropped == entries
    assert translation.calls == translated({}).calls


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_or_dropped_on_request(name: str) -> None:
    value, param = REFUSED[name]
    with pytest.raises(InvalidRequest) as refused:
        translated({name: value}, context(extra_params="pass"))
    assert refused.value.param == param
    of = context(on_unsupported="drop", extra_params="pass")
    translation = translated({name: value}, of)
    assert translation.report.dropped == [param]
    assert translation.report.emulated == []
    assert translation.calls == translated({}).calls


def test_a_cache_is_not_filled_by_a_generation() -> None:
    asked = {"prompt_cache_options": {"prewarm": True}}
    with pytest.raises(UnsupportedParameter) as refused:
        translated(asked)
    assert refused.value.param == "prompt_cache_options.prewarm"
    dropped = translated(asked, context(on_unsupported="drop")).report.dropped
    assert dropped == ["prompt_cache_options.prewarm", "prompt_cache_options"]


@pytest.mark.parametrize("name", NEVER)
def test_what_is_always_refused(name: str) -> None:
    value, param = NEVER[name]
    with pytest.raises(InvalidRequest) as refused:
        translated({name: value}, context(on_unsupported="drop"))
    assert refused.value.param == param


@pytest.mark.parametrize("body", NEUTRAL, ids=str)
def test_neutral_values_are_not_news(body: Json) -> None:
    translation = translated(body)
    assert translation.report.dropped == translation.report.emulated == []
    assert translation.report.changed == ["max_output_tokens:none->4096"]
    assert translation.calls == translated({}).calls


def test_sealed_reasoning_is_served() -> None:
    translation = translated({"include": ["reasoning.encrypted_content"]}, sealing())
    assert translation.report.dropped == []


@pytest.mark.parametrize("name", ["summary", "generate_summary"])
def test_a_summary_is_the_thinking_itself(name: str) -> None:
    call = call_of({"reasoning": {"effort": "low", name: "auto"}})
    assert call["thinking"] == {"type": "adaptive", "display": "summarized"}
    other = translated({"reasoning": {"effort": "low", name: "x"}})
    assert other.calls[0]["thinking"] == {"type": "adaptive"}
    assert other.report.dropped == [f"reasoning.{name}"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"type": "custom", "name": "patch"}, {"type": "tool", "name": "patch"}),
    ],
)
def test_choices_are_converted(choice: Any, sent: Any) -> None:
    call = call_of({"tools": TOOLS, "tool_choice": choice})
    assert call.get("tool_choice") == sent
    assert [tool["name"] for tool in call["tools"]] == ["f", "patch"]
    single = call_of({"tools": TOOLS, "tool_choice": choice, "parallel_tool_calls": False})
    none = choice == "none"
    assert single["tool_choice"].get("disable_parallel_tool_use") is (None if none else True)


def test_of_tools_that_may_not_be_called_none_is_sent() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [CUSTOM]}
    translation = translated({"tools": TOOLS, "tool_choice": choice})
    assert [tool["name"] for tool in translation.calls[0]["tools"]] == ["patch"]
    assert translation.calls[0]["tool_choice"] == {"type": "any"}
    assert translation.report.emulated == ["tools[1]", "tool_choice"]
    assert translation.client_param(0, "tools[0].input_schema") == "tools[1]"


def test_hosted_tools_can_be_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"tools": [{"type": "web_search"}]}, context(hosted_tools="refuse"))
    assert refused.value.param == "tools[0]"


def test_strictness_is_sent_as_it_is_meant() -> None:
    strict = {**FUNCTION, "parameters": {**CLOSED, "required": []}}
    assert call_of({"tools": [strict]})["tools"][0]["strict"] is True
    assert "strict" not in call_of({"tools": [{**strict, "strict": False}]})["tools"][0]
    of = context(UNKNOWN)
    assert translated({"tools": [strict]}, of).report.dropped == []
    said = translated({"tools": [{**strict, "strict": True}]}, of)
    assert said.report.dropped == ["tools[0].strict"]
    inner = {"type": "namespace", "name": "x", "tools": [{**strict, "strict": True}]}
    assert translated({"tools": [inner]}, of).report.dropped == ["tools[0].tools[0].strict"]


@pytest.mark.parametrize("known", [CLAUDE, UNKNOWN, replace(UNKNOWN, strict_tools=False)])
def test_unknown_fields_of_tools_are_reported_wherever_these_are(known: Capabilities) -> None:
    odd = {**FUNCTION, "parameters": CLOSED, "own": 1, "max_uses": 3}
    more = [{"type": "function", "name": "g", "own": 1}]
    tools = [odd, {"type": "namespace", "name": "x", "tools": [{**odd, "strict": None}]}]
    asked = [{"role": "user", "content": "a"}, {"type": "additional_tools", "tools": more}]
    said = translated({"tools": tools, "input": asked}, context(known))
    assert "own" not in str(said.calls)
    assert "max_uses" not in str(said.calls)
    assert said.report.dropped == [
        *("tools[0].max_uses", "tools[0].own"),
        *("tools[1].tools[0].max_uses", "tools[1].tools[0].own", "input[1].tools[0].own"),
    ]


def test_tools_of_earlier_calls_are_defined_but_not_allowed() -> None:
    translation = translated({"input": [*HELLO, called(), output()]})
    assert translation.calls[0]["tool_choice"] == {"type": "none"}
    assert translation.report.emulated == ["tools"]


def test_thinking_is_not_asked_for_within_a_loop_without_it() -> None:
    body = {"input": [*HELLO, called(), output()], "tools": TOOLS, "reasoning": {"effort": "high"}}
    translation = translated(body, context(OLDER))
    assert "thinking" not in translation.calls[0]
    assert translation.report.dropped == ["reasoning.effort"]


def test_unknown_parameters_follow_the_policy() -> None:
    assert call_of({"zzz": 1}, context(extra_params="pass"))["zzz"] == 1
    with pytest.raises(GatewayError) as refused:
        translated({"zzz": 1}, context(extra_params="refuse"))
    assert refused.value.code == "unknown_parameter"


def test_unknown_servers_are_told_not_to_stream() -> None:
    assert call_of({}, context(UNKNOWN))["stream"] is False


ODD: Sequence[Any] = (
    "x",
    "",
    7,
    True,
    [],
    [[]],
    {},
    {"type": []},
    {"type": {}},
    {"type": ["enabled"]},
)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["cache_control", "thinking", "top_k", "output_config", "zzz"])
@pytest.mark.parametrize("of", [context(), context(OLDER), context(UNKNOWN)])
def test_odd_values_of_extensions_are_the_clients_fault_or_passed(
    of: Context, name: str, odd: Any
) -> None:
    for more in ({}, {"reasoning": {"effort": "low"}}):
        with suppress(InvalidRequest):
            (call,) = translated({name: odd, **more}, of).calls
            assert call["model"]


def test_a_tool_that_is_defined_twice_is_sent_once() -> None:
    translation = translated({"tools": [FUNCTION, FUNCTION]})
    assert translation.calls[0]["tools"] == [SENT]
    assert translation.report.dropped == ["tools[1]"]
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"tools": [FUNCTION, {**FUNCTION, "description": "Another."}]})
    assert refused.value.param == "tools[1]"
