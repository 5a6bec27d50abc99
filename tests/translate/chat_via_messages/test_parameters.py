"""Every parameter of chat at a messages endpoint: sent, emulated, refused or reported."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from gateway.errors import GatewayError, InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.schema.chat import CHAT_PARAMETERS
from tests.translate.chat_via_messages.cases import TOOLS, call_of, translated
from tests.translate.messages_upstreams import EPHEMERAL, OLDER, UNKNOWN, context

CLOSED: Json = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: Json = {
    "type": "json_schema",
    "json_schema": {"name": "n", "strict": True, "description": "d", "schema": CLOSED},
}

SENT: dict[str, tuple[Any, Json]] = {
    "functions": (
        [{"name": "f"}],
        {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]},
    ),
    "max_completion_tokens": (99, {"max_tokens": 99}),
    "max_tokens": (99, {"max_tokens": 99}),
    "messages": (
        [{"role": "user", "content": "a"}],
        {"messages": [{"role": "user", "content": "a"}]},
    ),
    "model": ("asked", {"model": "claude-opus-5-5"}),
    "reasoning_effort": (
        "high",
        {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}},
    ),
    "response_format": (
        FORMAT,
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    ),
    "safety_identifier": ("s", {"metadata": {"user_id": "s"}}),
    "stop": (["END"], {"stop_sequences": ["END"]}),
    "stream": (True, {"stream": True}),
    "temperature": (0.5, {"temperature": 0.5}),
    "tools": (
        TOOLS[:1],
        {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]},
    ),
    "top_p": (0.5, {"top_p": 0.5}),
    "user": ("u", {"metadata": {"user_id": "u"}}),
    # Anthropic's own
    "cache_control": (EPHEMERAL, {"cache_control": EPHEMERAL}),
    "thinking": (
        {"type": "enabled", "budget_tokens": 2000},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 6096},
    ),
    "top_k": (7, {"top_k": 7}),
}
"""By parameter: a value, and what is sent for it."""

DROPPED: dict[str, Any] = {
    "frequency_penalty": 1,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "a"},
    "presence_penalty": 1,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "seed": 7,
    "service_tier": "flex",
    "store": True,
    "stream_options": {"include_usage": True},
    "verbosity": "low",
    # hints of other makers
    "client_metadata": {"a": "b"},
    "context_management": {"edits": []},
    "betas": ["b"],
}
"""By parameter: a value that is reported and not sent."""

REFUSED: dict[str, Any] = {
    "logit_bias": {"7": 1},
    "logprobs": True,
    "web_search_options": {},
    "system": "s",
    "output_config": {"effort": "low"},
    "stop_sequences": ["a"],
    "mcp_servers": [{"type": "url"}],
}
"""By parameter: a value that is refused, or dropped on request."""

NEVER: dict[str, Any] = {
    "function_call": {"name": "f"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "m"},
    "tool_choice": "required",
    "top_logprobs": 3,
}
"""By parameter: a value that is always refused."""

NEUTRAL: list[Json] = [
    *({"frequency_penalty": 0}, {"logit_bias": {}}, {"logprobs": False}, {"metadata": {}}),
    *({"modalities": ["text"]}, {"n": 1}, {"parallel_tool_calls": True}, {"presence_penalty": 0}),
    *({"prompt_cache_options": {}}, {"prompt_cache_retention": "in_memory"}),
    {"response_format": {"type": "text"}},
    *({"service_tier": "auto"}, {"service_tier": "default"}, {"stop": []}, {"store": False}),
    *({"stream": False}, {"tool_choice": "none"}, {"function_call": "auto"}, {"tools": []}),
    *({"functions": []}, {"verbosity": "medium"}, {"user": ""}, {"system": ""}),
    *({"echo": False}, {"best_of": 1}, {"output_config": {}}, {"stop_sequences": []}),
]
"""Values that mean the same as none."""

ELSEWHERE = {"audio", "n"}
"""Parameters with tests of their own, below."""

LIMIT = ["max_completion_tokens:none->4096"]


def test_every_parameter_is_in_a_table() -> None:
    known = {*SENT, *DROPPED, *REFUSED, *NEVER, *ELSEWHERE}
    assert known >= CHAT_PARAMETERS.keys()


def body_of(name: str, value: Any) -> Json:
    limit = {} if "max" in name or name == "thinking" else {"max_tokens": 4096}
    return {name: value, **limit}


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent(name: str) -> None:
    value, expected = SENT[name]
    translation = translated(body_of(name, value))
    (call,) = translation.calls
    assert {key: call.get(key) for key in expected} == expected
    report = translation.report
    known = ["response_format.json_schema.description"] if name == "response_format" else []
    assert report.dropped == known
    assert report.emulated == []


@pytest.mark.parametrize("name", DROPPED)
def test_what_is_dropped_and_reported(name: str) -> None:
    translation = translated(body_of(name, DROPPED[name]))
    assert translation.report.dropped == [name]
    assert translation.calls == translated({"max_tokens": 4096}).calls


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_or_dropped_on_request(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        translated({name: REFUSED[name]}, context(extra_params="pass"))
    assert refused.value.param == name
    assert refused.value.code == "unsupported_parameter"
    of = context(on_unsupported="drop", extra_params="pass")
    translation = translated({name: REFUSED[name]}, of)
    assert translation.report.dropped == [name]
    assert translation.calls == translated({}).calls


@pytest.mark.parametrize("name", NEVER)
def test_what_is_always_refused(name: str) -> None:
    for settings in ("drop", "refuse"):
        with pytest.raises(InvalidRequest) as refused:
            translated({name: NEVER[name]}, context(on_unsupported=settings))
        assert refused.value.param == name


@pytest.mark.parametrize("body", NEUTRAL, ids=str)
def test_neutral_values_are_not_news(body: Json) -> None:
    translation = translated(body)
    assert translation.report.dropped == []
    assert translation.report.changed == LIMIT
    assert translation.report.emulated == []
    assert translation.calls == translated({}).calls


def test_a_voice_without_audio_is_dropped() -> None:
    translation = translated({"audio": {"voice": "alloy", "format": "wav"}})
    assert translation.report.dropped == ["audio"]


@pytest.mark.parametrize(
    "form", [{"type": "json_object"}, {**FORMAT, "json_schema": {"name": "n"}}]
)
def test_formats_without_a_counterpart_are_refused(form: Json) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        call_of({"response_format": form})
    assert refused.value.param == "response_format"
    assert "output_config" not in call_of({"response_format": form}, context(on_unsupported="drop"))


def test_a_schema_beside_json_object_is_one_of_json_schema() -> None:
    form = {"type": "json_object", "schema": CLOSED}
    translation = translated({"response_format": form})
    sent = {"format": {"type": "json_schema", "schema": CLOSED}}
    assert translation.calls[0]["output_config"] == sent
    assert translation.report.changed == [*LIMIT, "response_format.type:json_object->json_schema"]
    with pytest.raises(UnsupportedParameter, match="'additionalProperties: false'"):
        call_of({"response_format": {**form, "schema": {"type": "object"}}})


def test_choices_are_calls() -> None:
    translation = translated({"n": 3, "stream": True})
    assert len(translation.calls) == 3
    assert all(call == translation.calls[0] for call in translation.calls)
    assert translation.report.emulated == ["n"]
    with pytest.raises(InvalidRequest) as refused:
        translated({"n": 3}, context(max_fanout=2))
    assert refused.value.code == "fanout_limit_exceeded"


@pytest.mark.parametrize(
    ("options", "dropped"),
    [
        ({}, []),
        ({"include_usage": True}, []),
        ({"include_obfuscation": False}, []),
        ({"include_obfuscation": True}, ["stream_options.include_obfuscation"]),
    ],
)
def test_usage_in_streams_needs_no_parameter(options: Json, dropped: list[str]) -> None:
    translation = translated({"stream": True, "stream_options": options})
    assert translation.report.dropped == dropped
    assert "stream_options" not in translation.calls[0]


def test_unknown_servers_are_told_not_to_stream() -> None:
    assert call_of({}, context(UNKNOWN))["stream"] is False
    assert "stream" not in call_of({})


def test_unknown_parameters_follow_the_policy() -> None:
    assert call_of({"zzz": 1}, context(extra_params="pass"))["zzz"] == 1
    translation = translated({"zzz": 1}, context(extra_params="drop"))
    assert translation.report.dropped == ["zzz"]
    with pytest.raises(GatewayError) as refused:
        translated({"zzz": 1}, context(extra_params="refuse"))
    assert refused.value.code == "unknown_parameter"
    assert call_of({"top_k": 7}, context(extra_params="refuse"))["top_k"] == 7


def test_thinking_limits_what_tunes_the_text() -> None:
    translation = translated({"reasoning_effort": "low", "temperature": 0.5, "top_p": 0.99})
    (call,) = translation.calls
    assert "temperature" not in call
    assert call["top_p"] == 0.99
    assert translation.report.dropped == ["temperature"]


def test_the_limit_holds_the_thinking_and_the_text() -> None:
    (call,) = translated({"reasoning_effort": "medium"}, context(OLDER)).calls
    assert call["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert call["max_tokens"] == 4096 + 8192


def test_thinking_is_not_asked_for_within_a_loop_of_tools() -> None:
    use = {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    body: Json = {
        "reasoning_effort": "high",
        "tools": TOOLS,
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [use]},
            {"role": "tool", "tool_call_id": "a", "content": "b"},
        ],
    }
    translation = translated(body, context(OLDER))
    assert "thinking" not in translation.calls[0]
    assert translation.report.dropped == ["reasoning_effort"]
    assert call_of(body)["thinking"] == {"type": "adaptive"}
    forced = translated({**body, "messages": body["messages"][:1], "tool_choice": "required"})
    assert "thinking" not in forced.calls[0]


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
    for more in ({}, {"reasoning_effort": "low"}):
        with suppress(InvalidRequest):
            (call,) = translated({name: odd, **more}, of).calls
            assert call["model"]
