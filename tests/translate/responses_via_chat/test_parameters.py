"""Each parameter of a responses request in chat; the tests are named after them."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.servers import Profile
from gateway.servers.efforts import EFFORTS
from gateway.shapes import Json, Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    call_of,
    completion,
    context,
    refused,
    replied,
)

LOGPROBS = "message.output_text.logprobs"
F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}


def dropped(capabilities: Capabilities = OPENAI, /, **parameters: Any) -> list[str]:
    """Return what a request loses under `on_unsupported: drop`."""
    return asking(context(capabilities, on_unsupported="drop"), **parameters).report.dropped


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_max_output_tokens_is_sent_under_the_backends_name(field: Any) -> None:
    call = call_of(context(Capabilities(max_tokens_field=field)), max_output_tokens=16)
    assert call[field] == 16


def test_max_output_tokens_below_16_is_refused() -> None:
    error = refused(max_output_tokens=15)
    assert (error.param, error.code) == ("max_output_tokens", "integer_below_min_value")


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_temperature_and_top_p_pass(name: str) -> None:
    assert call_of(**{name: 1})[name] == 1
    assert call_of(**{name: 0.5})[name] == 0.5
    fixed = replace(OPENAI, temperature=False, top_p=False)
    assert name not in call_of(context(fixed), **{name: 1})
    translation = asking(context(fixed), **{name: 0.5})
    assert (name in translation.calls[0], translation.report.dropped) == (False, [name])


@pytest.mark.parametrize("effort", ["none", "high"])
def test_temperature_of_a_model_that_takes_it_without_reasoning_only(effort: str) -> None:
    able = replace(OPENAI, sampling_needs_effort_none=True)
    translation = asking(context(able), temperature=0, reasoning={"effort": effort})
    assert translation.report.dropped == ([] if effort == "none" else ["temperature"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user", "u"),
        ("safety_identifier", "s"),
        ("prompt_cache_key", "k"),
        ("prompt_cache_retention", "24h"),
        ("prompt_cache_options", {"ttl": "30m", "mode": "explicit"}),
        ("service_tier", "flex"),
    ],
)
def test_what_has_the_same_name_passes_and_is_echoed(name: str, value: Any) -> None:
    assert call_of(**{name: value})[name] == value
    reply = replied(completion("a"), **{name: value})
    assert reply[name] == ("default" if name == "service_tier" else value)


def test_service_tier_ultrafast_exists_in_responses_only() -> None:
    translation = asking(service_tier="ultrafast")
    assert "service_tier" not in translation.calls[0]
    assert translation.report.dropped == ["service_tier"]


def test_moderation_passes_where_it_is_understood() -> None:
    wanted = {"model": "omni-moderation-latest"}
    assert call_of(moderation=wanted)["moderation"] == wanted
    unable = context(SELF_HOSTED, on_unsupported="drop")
    assert refused(unable, moderation=wanted).param == "moderation"


def test_metadata_is_not_sent_but_echoed() -> None:
    translation = asking(metadata={"a": "b"})
    assert "metadata" not in translation.calls[0]
    assert translation.report.dropped == ["metadata"]
    assert replied(completion("a"), metadata={"a": "b"})["metadata"] == {"a": "b"}
    assert asking(metadata={}).report.dropped == []


def test_store_is_answered_with_false_as_nothing_is_stored() -> None:
    for value, reported in ((True, ["store"]), (False, []), (None, [])):
        translation = asking(store=value)
        assert "store" not in translation.calls[0]
        assert translation.report.dropped == reported
        assert replied(completion("a"), store=value)["store"] is False


def test_context_management_is_a_hint() -> None:
    management = [{"type": "compaction", "compact_threshold": 1000}]
    assert asking(context_management=management).report.dropped == ["context_management"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access_programs", {"cyber": "daybreak_blue"}),
        ("background_options", {"completion_window": "2h"}),
        ("image", {"context_compression": "enabled"}),
    ],
)
def test_what_only_openais_models_know_is_a_hint(name: str, value: Json) -> None:
    translation = asking(context(SELF_HOSTED), **{name: value})
    assert name not in translation.calls[0]
    assert translation.report.dropped == [name]
    assert asking(**{name: {}}).report.dropped == []


def test_a_cache_is_not_compared_with_that_of_another_response() -> None:
    options = {"mode": "explicit", "comparison_response_id": "resp_1", "prewarm": False}
    translation = asking(context(SELF_HOSTED), prompt_cache_options=options)
    assert translation.calls[0]["prompt_cache_options"] == {"mode": "explicit"}
    assert translation.report.dropped == ["prompt_cache_options.comparison_response_id"]


def test_a_cache_is_not_filled_by_a_generation() -> None:
    name = "prompt_cache_options.prewarm"
    assert refused(prompt_cache_options={"prewarm": True}).param == name
    assert dropped(prompt_cache_options={"prewarm": True}) == [name]


def test_truncation_auto_is_dropped_and_reported() -> None:
    assert asking(truncation="auto").report.dropped == ["truncation"]
    assert asking(truncation="disabled").report.dropped == []
    assert replied(completion("a"), truncation="auto")["truncation"] == "auto"


def test_max_tool_calls_is_dropped_and_echoed() -> None:
    assert asking(max_tool_calls=3).report.dropped == ["max_tool_calls"]
    assert replied(completion("a"), max_tool_calls=3)["max_tool_calls"] == 3


def test_parallel_tool_calls_is_sent_with_tools_only() -> None:
    assert "parallel_tool_calls" not in call_of(parallel_tool_calls=False)
    assert call_of(parallel_tool_calls=False, tools=[F])["parallel_tool_calls"] is False
    assert replied(completion("a"), parallel_tool_calls=False)["parallel_tool_calls"] is False


def test_text_format_becomes_response_format() -> None:
    schema = {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True}
    call = call_of(text={"format": {"type": "json_schema", **schema}})
    assert call["response_format"] == {"type": "json_schema", "json_schema": schema}
    call = call_of(text={"format": {"type": "json_object"}})
    assert call["response_format"] == {"type": "json_object"}
    assert "response_format" not in call_of(text={"format": {"type": "text"}})


def test_text_format_that_the_backend_lacks_is_refused_or_dropped() -> None:
    unable = replace(OPENAI, json_object=False, json_schema=False)
    schema = {"type": "json_schema", "name": "n", "schema": {}}
    for form in ({"type": "json_object"}, schema):
        assert refused(context(unable), text={"format": form}).param == "text.format"
        assert dropped(unable, text={"format": form}) == ["text.format"]
    half = replace(OPENAI, json_schema=False)
    assert "response_format" in call_of(context(half), text={"format": {"type": "json_object"}})


def test_text_verbosity_becomes_verbosity() -> None:
    assert call_of(text={"verbosity": "low"})["verbosity"] == "low"
    text = replied(completion("a"), text={"verbosity": "low"})["text"]
    assert text == {"format": {"type": "text"}, "verbosity": "low"}


PASSING = (
    kinds.OPENAI,
    kinds.OPENROUTER,
    kinds.VLLM,
    kinds.SGLANG,
    kinds.OTHER,
    kinds.AUTO,
)


def test_what_the_model_does_not_take_is_dropped() -> None:
    unable = replace(OPENAI, reasoning_effort=False, verbosity=False)
    asked: Json = {"reasoning": {"effort": "low"}, "text": {"verbosity": "high"}}
    translation = asking(context(unable), **asked)
    assert translation.calls[0].keys() == {"model", "messages"}
    assert translation.report.dropped == ["text.verbosity", "reasoning.effort"]
    neutral = asking(context(unable), text={"verbosity": "medium"})
    assert neutral.report.dropped == []


def test_reasoning_effort_becomes_reasoning_effort() -> None:
    assert call_of(reasoning={"effort": "xhigh"})["reasoning_effort"] == "xhigh"
    configured = replace(context(), reasoning_effort="low")
    assert call_of(configured)["reasoning_effort"] == "low"
    assert call_of(configured, reasoning={"effort": "high"})["reasoning_effort"] == "high"
    assert replied(completion("a"), configured)["reasoning"] == {"effort": "low", "summary": None}


@pytest.mark.parametrize(
    ("kind", "asked", "sent"),
    [
        *((kind, effort, effort) for kind in PASSING for effort in EFFORTS),
        (kinds.OLLAMA, "minimal", "low"),
        (kinds.OLLAMA, "xhigh", "high"),
        (kinds.GROQ, "max", "high"),
        (kinds.OLLAMA, "none", "none"),
        (kinds.DEEPSEEK, "low", "high"),
        (kinds.DEEPSEEK, "xhigh", "max"),
        (kinds.DEEPSEEK, "max", "max"),
    ],
)
def test_reasoning_effort_is_the_nearest_that_the_server_knows(
    kind: Profile, asked: str, sent: str
) -> None:
    translation = asking(context(preset(kind, Shape.CHAT)), reasoning={"effort": asked})
    assert translation.calls[0]["reasoning_effort"] == sent
    changed = [] if asked == sent else [f"reasoning.effort:{asked}->{sent}"]
    assert translation.report.changed == changed


def test_reasoning_summary_is_not_sent() -> None:
    for name in ("summary", "generate_summary"):
        translation = asking(reasoning={name: "auto"})
        assert translation.calls[0].keys() == {"model", "messages"}
        assert translation.report.dropped == []
        reply = replied(completion("a", reasoning="hm"), reasoning={name: "auto"})
        assert reply["output"][0]["summary"] == [{"type": "summary_text", "text": "hm"}]


def test_reasoning_context_and_mode_are_hints_but_for_mode_pro() -> None:
    assert asking(reasoning={"context": "auto", "mode": "standard"}).report.dropped == []
    assert asking(reasoning={"context": "all_turns", "mode": "quick"}).report.dropped == [
        "reasoning.context",
        "reasoning.mode",
    ]
    for word, names in (
        ("auto", []),
        ("concise", []),
        ("detailed", []),
        ("x", ["reasoning.summary"]),
    ):
        assert dropped(reasoning={"summary": word}) == names
    assert dropped(reasoning={"generate_summary": "x"}) == ["reasoning.generate_summary"]
    assert refused(reasoning={"mode": "pro"}).param == "reasoning.mode"
    assert dropped(reasoning={"mode": "pro"}) == ["reasoning.mode"]


def test_include_of_logprobs_asks_for_logprobs() -> None:
    call = call_of(include=[LOGPROBS])
    assert (call["logprobs"], call["top_logprobs"]) == (True, 1)
    call = call_of(include=[LOGPROBS], top_logprobs=5)
    assert call["top_logprobs"] == 5


def test_include_of_logprobs_that_the_backend_lacks_is_refused_or_dropped() -> None:
    unable = replace(OPENAI, logprobs=False)
    assert refused(context(unable), include=[LOGPROBS]).param == "include"
    assert dropped(unable, include=[LOGPROBS]) == ["include"]


def test_include_of_anything_else_is_a_hint() -> None:
    translation = asking(include=["reasoning.encrypted_content", "web_search_call.results"])
    assert translation.calls[0].keys() == {"model", "messages"}
    assert translation.report.dropped == [
        "include[reasoning.encrypted_content]",
        "include[web_search_call.results]",
    ]


def test_top_logprobs_counts_only_with_the_include() -> None:
    translation = asking(top_logprobs=3)
    assert translation.calls[0].keys() == {"model", "messages"}
    assert translation.report.dropped == ["top_logprobs"]
    assert asking(top_logprobs=0).report.dropped == []
    few = replace(OPENAI, max_top_logprobs=2)
    assert refused(context(few), include=[LOGPROBS], top_logprobs=3).param == "top_logprobs"


def test_stream_asks_for_usage_where_the_backend_can_tell() -> None:
    call = call_of(stream=True)
    assert (call["stream"], call["stream_options"]) == (True, {"include_usage": True})
    assert "stream_options" not in call_of(
        context(replace(OPENAI, stream_usage=False)), stream=True
    )
    assert call_of(stream=False).keys() == {"model", "messages"}
    assert call_of(context(preset(kinds.LITELLM, Shape.CHAT)))["stream"] is False


def test_stream_options_include_obfuscation_is_a_hint() -> None:
    hinted = asking(stream=True, stream_options={"include_obfuscation": True})
    assert hinted.report.dropped == ["stream_options.include_obfuscation"]
    assert asking(stream_options={"include_obfuscation": False}).report.dropped == []


@pytest.mark.parametrize(
    ("name", "value", "neutral", "capability"),
    [
        ("logit_bias", {"50256": -100}, {}, "logit_bias"),
        ("stop", ["\n"], [], "stop"),
        ("stop", "\n", [], "stop"),
    ],
)
def test_extensions_that_chat_has_pass(
    name: str, value: Any, neutral: Any, capability: str
) -> None:
    assert call_of(**{name: value})[name] == value
    lacking: dict[str, Any] = {capability: False}
    unable = replace(OPENAI, **lacking)
    assert refused(context(unable), **{name: value}).param == name
    assert dropped(unable, **{name: value}) == [name]
    assert name not in call_of(context(unable), **{name: neutral})


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_extension_penalties_pass_or_are_dropped(name: str) -> None:
    assert call_of(**{name: 0.5})[name] == 0.5
    translation = asking(context(replace(OPENAI, penalties=False)), **{name: 0.5})
    assert (name in translation.calls[0], translation.report.dropped) == (False, [name])
    assert replied(completion("a"), **{name: 0.5})[name] == 0.5


def test_extension_stop_is_refused_where_there_are_more_than_the_backend_takes() -> None:
    assert refused(stop=list("abcde")).param == "stop"
    assert refused(stop="").param == "stop"


def test_extension_seed_passes_or_is_a_hint() -> None:
    assert call_of(seed=3)["seed"] == 3
    translation = asking(context(replace(OPENAI, seed=False)), seed=3)
    assert "seed" not in translation.calls[0]
    assert translation.report.dropped == ["seed"]


def test_unknown_parameters_follow_extra_params() -> None:
    error = refused(top_k=3)
    assert isinstance(error, InvalidRequest)
    assert (error.param, error.code) == ("top_k", "unknown_parameter")
    assert call_of(context(SELF_HOSTED), top_k=3)["top_k"] == 3
    assert call_of(context(extra_params="pass"), top_k=3)["top_k"] == 3
    translation = asking(context(extra_params="drop"), top_k=3)
    assert "top_k" not in translation.calls[0]
    assert translation.report.dropped == ["top_k"]


@pytest.mark.parametrize("name", ["n", "messages", "max_tokens", "response_format", "functions"])
def test_chats_own_parameters_never_cross(name: str) -> None:
    translation = asking(context(SELF_HOSTED), **{name: 2})
    assert translation.calls[0].keys() == {"model", "messages"} | (
        {"messages"} if name == "messages" else set()
    )
    assert translation.report.dropped == [name]
