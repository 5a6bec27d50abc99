"""What becomes of a request at the endpoint that it was made for."""

import json
from dataclasses import replace

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.limits.quirks import without
from gateway.translate.limits.server_capabilities import at_own_endpoint, preset
from gateway.translate.own_endpoint import translate, watched
from gateway.translate.parts.tokens.ids import TokenIds
from gateway.translate.renaming import Renaming
from tests import kinds

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
HELLO = [{"role": "user", "content": "hello"}]
GPT_5 = (
    *("max_completion_tokens_only", "temperature_default_only", "no_top_p", "no_logprobs"),
    *("no_penalties", "no_stop", "no_logit_bias"),
)
OLD = ("no_reasoning_effort", "no_verbosity")


def context(
    shape: Shape = CHAT, *quirks: str, kind: Profile = kinds.OPENAI, **settings: object
) -> Context:
    return Context(
        "asked",
        "sent",
        replace(TranslationSettings(), **settings),  # type: ignore[arg-type]
        preset(kind, shape),
        at_own_endpoint(kind, shape, frozenset(quirks)),
    )


def adapted(of: Context, body: Json, shape: Shape = CHAT) -> Translation:
    before = json.dumps(body)
    translation = translate(shape, body, of)
    assert json.dumps(body) == before
    return translation


def sent(of: Context, body: Json, shape: Shape = CHAT) -> Json:
    (call,) = adapted(of, body, shape).calls
    return {name: value for name, value in call.items() if name != "model"}


EVERYTHING: Json = {
    "temperature": 0,
    "top_p": 0.5,
    "presence_penalty": 1,
    "frequency_penalty": -1,
    "max_tokens": 5,
    "stop": ["a", "b", "c", "d", "e"],
    "logit_bias": {"5": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "verbosity": "low",
    "seed": 3,
    "n": 2,
    "tools": [1],
    "zzz": None,
}


@pytest.mark.parametrize("shape", Shape)
def test_a_model_of_which_nothing_is_known_is_sent_everything(shape: Shape) -> None:
    of = context(shape)
    assert watched(shape, of) == frozenset()
    translation = adapted(of, EVERYTHING, shape)
    assert type(translation) is Renaming
    assert translation.calls == ({**EVERYTHING, "model": "sent"},)
    assert translation.report.size == 0


def test_what_a_reasoning_model_does_not_take_is_dropped_renamed_or_emulated() -> None:
    asked = {name: EVERYTHING[name] for name in EVERYTHING if "log" not in name}
    translation = adapted(context(CHAT, *GPT_5), asked)
    assert translation.calls[0] == {
        "model": "sent",
        "max_completion_tokens": 5,
        **{name: EVERYTHING[name] for name in ("reasoning_effort", "verbosity", "seed", "n")},
        "tools": [1],
        "zzz": None,
    }
    assert translation.report.dropped == [
        *("temperature", "top_p", "presence_penalty", "frequency_penalty"),
    ]
    assert translation.report.changed == ["max_tokens->max_completion_tokens"]
    assert translation.report.emulated == ["stop"]


def test_what_may_be_changed_is_watched_for() -> None:
    assert watched(CHAT, context(CHAT, *GPT_5, *OLD)) == EVERYTHING.keys() - {
        *("seed", "n", "tools", "zzz", "top_logprobs"),
    }


def test_neutral_values_and_null_stay() -> None:
    of = context(CHAT, *GPT_5)
    neutral = {"temperature": 1, "top_p": 1.0, "presence_penalty": 0, "stop": None, "max_tokens": 1}
    neutral["max_tokens"] = None
    neutral |= {"logprobs": False, "logit_bias": None}
    translation = adapted(of, neutral)
    assert translation.calls[0] == {**neutral, "model": "sent"}
    assert translation.report.size == 0


def test_a_second_name_of_the_limit_goes_without_a_word() -> None:
    both = {"max_tokens": 5, "max_completion_tokens": 5}
    assert sent(context(CHAT, *GPT_5), both) == {"max_completion_tokens": 5}
    assert sent(context(RESPONSES, *GPT_5), both, RESPONSES) == both


@pytest.mark.parametrize(("name", "value"), [("logprobs", True), ("logit_bias", {"5": 1})])
def test_what_asks_for_something_is_refused_by_its_name(name: str, value: object) -> None:
    for of in (
        context(CHAT, *GPT_5),
        replace(context(), own_endpoint=without(context().own_endpoint, {name})),
    ):
        assert name in watched(CHAT, of)
        with pytest.raises(UnsupportedParameter) as refused:
            adapted(of, {name: value})
        assert (refused.value.param, refused.value.status) == (name, 400)


def test_or_dropped_where_the_operator_says_so() -> None:
    of = context(CHAT, *GPT_5, on_unsupported="drop")
    translation = adapted(of, {"logprobs": True, "top_logprobs": 2, "logit_bias": {"5": 1}})
    assert translation.calls == ({"model": "sent"},)
    assert translation.report.dropped == ["logit_bias", "logprobs", "top_logprobs"]


def test_completions_ask_for_logprobs_with_0_too() -> None:
    of = context(COMPLETIONS, "no_logprobs")
    with pytest.raises(UnsupportedParameter):
        adapted(of, {"prompt": "a", "logprobs": 0}, COMPLETIONS)
    assert sent(of, {"prompt": "a", "logprobs": None}, COMPLETIONS)["prompt"] == "a"


@pytest.mark.parametrize("effort", ["none", "low", None])
def test_sampling_that_needs_the_effort_none(effort: str | None) -> None:
    for shape, said in (
        (CHAT, {"reasoning_effort": effort}),
        (RESPONSES, {"reasoning": {"effort": effort}}),
    ):
        of = context(shape, "sampling_params_need_effort_none")
        translation = adapted(of, {"temperature": 0, **said}, shape)
        assert translation.report.dropped == ([] if effort == "none" else ["temperature"])
        assert watched(shape, of) == {"temperature", "top_p"}


def test_effort_and_verbosity_of_a_model_without() -> None:
    asked: Json = {"reasoning_effort": "low", "verbosity": "high"}
    translation = adapted(context(CHAT, *OLD), asked)
    assert translation.calls == ({"model": "sent"},)
    assert translation.report.dropped == ["reasoning_effort", "verbosity"]
    assert watched(RESPONSES, context(RESPONSES, *OLD)) == {"reasoning", "text"}
    nested: Json = {
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "high", "format": {"type": "text"}},
    }
    translation = adapted(context(RESPONSES, *OLD), nested, RESPONSES)
    assert translation.calls[0]["reasoning"] == {"summary": "auto"}
    assert translation.calls[0]["text"] == {"format": {"type": "text"}}
    assert translation.report.dropped == ["reasoning.effort", "text.verbosity"]


def test_an_effort_that_is_not_taken_is_the_nearest() -> None:
    assert sent(context(CHAT, "effort_high_only"), {"reasoning_effort": "low"}) == {
        "reasoning_effort": "high"
    }
    of = context(RESPONSES, "no_effort_none")
    translation = adapted(of, {"reasoning": {"effort": "none"}}, RESPONSES)
    assert translation.calls[0]["reasoning"] == {"effort": "minimal"}
    assert translation.report.changed == ["reasoning.effort:none->minimal"]
    assert watched(RESPONSES, of) == {"reasoning"}


@pytest.mark.parametrize(
    "odd",
    [
        {"stop": [""]},
        {"stop": [1, 2]},
        {"stop": {}},
        {"stop": []},
        {"reasoning_effort": 5},
        {"logit_bias": []},
        {"verbosity": "medium"},
    ],
)
def test_what_is_wrong_or_says_nothing_is_the_upstreams_to_judge(odd: Json) -> None:
    translation = adapted(context(CHAT, *GPT_5, "effort_high_only"), odd)
    assert translation.calls[0] == {**odd, "model": "sent"}
    wrong = {"reasoning": 5, "text": {"verbosity": 5}}
    assert sent(context(RESPONSES, *OLD), wrong, RESPONSES) == wrong


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_stops_above_what_vllm_takes_are_looked_for(shape: Shape) -> None:
    of = context(shape, kind=kinds.VLLM)
    assert watched(shape, of) == {"stop"}
    assert sent(of, {"stop": list("abcd")}, shape) == {"stop": list("abcd")}
    translation = adapted(of, {"stop": list("abacde")}, shape)
    assert translation.calls[0]["stop"] == list("abcd")
    assert translation.report.emulated == ["stop"]
    echoed = {"stop": list("abcde"), "echo": True}
    assert sent(of, echoed, shape) == echoed


@pytest.mark.parametrize("shape", [CHAT, COMPLETIONS])
def test_so_many_stops_are_looked_for_and_no_more(shape: Shape) -> None:
    stops = [f"s{number}" for number in range(65)]
    of = context(shape, kind=kinds.VLLM)
    assert adapted(of, {"stop": stops[:64]}, shape).report.emulated == ["stop"]
    with pytest.raises(InvalidRequest) as raised:
        adapted(of, {"stop": stops}, shape)
    assert (raised.value.param, raised.value.code) == ("stop", "array_above_max_length")
    takes_any = context(shape, kind=kinds.SGLANG)
    assert sent(takes_any, {"stop": stops}, shape) == {"stop": stops}


def test_an_alias_of_a_server_that_may_stream_unasked_says_that_none_is_wanted() -> None:
    for body, stream in (({}, False), ({"stream": None}, False), ({"stream": True}, True)):
        assert sent(context(kind=kinds.OTHER), body) == {"stream": stream}
    assert sent(context(kind=kinds.VLLM), {}) == {}


def test_a_seed_where_the_model_has_none() -> None:
    for of in (context(CHAT, "search_restricted_params"), context(CHAT, kind=kinds.MISTRAL)):
        translation = adapted(of, {"seed": 1})
        assert (translation.calls, translation.report.dropped) == (({"model": "sent"},), ["seed"])
        assert "seed" in watched(CHAT, of)


def test_biases_and_prompts_of_another_vocabulary() -> None:
    ids = TokenIds("p50k_base", 50256, foreign=True, model_vocabulary="cl100k_base")
    of = replace(context(COMPLETIONS), token_ids=ids)
    assert watched(COMPLETIONS, of) == {"logit_bias"}
    translation = adapted(of, {"prompt": "a", "logit_bias": {"50256": -100}}, COMPLETIONS)
    assert translation.calls[0] == {"model": "sent", "prompt": "a"}
    assert translation.report.dropped == ["logit_bias"]


def test_lists_of_prompts_are_spread_and_cut() -> None:
    of = context(COMPLETIONS, kind=kinds.OLLAMA)
    of = replace(of, own_endpoint=without(of.own_endpoint, {"stop"}))
    translation = adapted(of, {"prompt": ["a", "b"], "stop": "#"}, COMPLETIONS)
    assert [call["prompt"] for call in translation.calls] == ["a", "b"]
    assert set(translation.report.emulated) == {"prompt", "stop"}
    replies: list[Json] = [{"choices": [{"index": 0, "text": "x#y"}]} for _ in "ab"]
    assert [choice["text"] for choice in translation.reply(replies)["choices"]] == ["x", "x"]
