"""Each parameter of a chat request on its way to a responses endpoint."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.quirks import with_quirks
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.chat_via_responses.cases import (
    LLAMACPP,
    OPENAI,
    VLLM,
    call_of,
    context,
    entries,
    message,
    response,
    text,
    translated,
    whole,
)
from tests.translate.openai_schema import check_schema


def refusal_of(body: Json, **settings: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translated(body, context(**settings))
    return caught.value


@pytest.mark.parametrize(("asked", "sent"), [({}, False), ({"store": True}, True)])
def test_store_is_always_said_for_the_defaults_differ(asked: Json, sent: bool) -> None:
    assert call_of(asked)["store"] is sent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata", {"a": "b"}),
        ("temperature", 0.2),
        ("top_p", 0.5),
        ("user", "u" * 100),
        ("safety_identifier", "s"),
        ("prompt_cache_key", "k"),
        ("prompt_cache_retention", "24h"),
        ("prompt_cache_options", {"mode": "explicit"}),
        ("service_tier", "flex"),
        ("moderation", {"model": "omni-moderation-latest"}),
    ],
)
def test_what_both_endpoints_call_the_same_is_copied(name: str, value: object) -> None:
    call = call_of({name: value})
    assert call[name] == value
    check_schema("CreateResponse", call)


def test_moderation_is_refused_where_the_server_has_none() -> None:
    error = refusal_of({"moderation": {"model": "m"}}, capabilities=VLLM, on_unsupported="drop")
    assert (error.param, error.code) == ("moderation", "unsupported_parameter")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_and_max_completion_tokens_become_max_output_tokens(name: str) -> None:
    translation = translated({name: 100})
    assert translation.calls[0]["max_output_tokens"] == 100
    assert not {"max_tokens", "max_completion_tokens"} & set(translation.calls[0])
    assert translation.report.changed == []


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_below_the_minimum_is_raised_and_reported(name: str) -> None:
    translation = translated({name: 4})
    assert translation.calls[0]["max_output_tokens"] == 16
    assert translation.report.changed == [f"{name}:4->16"]


def test_a_limit_that_a_server_takes_stays() -> None:
    assert call_of({"max_tokens": 4}, context(VLLM))["max_output_tokens"] == 4


def test_a_raised_limit_is_kept_where_logprobs_count_the_tokens() -> None:
    tokens = ["a", "b", "c", "d"]
    reply = response(message(text("abcd", logprobs=entries(*tokens))))
    choice = whole({"max_tokens": 2, "logprobs": True}, reply)["choices"][0]
    assert choice["message"]["content"] == "ab"
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["a", "b"]
    assert choice["finish_reason"] == "length"


def test_a_raised_limit_that_was_not_needed_cuts_nothing() -> None:
    reply = response(message(text("ab", logprobs=entries("a", "b"))))
    choice = whole({"max_tokens": 2, "logprobs": True}, reply)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("ab", "stop")


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_frequency_penalty_and_presence_penalty(name: str) -> None:
    assert name not in call_of({name: 0})
    dropped = translated({name: 0.5})
    assert (name in dropped.calls[0], dropped.report.dropped) == (False, [name])
    able = replace(OPENAI, penalties=True)
    assert call_of({name: 0.5}, context(able))[name] == 0.5


def test_logit_bias_is_refused_where_the_server_takes_none() -> None:
    assert refusal_of({"logit_bias": {"5": 1}}).param == "logit_bias"
    assert "logit_bias" not in call_of({"logit_bias": {}})
    assert call_of({"logit_bias": {"5": 1}}, context(VLLM))["logit_bias"] == {"5": 1}


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_temperature_and_top_p_of_a_model_that_takes_none(name: str) -> None:
    able = replace(OPENAI, temperature=False, top_p=False)
    assert name not in call_of({name: 1}, context(able))
    dropped = translated({name: 0.1}, context(able))
    assert (name in dropped.calls[0], dropped.report.dropped) == (False, [name])


@pytest.mark.parametrize("effort", ["none", None, "low"])
def test_temperature_of_a_model_that_takes_it_without_reasoning_only(effort: str | None) -> None:
    able = replace(OPENAI, sampling_needs_effort_none=True)
    asked = {"temperature": 0, "top_p": 0.5, "reasoning_effort": effort}
    taken = effort == "none"
    translation = translated(asked, context(able))
    assert ("temperature" in translation.calls[0]) is taken
    assert translation.report.dropped == ([] if taken else ["temperature", "top_p"])
    configured = replace(context(able), reasoning_effort="none")
    taken = effort in ("none", None)
    assert ("temperature" in call_of(asked, configured)) is taken


def test_seed_is_a_hint() -> None:
    dropped = translated({"seed": 7})
    assert ("seed" in dropped.calls[0], dropped.report.dropped) == (False, ["seed"])
    assert call_of({"seed": 7}, context(VLLM))["seed"] == 7


def test_stop_is_emulated_where_there_is_no_such_parameter() -> None:
    translation = translated({"stop": "###"})
    assert "stop" not in translation.calls[0]
    assert translation.report.emulated == ["stop"]
    folded = translation.reply([response(message(text("before###after")))])
    assert folded["choices"][0]["message"]["content"] == "before"
    assert folded["choices"][0]["finish_reason"] == "stop"


def test_stop_is_sent_where_the_server_knows_it() -> None:
    translation = translated({"stop": ["a", "b", "a"]}, context(VLLM))
    assert translation.calls[0]["stop"] == ["a", "b"]
    assert translation.report.emulated == []


def test_more_stops_than_a_server_takes_are_looked_for_here() -> None:
    translation = translated({"stop": ["a", "b", "c"]}, context(replace(VLLM, max_stops=2)))
    assert translation.calls[0]["stop"] == ["a", "b"]
    assert translation.report.emulated == ["stop"]


@pytest.mark.parametrize(("asked", "sent"), [(0, 1), (1, 1), (20, 20), (None, 1)])
def test_logprobs_and_top_logprobs(asked: int | None, sent: int) -> None:
    call = call_of({"logprobs": True, "top_logprobs": asked})
    assert call["include"] == ["message.output_text.logprobs"]
    assert call["top_logprobs"] == sent


def test_logprobs_false_asks_for_none() -> None:
    assert call_of({"logprobs": False, "top_logprobs": 0}) == call_of({})


def test_logprobs_are_refused_where_a_server_has_none() -> None:
    assert refusal_of({"logprobs": True}, capabilities=LLAMACPP).param == "logprobs"
    dropped = translated({"logprobs": True}, context(LLAMACPP, on_unsupported="drop"))
    assert dropped.report.dropped == ["logprobs"]
    assert "include" not in dropped.calls[0]


def test_more_top_logprobs_than_a_server_has_are_refused() -> None:
    able = replace(OPENAI, max_top_logprobs=5)
    error = refusal_of({"logprobs": True, "top_logprobs": 6}, capabilities=able)
    assert error.param == "top_logprobs"


def test_response_format_is_flattened() -> None:
    schema = {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True}
    call = call_of({"response_format": {"type": "json_schema", "json_schema": schema}})
    assert call["text"] == {"format": {"type": "json_schema", **schema}}
    check_schema("CreateResponse", call)


def test_response_format_json_object() -> None:
    call = call_of({"response_format": {"type": "json_object"}})
    assert call["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize("able", [OPENAI, VLLM])
def test_a_schema_beside_json_object_is_one_of_json_schema(able: Capabilities) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_object", "schema": schema}
    translation = translated({"response_format": form}, context(able))
    call = translation.calls[0]
    named = {"name": "response", "schema": schema, "strict": False}
    assert call["text"] == {"format": {"type": "json_schema", **named}}
    check_schema("CreateResponse", call)
    assert translation.report.changed == ["response_format.type:json_object->json_schema"]
    assert translation.report.dropped == []


@pytest.mark.parametrize("schema", [{}, None, "person"])
def test_json_object_with_no_schema_stays_what_it_is(schema: object) -> None:
    call = call_of({"response_format": {"type": "json_object", "schema": schema}})
    assert call["text"] == {"format": {"type": "json_object"}}


def test_a_schema_stays_where_servers_take_it_there_or_no_schema() -> None:
    form = {"type": "json_object", "schema": {"type": "object"}}
    call = call_of({"response_format": form}, context(LLAMACPP))
    assert (call["response_format"], call.get("text")) == (form, None)
    translation = translated({"response_format": form}, context(replace(OPENAI, json_schema=False)))
    assert translation.calls[0]["text"] == {"format": {"type": "json_object"}}
    assert translation.report.dropped == ["response_format.schema"]


def test_response_format_text_says_nothing() -> None:
    assert call_of({"response_format": {"type": "text"}}) == call_of({})


def test_response_format_is_refused_where_it_would_be_ignored() -> None:
    asked = {"response_format": {"type": "json_object"}}
    unable = replace(VLLM, json_object=False)
    assert refusal_of(asked, capabilities=unable).param == "response_format"
    assert call_of(asked, context(VLLM))["text"] == {"format": {"type": "json_object"}}


def test_response_format_stays_where_the_servers_responses_read_it() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    call = call_of({"response_format": form}, context(LLAMACPP))
    assert (call["response_format"], call.get("text")) == (form, None)


def test_a_schema_is_not_strict_unless_the_client_says_so() -> None:
    form: Json = {"name": "n", "schema": {"type": "object"}}
    for said, strict in ((None, False), (False, False), (True, True)):
        asked = {"type": "json_schema", "json_schema": {**form, "strict": said}}
        call = call_of({"response_format": asked})
        assert call["text"]["format"]["strict"] is strict
        check_schema("CreateResponse", call)


def test_verbosity_is_beside_the_format() -> None:
    form = {"type": "json_object"}
    call = call_of({"verbosity": "low", "response_format": form})
    assert call["text"] == {"format": form, "verbosity": "low"}


@pytest.mark.parametrize(("asked", "dropped"), [("medium", []), ("low", ["verbosity"])])
def test_verbosity_of_a_model_that_has_one(asked: str, dropped: list[str]) -> None:
    able = replace(OPENAI, verbosity=False)
    translation = translated({"verbosity": asked}, context(able))
    assert ("text" in translation.calls[0], translation.report.dropped) == (False, dropped)


def test_the_clients_effort_counts_more_than_the_rules() -> None:
    assert call_of({"reasoning_effort": "high"})["reasoning"] == {"effort": "high"}
    configured = replace(context(), reasoning_effort="low")
    assert call_of({}, configured)["reasoning"] == {"effort": "low"}
    assert call_of({"reasoning_effort": "high"}, configured)["reasoning"] == {"effort": "high"}


def test_reasoning_effort_of_a_model_that_takes_none() -> None:
    of = context(replace(OPENAI, reasoning_effort=False))
    translation = translated({"reasoning_effort": "high"}, of)
    assert "reasoning" not in translation.calls[0]
    assert translation.report.dropped == ["reasoning_effort"]
    configured = translated({}, replace(of, reasoning_effort="low"))
    assert "reasoning" not in configured.calls[0]
    assert configured.report.dropped == []


@pytest.mark.parametrize(
    ("quirk", "asked", "sent"),
    [
        ("effort_high_only", "low", "high"),
        ("effort_medium_only", "max", "medium"),
        ("no_effort_none", "none", "minimal"),
        ("no_effort_none", "xhigh", "xhigh"),
    ],
)
def test_reasoning_effort_of_a_model_that_takes_some(quirk: str, asked: str, sent: str) -> None:
    able = with_quirks(OPENAI, {quirk}, Shape.RESPONSES)
    translation = translated({"reasoning_effort": asked}, context(able))
    assert translation.calls[0]["reasoning"] == {"effort": sent}
    changed = [] if asked == sent else [f"reasoning_effort:{asked}->{sent}"]
    assert translation.report.changed == changed


def test_stream_is_sent_only_if_it_is_true() -> None:
    assert call_of({"stream": True})["stream"] is True
    assert "stream" not in call_of({"stream": False})


@pytest.mark.parametrize("asked", [{}, {"stream": False}, {"stream": None}])
def test_a_server_that_may_stream_unasked_is_asked_not_to(asked: Json) -> None:
    unknown = context(preset(kinds.OTHER, Shape.RESPONSES))
    assert call_of(asked, unknown)["stream"] is False


def test_stream_options_include_usage_is_not_sent() -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    assert "stream_options" not in call_of(asked)


def test_stream_options_include_obfuscation() -> None:
    asked = {"stream": True, "stream_options": {"include_obfuscation": False}}
    assert call_of(asked)["stream_options"] == {"include_obfuscation": False}
    assert "stream_options" not in call_of(asked, context(VLLM))
    dropped = translated(
        {"stream": True, "stream_options": {"include_obfuscation": True}}, context(VLLM)
    )
    assert dropped.report.dropped == ["stream_options.include_obfuscation"]


def test_stream_options_without_stream_are_dropped() -> None:
    translation = translated({"stream_options": {"include_usage": True}})
    assert translation.report.dropped == ["stream_options"]
    assert translation.calls[0] == call_of({})


def test_modalities_and_audio() -> None:
    asked: Json = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    error = refusal_of(asked, on_unsupported="drop")
    assert error.param == "modalities"
    silent = translated({**asked, "modalities": ["text"]})
    assert silent.calls[0] == call_of({})
    assert silent.report.dropped == ["audio"]


def test_prediction_is_a_hint() -> None:
    translation = translated({"prediction": {"type": "content", "content": "x"}})
    assert translation.calls[0] == call_of({})
    assert translation.report.dropped == ["prediction"]


def test_extensions_are_refused_by_openai_and_passed_to_self_hosted_servers() -> None:
    error = refusal_of({"top_k": 5})
    assert (error.param, error.code) == ("top_k", "unknown_parameter")
    assert call_of({"top_k": 5}, context(VLLM))["top_k"] == 5
    dropped = translated({"top_k": 5}, context(extra_params="drop"))
    assert (dropped.calls[0], dropped.report.dropped) == (call_of({}), ["top_k"])


@pytest.mark.parametrize(
    "name",
    ["input", "instructions", "max_output_tokens", "previous_response_id", "echo", "background"],
)
def test_names_that_mean_something_else_never_cross(name: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        translated({name: True}, context(extra_params="pass"))
    assert caught.value.param == name


def test_extensions_that_say_nothing_are_left_out() -> None:
    neutral = {"echo": False, "add_generation_prompt": True, "continue_final_message": False}
    assert call_of(neutral) == call_of({})
