"""One test or more for each of chat's 37 parameters, named after it; tools are in test_tools.py."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.chat_via_completions.cases import (
    HELLO,
    LENIENT,
    RAW,
    assert_hint,
    assert_ignored,
    assert_refused,
    assert_refused_or_dropped,
    call_of,
    completion,
    context,
    translated,
)


def capable(**changes: Any) -> Context:
    return context(replace(LENIENT, **changes))


def test_messages_become_one_string() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Bye"},
    ]
    sent = call_of({"messages": messages}, context(template=TemplateSettings("transcript")))
    assert sent["prompt"] == "Be brief.\n\nUser: Hi\nAssistant: Hello!\nUser: Bye\nAssistant:"
    assert "messages" not in sent


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ],
)
def test_messages_with_parts_that_are_not_text_are_refused(part: Json) -> None:
    text = {"type": "text", "text": "What is this?"}
    messages = [*HELLO, {"role": "user", "content": [text, part]}]
    for policy in ("refuse", "drop"):
        with pytest.raises(UnsupportedParameter) as caught:
            translated({"messages": messages}, context(on_unsupported=policy))
        assert caught.value.param == "messages[1].content[1]"


@pytest.mark.parametrize(
    "message",
    [
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "function", "name": "f", "content": "1"},
    ],
)
def test_messages_with_tool_history_need_a_template_that_renders_it(message: Json) -> None:
    body = {"messages": [*HELLO, message]}
    with pytest.raises(UnsupportedParameter) as caught:
        translated(body)
    assert caught.value.param == "messages[1]"
    source = "{% for m in messages %}[{{ m.role }}{{ m.tool_calls }}]{% endfor %}"
    jinja = TemplateSettings("jinja", path="t.jinja", source=source)
    assert call_of(body, context(template=jinja))["prompt"].startswith("[user]")


def test_messages_with_audio_history_are_refused() -> None:
    messages = [*HELLO, {"role": "assistant", "audio": {"id": "audio_1"}}, *HELLO]
    assert_refused({"messages": messages}, "messages[1].audio")


def test_model_is_the_upstreams_own_name() -> None:
    assert call_of({"model": "base"})["model"] == "acme/base-7b"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_completion_tokens_and_max_tokens_become_max_tokens(name: str) -> None:
    translation = translated({name: 7})
    assert translation.calls[0]["max_tokens"] == 7
    assert "max_completion_tokens" not in translation.calls[0]
    assert translation.report.changed == []


def test_max_tokens_and_max_completion_tokens_may_not_differ() -> None:
    assert call_of({"max_tokens": 7, "max_completion_tokens": 7})["max_tokens"] == 7
    with pytest.raises(InvalidRequest) as caught:
        translated({"max_tokens": 7, "max_completion_tokens": 8})
    assert caught.value.param == "max_tokens"


def test_max_tokens_does_not_stay_absent() -> None:
    translation = translated({}, context(default_completion_max_tokens=99))
    assert translation.calls[0]["max_tokens"] == 99
    assert translation.report.changed == ["max_completion_tokens:none->99"]


def test_max_tokens_stays_absent_where_that_means_no_limit() -> None:
    translation = translated({}, capable(unlimited_by_default=True, context_length=2048))
    assert "max_tokens" not in translation.calls[0]
    assert translation.report.changed == []


@pytest.mark.parametrize(
    ("context_length", "prompt", "limit"),
    [
        (8192, "hello", 8192 - 5 - 1),
        (8192, "ü" * 1000, 8192 - 2000 - 1),
        (8192, "x" * 8000, 1024),
        (2048, "x" * 8000, 512),
        (2, "x", 1),
    ],
)
def test_max_tokens_is_what_the_context_has_room_for(
    context_length: int, prompt: str, limit: int
) -> None:
    body = {"messages": [{"role": "user", "content": prompt}]}
    assert call_of(body, capable(context_length=context_length))["max_tokens"] == limit


SAMPLING = [
    ("temperature", 0.3, 1, "temperature"),
    ("top_p", 0.9, 1, "top_p"),
    ("frequency_penalty", -1.5, 0, "penalties"),
    ("presence_penalty", 1.5, 0, "penalties"),
]


@pytest.mark.parametrize(
    ("name", "value", "neutral", "capability"), SAMPLING, ids=[row[0] for row in SAMPLING]
)
def test_sampling_parameter_passes_or_is_dropped(
    name: str, value: object, neutral: object, capability: str
) -> None:
    assert call_of({name: value})[name] == value
    assert call_of({name: neutral})[name] == neutral
    lacking: dict[str, Any] = {capability: False}
    without = replace(LENIENT, **lacking)
    for asked, dropped in ((value, [name]), (neutral, [])):
        translation = translated({name: asked}, context(without))
        assert (name in translation.calls[0], translation.report.dropped) == (False, dropped)


def test_logit_bias_passes_or_is_refused() -> None:
    assert call_of({"logit_bias": {"5": -100}})["logit_bias"] == {"5": -100}
    without = replace(LENIENT, logit_bias=False)
    assert_refused_or_dropped({"logit_bias": {"5": -100}}, "logit_bias", without)
    for neutral in ({}, {"5": 0}):
        assert "logit_bias" not in call_of({"logit_bias": neutral}, context(without))


def test_seed_passes_or_is_dropped() -> None:
    assert call_of({"seed": -5})["seed"] == -5
    translation = translated({"seed": 5}, capable(seed=False))
    assert "seed" not in translation.calls[0]
    assert translation.report.dropped == ["seed"]


def test_user_passes() -> None:
    assert call_of({"user": "u-1"})["user"] == "u-1"


def test_safety_identifier_becomes_the_user() -> None:
    translation = translated({"safety_identifier": "s-1"})
    assert translation.calls[0]["user"] == "s-1"
    assert "safety_identifier->user" in translation.report.changed


def test_safety_identifier_yields_to_the_user() -> None:
    translation = translated({"safety_identifier": "s-1", "user": "u-1"})
    assert translation.calls[0]["user"] == "u-1"
    assert translation.report.dropped == ["safety_identifier"]
    assert translated({"safety_identifier": "s", "user": "s"}).report.dropped == []


def test_n_passes() -> None:
    assert call_of({"n": 3})["n"] == 3
    assert "n" not in call_of({"n": 1})


@pytest.mark.parametrize("limits", [{"n": False}, {"max_n": 2}])
def test_n_becomes_several_calls(limits: dict[str, Any]) -> None:
    translation = translated({"n": 3, "temperature": 1.5}, capable(**limits))
    assert len(translation.calls) == 3
    assert all("n" not in call for call in translation.calls)
    assert translation.calls[0] == translation.calls[2]
    assert translation.report.emulated == ["n"]


def test_n_as_several_calls_gives_each_its_own_seed() -> None:
    translation = translated({"n": 3, "seed": 41}, capable(n=False))
    assert [call["seed"] for call in translation.calls] == [41, 42, 43]
    assert translation.report.emulated == ["n", "seed"]
    highest = translated({"n": 2, "seed": 2**63 - 1}, capable(n=False))
    assert [call["seed"] for call in highest.calls] == [2**63 - 1, -(2**63)]


def test_n_as_several_calls_has_a_limit() -> None:
    with pytest.raises(InvalidRequest) as caught:
        translated({"n": 9}, replace(capable(n=False), settings=context(max_fanout=8).settings))
    assert caught.value.param == "n"


def test_stop_passes_without_duplicates() -> None:
    assert call_of({"stop": "X"})["stop"] == ["X"]
    assert call_of({"stop": ["X", "Y", "X"]})["stop"] == ["X", "Y"]
    assert "stop" not in call_of({"stop": []})


def test_stop_of_the_client_comes_before_the_templates() -> None:
    template = TemplateSettings("raw", stop=("\nUser:", "X"))
    assert call_of({"stop": ["X"]}, context(template=template))["stop"] == ["X", "\nUser:"]


def test_stop_beyond_what_the_server_takes_is_looked_for_here() -> None:
    template = TemplateSettings("raw", stop=("T",))
    limited = replace(LENIENT, max_stops=2)
    translation = translated({"stop": ["X", "Y"]}, context(limited, template))
    assert translation.calls[0]["stop"] == ["X", "Y"]
    assert translation.report.emulated == []
    translation = translated({"stop": ["X", "Y", "Z"]}, context(limited, template))
    assert translation.calls[0]["stop"] == ["X", "Y"]
    assert translation.report.emulated == ["stop"]


def test_stops_of_the_template_count_among_the_four_that_vllm_takes() -> None:
    vllm = preset(kinds.VLLM, Shape.COMPLETIONS)
    names = [{"role": "user", "name": name, "content": "hi"} for name in ("ann", "bob", "eve")]
    for asked in ({"stop": ["a1", "b1", "c1"]}, {"messages": names}):
        translation = translated(asked, context(vllm, TemplateSettings("transcript")))
        assert len(translation.calls[0]["stop"]) == 4
        (choice,) = translation.reply([completion({"text": "so\nSystem: no"})])["choices"]
        assert choice["message"]["content"] == "so"


def test_stop_is_looked_for_here_where_the_server_takes_none() -> None:
    translation = translated({"stop": ["X"]}, capable(stop=False))
    assert "stop" not in translation.calls[0]
    assert translation.report.emulated == ["stop"]


@pytest.mark.parametrize(("top", "sent"), [(None, 1), (0, 1), (1, 1), (5, 5)])
def test_logprobs_and_top_logprobs_become_a_number(top: int | None, sent: int) -> None:
    call = call_of({"logprobs": True, "top_logprobs": top})
    assert call["logprobs"] == sent
    assert "top_logprobs" not in call


def test_logprobs_false_is_not_sent() -> None:
    assert_ignored({"logprobs": False, "top_logprobs": 0})


def test_logprobs_are_refused_where_the_server_has_none() -> None:
    body = {"logprobs": True, "top_logprobs": 2}
    assert_refused_or_dropped(body, "logprobs", replace(LENIENT, logprobs=False))


def test_top_logprobs_beyond_the_endpoints_limit_are_refused() -> None:
    for policy in ("refuse", "drop"):
        limited = context(replace(LENIENT, max_top_logprobs=5), on_unsupported=policy)
        assert call_of({"logprobs": True, "top_logprobs": 5}, limited)["logprobs"] == 5
        assert_refused({"logprobs": True, "top_logprobs": 6}, "top_logprobs", limited)


def test_top_logprobs_without_logprobs_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        translated({"top_logprobs": 2})
    assert caught.value.param == "top_logprobs"


def test_stream_passes_and_asks_for_usage() -> None:
    call = call_of({"stream": True})
    assert call["stream"] is True
    assert call["stream_options"] == {"include_usage": True}
    assert "stream" not in call_of({"stream": False})


def test_stream_options_are_not_sent_where_the_server_has_none() -> None:
    body = {"stream": True, "stream_options": {"include_usage": True}}
    translation = translated(body, capable(stream_usage=False))
    assert "stream_options" not in translation.calls[0]
    assert translation.report.dropped == ["stream_options.include_usage"]


def test_stream_options_without_a_stream_are_dropped() -> None:
    assert_hint({"stream_options": {"include_usage": True}}, "stream_options")
    assert_ignored({"stream_options": {}})


def test_stream_options_may_be_none_at_all() -> None:
    assert "stream_options" not in call_of({"stream": True}, capable(stream_usage=False))


def test_stream_options_of_other_servers_are_dropped() -> None:
    options = {"continuous_usage_stats": True}
    translation = translated({"stream": True, "stream_options": options})
    assert translation.calls[0]["stream_options"] == {"include_usage": True}
    assert translation.report.dropped == ["stream_options.continuous_usage_stats"]


def test_stream_options_of_openai_are_sent_to_openai_only() -> None:
    for wanted in (True, False):
        options = {"include_obfuscation": wanted, "include_usage": False}
        body = {"stream": True, "stream_options": options}
        sent = call_of(body, context(Capabilities()))["stream_options"]
        assert sent == {"include_usage": True, "include_obfuscation": wanted}
        translation = translated(body)
        assert translation.calls[0]["stream_options"] == {"include_usage": True}
        dropped = ["stream_options.include_obfuscation"] if wanted else []
        assert translation.report.dropped == dropped


def test_response_format_text_is_not_sent() -> None:
    assert_ignored({"response_format": {"type": "text"}})


SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}


@pytest.mark.parametrize("form", [{"type": "json_object"}, SCHEMA])
def test_response_format_passes_where_completions_take_it(form: Json) -> None:
    assert call_of({"response_format": form})["response_format"] == form
    without = replace(LENIENT, json_object=False, json_schema=False)
    assert_refused_or_dropped({"response_format": form}, "response_format", without)


def test_a_schema_beside_json_object_is_one_of_json_schema() -> None:
    form = {"type": "json_object", "schema": {"type": "object"}}
    named = {"name": "response", "schema": {"type": "object"}}
    sent = call_of({"response_format": form})["response_format"]
    assert sent == {"type": "json_schema", "json_schema": named}


def test_response_format_of_an_unknown_type_is_refused() -> None:
    assert_refused_or_dropped({"response_format": {"type": "grammar"}}, "response_format")


def test_modalities_with_audio_are_refused() -> None:
    assert_ignored({"modalities": ["text"]})
    assert_refused({"modalities": ["text", "audio"], "audio": {"voice": "a"}}, "modalities")
    assert_refused({"modalities": ["audio"]}, "modalities", context(on_unsupported="drop"))


def test_audio_that_is_not_asked_for_is_dropped() -> None:
    assert_hint({"audio": {"voice": "alloy", "format": "wav"}}, "audio")


def test_web_search_options_are_refused() -> None:
    assert_refused_or_dropped({"web_search_options": {}}, "web_search_options")


def test_moderation_passes_where_completions_take_it() -> None:
    wanted = {"model": "omni-moderation-latest"}
    assert call_of({"moderation": wanted})["moderation"] == wanted
    without = context(replace(LENIENT, moderation=False), on_unsupported="drop")
    assert_refused({"moderation": wanted}, "moderation", without)


def test_reasoning_effort_is_dropped() -> None:
    assert_hint({"reasoning_effort": "high"}, "reasoning_effort")


def test_verbosity_is_dropped() -> None:
    assert_ignored({"verbosity": "medium"})
    assert_hint({"verbosity": "low"}, "verbosity")


def test_prediction_is_dropped() -> None:
    assert_hint({"prediction": {"type": "content", "content": "x"}}, "prediction")


def test_service_tier_is_dropped() -> None:
    assert_ignored({"service_tier": "auto"})
    assert_hint({"service_tier": "flex"}, "service_tier")


def test_prompt_cache_key_is_dropped() -> None:
    assert_hint({"prompt_cache_key": "k"}, "prompt_cache_key")


def test_prompt_cache_retention_is_dropped() -> None:
    assert_ignored({"prompt_cache_retention": "in_memory"})
    assert_hint({"prompt_cache_retention": "24h"}, "prompt_cache_retention")


def test_prompt_cache_options_are_dropped() -> None:
    assert_ignored({"prompt_cache_options": {}})
    assert_hint({"prompt_cache_options": {"mode": "explicit"}}, "prompt_cache_options")


def test_store_is_dropped() -> None:
    assert_ignored({"store": False})
    assert_hint({"store": True}, "store")


def test_metadata_is_dropped() -> None:
    assert_ignored({"metadata": {}})
    assert_hint({"metadata": {"run": "1"}}, "metadata")


def test_an_extension_goes_to_servers_that_may_know_it() -> None:
    assert call_of({"top_k": 40})["top_k"] == 40
    strict = context(Capabilities())
    with pytest.raises(InvalidRequest) as caught:
        translated({"top_k": 40}, strict)
    assert caught.value.param == "top_k"
    assert "Unrecognized request argument supplied: top_k" in caught.value.message
    assert "top_k" not in call_of({"top_k": None}, strict)


def test_an_extension_obeys_the_configured_policy() -> None:
    assert call_of({"top_k": 40}, context(Capabilities(), extra_params="pass"))["top_k"] == 40
    dropping = translated({"top_k": 40}, context(extra_params="drop"))
    assert "top_k" not in dropping.calls[0]
    assert dropping.report.dropped == ["top_k"]
    with pytest.raises(InvalidRequest):
        translated({"top_k": 40}, context(extra_params="refuse"))


COLLIDING = [
    ("add_special_tokens", True),
    ("best_of", 2),
    ("chat_template", "{{ messages }}"),
    ("chat_template_kwargs", {"enable_thinking": False}),
    ("documents", [{"text": "x"}]),
    ("echo", True),
    ("prompt", "x"),
    ("suffix", "x"),
    ("add_generation_prompt", False),
]


@pytest.mark.parametrize(("name", "value"), COLLIDING, ids=[row[0] for row in COLLIDING])
def test_an_extension_that_means_something_else_there_never_crosses(
    name: str, value: object
) -> None:
    for policy in ("auto", "pass"):
        assert_refused({name: value}, name, context(extra_params=policy))
    dropping = translated({name: value}, context(extra_params="drop", on_unsupported="drop"))
    assert dropping.calls[0] == call_of({})
    assert dropping.report.dropped == [name]
    assert_refused_or_dropped({name: value}, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("add_special_tokens", False),
        ("best_of", 1),
        ("chat_template_kwargs", {}),
        ("documents", []),
        ("echo", False),
        ("suffix", ""),
        ("suffix", None),
        ("best_of", None),
        ("add_generation_prompt", True),
        ("continue_final_message", False),
    ],
)
def test_a_neutral_extension_never_crosses_either(name: str, value: object) -> None:
    assert_ignored({name: value})


UNFINISHED = [*HELLO, {"role": "assistant", "content": "Hi, I"}]


@pytest.mark.parametrize("more", [{}, {"add_generation_prompt": False}])
def test_continue_final_message_leaves_the_last_message_open(more: Json) -> None:
    body = {"messages": UNFINISHED, "continue_final_message": True, **more}
    call = call_of(body, context(template=TemplateSettings("transcript")))
    assert call["prompt"] == "User: hello\nAssistant: Hi, I"
    assert not set(call) - {"model", "prompt", "max_tokens", "stop"}


def test_continue_final_message_needs_an_assistants_message() -> None:
    with pytest.raises(InvalidRequest) as caught:
        translated({"continue_final_message": True})
    assert caught.value.param == "continue_final_message"


def test_continue_final_message_cannot_begin_a_new_message() -> None:
    body = {
        "messages": UNFINISHED,
        "continue_final_message": True,
        "add_generation_prompt": True,
    }
    with pytest.raises(InvalidRequest) as caught:
        translated(body)
    assert caught.value.param == "add_generation_prompt"


WITH_BOS = TemplateSettings(
    "jinja",
    path="t.jinja",
    source="{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}",
    bos_token="<s>",
)


def test_a_prompt_with_its_own_bos_asks_vllm_for_no_other() -> None:
    call = call_of({}, context(replace(LENIENT, add_special_tokens=True), WITH_BOS))
    assert call["add_special_tokens"] is False
    assert call["prompt"].startswith("<s>hello")


@pytest.mark.parametrize(("adds_bos", "start"), [(True, "hello"), (False, "<s>hello")])
def test_a_prompt_keeps_its_bos_unless_the_server_adds_one(adds_bos: bool, start: str) -> None:
    call = call_of({}, context(replace(LENIENT, adds_bos=adds_bos), WITH_BOS))
    assert "add_special_tokens" not in call
    assert call["prompt"].startswith(start)


def test_a_prompt_without_bos_says_nothing_about_special_tokens() -> None:
    call = call_of({}, context(replace(LENIENT, add_special_tokens=True), RAW))
    assert "add_special_tokens" not in call
