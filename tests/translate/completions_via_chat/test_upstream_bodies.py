"""What goes to the chat endpoint."""

from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.completions_via_chat.chat_backend import (
    DROPPING,
    SELF_HOSTED,
    asking,
    make_context,
)

MESSAGES = [{"role": "user", "content": "Once"}]


def test_model_is_the_one_sent_and_nothing_is_added_but_the_default_limit() -> None:
    assert asking().calls == [{"model": "sent", "messages": MESSAGES, "max_tokens": 16}]


def test_prompt_is_one_user_message_verbatim() -> None:
    assert asking(prompt=" Q: \n\nA: ").calls[0]["messages"] == [
        {"role": "user", "content": " Q: \n\nA: "}
    ]


def test_prompt_list_is_one_call_per_prompt_never_one_conversation() -> None:
    calls = asking(prompt=["a", "b"], temperature=0).calls
    assert [call["messages"] for call in calls] == [
        [{"role": "user", "content": "a"}],
        [{"role": "user", "content": "b"}],
    ]
    assert [call["temperature"] for call in calls] == [0, 0]


def test_prompt_can_be_preceded_by_the_operators_system_prompt() -> None:
    settings = TranslationSettings(completion_system_prompt="Continue the text.")
    assert asking(make_context(settings=settings)).calls[0]["messages"] == [
        {"role": "system", "content": "Continue the text."},
        *MESSAGES,
    ]


@pytest.mark.parametrize(
    ("asked", "sent"), [({}, 16), ({"max_tokens": 1}, 1), ({"max_tokens": 7.0}, 7)]
)
def test_max_tokens_is_always_sent(asked: dict[str, Any], sent: int) -> None:
    assert asking(**asked).calls[0]["max_tokens"] == sent


def test_max_tokens_goes_into_the_backends_field() -> None:
    call = asking(make_context(Capabilities(max_tokens_field="max_completion_tokens"))).calls[0]
    assert call["max_completion_tokens"] == 16
    assert "max_tokens" not in call


def test_max_tokens_0_sends_nothing() -> None:
    assert asking(max_tokens=0).calls == []


def test_max_tokens_gets_headroom_for_a_reasoning_model() -> None:
    settings = TranslationSettings(reasoning_headroom_tokens=1000)
    reasoning = asking(make_context(Capabilities(reasoning=True), settings), max_tokens=5)
    assert reasoning.calls[0]["max_tokens"] == 1005
    assert reasoning.report.changed == ["max_tokens:5->1005"]
    simple = asking(make_context(settings=settings), max_tokens=5)
    assert simple.calls[0]["max_tokens"] == 5
    assert simple.report.changed == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.3),
        ("temperature", 1),
        ("top_p", 0.9),
        ("presence_penalty", -1.5),
        ("frequency_penalty", 0.5),
        ("logit_bias", {"50256": -100}),
        ("seed", 42),
        ("user", "u-1"),
    ],
)
def test_temperature_and_other_equal_parameters_are_copied(name: str, value: Any) -> None:
    translation = asking(**{name: value})
    assert translation.calls[0][name] == value
    assert translation.report.header() == "from=completions; to=chat"


@pytest.mark.parametrize(
    ("name", "value", "neutral", "capabilities"),
    [
        ("temperature", 0.3, 1, Capabilities(temperature=False)),
        ("top_p", 0.9, 1.0, Capabilities(top_p=False)),
        ("presence_penalty", 0.1, 0, Capabilities(penalties=False)),
        ("frequency_penalty", 0.1, 0.0, Capabilities(penalties=False)),
    ],
)
def test_a_tuning_parameter_that_the_backend_lacks_is_dropped_or_neutral(
    name: str, value: Any, neutral: Any, capabilities: Capabilities
) -> None:
    dropped = asking(make_context(capabilities), **{name: value})
    assert name not in dropped.calls[0]
    assert dropped.report.dropped == [name]
    ignored = asking(make_context(capabilities), **{name: neutral})
    assert name not in ignored.calls[0]
    assert ignored.report.dropped == []


def test_logit_bias_that_is_empty_is_not_sent() -> None:
    assert "logit_bias" not in asking(logit_bias={}).calls[0]


def test_logit_bias_is_refused_or_dropped_where_the_backend_lacks_it() -> None:
    unable = Capabilities(logit_bias=False)
    with pytest.raises(UnsupportedParameter) as caught:
        asking(make_context(unable), logit_bias={"1": 5})
    assert caught.value.param == "logit_bias"
    dropped = asking(make_context(unable, DROPPING), logit_bias={"1": 5})
    assert ("logit_bias" in dropped.calls[0], dropped.report.dropped) == (False, ["logit_bias"])


@pytest.mark.parametrize("asked", [{}, {"stream": False}])
def test_a_server_that_may_stream_unasked_is_asked_not_to(asked: Json) -> None:
    unknown = make_context(preset(kinds.AUTO, Shape.CHAT))
    assert [call["stream"] for call in asking(unknown, prompt=["a", "b"], **asked).calls] == [
        False,
        False,
    ]
    assert "stream" not in asking(**asked).calls[0]


def test_a_configured_effort_is_not_sent_to_a_model_that_takes_none() -> None:
    unable = make_context(Capabilities(reasoning_effort=False), reasoning_effort="low")
    assert "reasoning_effort" not in asking(unable).calls[0]


def test_seed_is_a_hint_where_the_backend_has_none() -> None:
    translation = asking(make_context(Capabilities(seed=False)), seed=1)
    assert "seed" not in translation.calls[0]
    assert translation.report.dropped == ["seed"]


def test_n_is_passed() -> None:
    assert asking(n=3).calls[0]["n"] == 3


def test_n_of_1_is_not_sent() -> None:
    assert "n" not in asking(n=1).calls[0]


@pytest.mark.parametrize("capabilities", [Capabilities(n=False), Capabilities(max_n=2)])
def test_n_beyond_the_backend_is_one_call_per_choice_each_with_its_seed(
    capabilities: Capabilities,
) -> None:
    calls = asking(make_context(capabilities), prompt=["a", "b"], n=3, seed=10).calls
    assert [call["messages"][0]["content"] for call in calls] == ["a"] * 3 + ["b"] * 3
    assert [call["seed"] for call in calls] == [10, 11, 12, 10, 11, 12]
    assert not any("n" in call for call in calls)


def test_n_up_to_the_backends_limit_is_one_call() -> None:
    assert len(asking(make_context(Capabilities(max_n=3)), n=3).calls) == 1


def test_seed_stays_a_64_bit_integer() -> None:
    calls = asking(make_context(Capabilities(n=False)), n=2, seed=2**63 - 1).calls
    assert [call["seed"] for call in calls] == [2**63 - 1, -(2**63)]


def test_stream_asks_for_the_usage_whether_the_client_does_or_not() -> None:
    for options in ({}, {"stream_options": {"include_usage": False}}):
        call = asking(stream=True, **options).calls[0]
        assert call["stream"] is True
        assert call["stream_options"] == {"include_usage": True}


def test_stream_false_is_not_sent() -> None:
    assert "stream" not in asking(stream=False).calls[0]


def test_stream_options_are_not_sent_to_a_backend_without_them() -> None:
    context = make_context(Capabilities(stream_usage=False))
    quiet = asking(context, stream=True)
    assert "stream_options" not in quiet.calls[0]
    assert quiet.report.dropped == []
    asked = asking(context, stream=True, stream_options={"include_usage": True})
    assert "stream_options" not in asked.calls[0]
    assert asked.report.dropped == ["stream_options.include_usage"]


def test_stream_options_without_stream_are_not_sent() -> None:
    translation = asking(stream_options={"include_usage": True})
    assert "stream_options" not in translation.calls[0]
    assert translation.report.dropped == ["stream_options"]
    assert asking(stream_options={}).report.dropped == []


def test_stream_options_include_obfuscation_goes_to_openai_only() -> None:
    options = {"include_obfuscation": False}
    strict = asking(stream=True, stream_options=options)
    assert strict.calls[0]["stream_options"] == {
        "include_usage": True,
        "include_obfuscation": False,
    }
    assert strict.report.dropped == []
    loose = asking(make_context(SELF_HOSTED), stream=True, stream_options=options)
    assert loose.calls[0]["stream_options"] == {"include_usage": True}
    assert loose.report.dropped == ["stream_options.include_obfuscation"]


def test_stream_options_unknown_to_openai_are_dropped() -> None:
    options = {"continuous_usage_stats": True}
    translation = asking(make_context(SELF_HOSTED), stream=True, stream_options=options)
    assert translation.calls[0]["stream_options"] == {"include_usage": True}
    assert translation.report.dropped == ["stream_options.continuous_usage_stats"]


@pytest.mark.parametrize(("asked", "sent"), [(0, 1), (1, 1), (5, 5), (20, 20)])
def test_logprobs_ask_for_at_least_one_alternative(asked: int, sent: int) -> None:
    call = asking(logprobs=asked).calls[0]
    assert (call["logprobs"], call["top_logprobs"]) == (True, sent)


def test_echo_is_never_forwarded() -> None:
    assert asking(echo=True).calls == asking(echo=False).calls == asking().calls


@pytest.mark.parametrize("stop", ["\n", ["\n"], ["a", "b", "c", "d"]])
def test_stop_is_passed_as_it_is(stop: Any) -> None:
    translation = asking(stop=stop)
    assert translation.calls[0]["stop"] == stop
    assert translation.report.emulated == []


def test_stop_that_is_an_empty_list_is_not_sent() -> None:
    assert "stop" not in asking(stop=[]).calls[0]


def test_stop_sequences_beyond_the_backends_limit_are_looked_for_by_the_gateway() -> None:
    translation = asking(stop=["a", "b", "c", "d", "e"])
    assert translation.calls[0]["stop"] == ["a", "b", "c", "d"]
    assert translation.report.emulated == ["stop"]


def test_stop_sequences_that_repeat_count_once() -> None:
    translation = asking(stop=["a", "b", "c", "d", "a"])
    assert translation.calls[0]["stop"] == ["a", "b", "c", "d"]
    assert translation.report.emulated == []


def test_stop_is_not_sent_to_a_backend_without_it() -> None:
    translation = asking(make_context(Capabilities(stop=False)), stop="a")
    assert "stop" not in translation.calls[0]
    assert translation.report.emulated == ["stop"]


def test_best_of_is_more_choices_with_logprobs() -> None:
    call = asking(best_of=3).calls[0]
    assert "best_of" not in call
    assert (call["n"], call["logprobs"], call["top_logprobs"]) == (3, True, 1)


@pytest.mark.parametrize("able", [Capabilities(), preset(kinds.VLLM, Shape.CHAT)])
def test_best_of_at_temperature_0_is_separate_calls(able: Capabilities) -> None:
    translation = asking(make_context(able), best_of=3, temperature=0, logprobs=1, seed=1)
    assert [(call.get("n"), call["seed"]) for call in translation.calls] == [
        (None, 1),
        (None, 2),
        (None, 3),
    ]
    assert "best_of" in translation.report.emulated


def test_n_at_temperature_0_is_separate_calls_at_vllm_only() -> None:
    vllm = make_context(preset(kinds.VLLM, Shape.CHAT))
    assert [call.get("n") for call in asking(vllm, n=2, temperature=0.0).calls] == [None, None]
    assert [call.get("n") for call in asking(n=2, temperature=0).calls] == [2]


def test_best_of_is_emulated_where_n_is_not_known() -> None:
    calls = asking(make_context(Capabilities(n=False)), best_of=3, n=2, logprobs=2).calls
    assert len(calls) == 3
    assert [(call["logprobs"], call["top_logprobs"]) for call in calls] == [(True, 2)] * 3


def test_reasoning_effort_of_the_model_is_sent() -> None:
    context = make_context(SELF_HOSTED, reasoning_effort="low")
    assert asking(context).calls[0]["reasoning_effort"] == "low"
    assert asking(context, reasoning_effort="high").calls[0]["reasoning_effort"] == "high"


def test_extension_parameters_are_refused_by_a_strict_backend() -> None:
    with pytest.raises(InvalidRequest) as caught:
        asking(top_k=5)
    assert caught.value.param == "top_k"
    assert caught.value.message.startswith("Unrecognized request argument supplied: top_k")


def test_extension_parameters_pass_to_a_self_hosted_backend() -> None:
    call = asking(make_context(SELF_HOSTED), top_k=5, min_p=0.1, ignore_eos=True).calls[0]
    assert (call["top_k"], call["min_p"], call["ignore_eos"]) == (5, 0.1, True)


@pytest.mark.parametrize("capabilities", [Capabilities(), SELF_HOSTED])
def test_extension_parameters_follow_the_operators_policy(capabilities: Capabilities) -> None:
    passing = make_context(capabilities, TranslationSettings(extra_params="pass"))
    assert asking(passing, top_k=5).calls[0]["top_k"] == 5
    dropping = asking(make_context(capabilities, TranslationSettings(extra_params="drop")), top_k=5)
    assert "top_k" not in dropping.calls[0]
    assert dropping.report.dropped == ["top_k"]
    with pytest.raises(InvalidRequest):
        asking(make_context(capabilities, TranslationSettings(extra_params="refuse")), top_k=5)


@pytest.mark.parametrize(
    "name",
    [
        "add_special_tokens",
        "messages",
        "max_completion_tokens",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "modalities",
        "audio",
    ],
)
def test_extension_parameters_that_mean_something_else_in_chat_never_cross(name: str) -> None:
    translation = asking(make_context(SELF_HOSTED), **{name: ["x"]})
    assert translation.calls == asking(make_context(SELF_HOSTED)).calls
    assert translation.report.dropped == [name]


@pytest.mark.parametrize("capabilities", [Capabilities(), SELF_HOSTED])
def test_response_format_passes(capabilities: Capabilities) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}
    translation = asking(make_context(capabilities), response_format=form)
    assert translation.calls[0]["response_format"] == form


def test_response_format_follows_an_explicit_policy() -> None:
    form = {"type": "json_object"}
    passing = make_context(settings=TranslationSettings(extra_params="pass"))
    assert asking(passing, response_format=form).calls[0]["response_format"] == form
    dropping = make_context(settings=TranslationSettings(extra_params="drop"))
    assert "response_format" not in asking(dropping, response_format=form).calls[0]
    with pytest.raises(InvalidRequest):
        asking(
            make_context(settings=TranslationSettings(extra_params="refuse")), response_format=form
        )


def test_response_format_text_is_neutral() -> None:
    assert "response_format" not in asking(response_format={"type": "text"}).calls[0]


@pytest.mark.parametrize(
    ("kind", "capabilities"),
    [
        ("json_object", Capabilities(json_object=False)),
        ("json_schema", Capabilities(json_schema=False)),
    ],
)
def test_response_format_that_the_backend_lacks_is_refused_or_dropped(
    kind: str, capabilities: Capabilities
) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        asking(make_context(capabilities), response_format={"type": kind})
    assert caught.value.param == "response_format"
    dropped = asking(make_context(capabilities, DROPPING), response_format={"type": kind})
    assert "response_format" not in dropped.calls[0]
    assert dropped.report.dropped == ["response_format"]


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": 5}, "response_format.type"),
    ],
)
def test_response_format_that_is_malformed_is_refused(form: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asking(response_format=form)
    assert caught.value.param == param
