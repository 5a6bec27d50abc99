"""Parameters that are refused, counted or acted on by the gateway."""

from typing import Any

import pytest
from openai.types.completion_create_params import CompletionCreateParamsNonStreaming

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.translate.completions_via_chat.prompt_forms import Prompt
from gateway.translate.completions_via_chat.request import TABLE, Plan
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_via_chat.chat_backend import DROPPING, asking, make_context


def refusal(context: Any = None, /, **parameters: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asking(context, **parameters)
    return caught.value


def test_the_table_has_the_parameters_of_openais_library() -> None:
    params = CompletionCreateParamsNonStreaming
    assert set(TABLE) == params.__required_keys__ | params.__optional_keys__


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"model": 5}, "model", "invalid_type"),
        ({"suffix": 5}, "suffix", "invalid_type"),
        ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"n": True}, "n", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": True}, "stream_options", "invalid_type"),
        (
            {"stream_options": {"include_usage": 1}},
            "stream_options.include_usage",
            "invalid_type",
        ),
        ({"logprobs": True}, "logprobs", "invalid_type"),
        ({"logprobs": False}, "logprobs", "invalid_type"),
        ({"logprobs": -1}, "logprobs", "integer_below_min_value"),
        ({"echo": 1}, "echo", "invalid_type"),
        ({"stop": 5}, "stop", "invalid_type"),
        ({"stop": ["a", 5]}, "stop[1]", "invalid_type"),
        ({"presence_penalty": 2.5}, "presence_penalty", "decimal_above_max_value"),
        ({"frequency_penalty": -2.5}, "frequency_penalty", "decimal_below_min_value"),
        ({"best_of": 21}, "best_of", "integer_above_max_value"),
        ({"best_of": "2"}, "best_of", "invalid_type"),
        ({"logit_bias": {"50256": 101}}, "logit_bias.50256", "decimal_above_max_value"),
        ({"logit_bias": []}, "logit_bias", "invalid_type"),
        ({"seed": 1.5}, "seed", "invalid_type"),
        ({"user": 7}, "user", "invalid_type"),
    ],
)
def test_a_wrong_value_is_refused_under_its_own_name(
    parameters: dict[str, Any], param: str, code: str
) -> None:
    error = refusal(**parameters)
    assert (error.param, error.code, error.status) == (param, code, 400)


def test_null_parameters_are_absent() -> None:
    simple, nulls = asking(), asking(**{name: None for name in TABLE if name != "prompt"})
    assert nulls.calls == simple.calls


def test_prompt_null_is_refused() -> None:
    assert refusal(prompt=None).param == "prompt"


def test_suffix_is_refused() -> None:
    error = refusal(suffix=" end")
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "suffix"
    assert error.message == (
        "'suffix' is not supported for model 'asked': the model is served through the chat "
        "endpoint, which has no equivalent. Remove it, or ask the gateway's operator to drop it "
        "(on_unsupported: drop)."
    )


def test_suffix_is_dropped_and_reported_where_allowed() -> None:
    translation = asking(make_context(settings=DROPPING), suffix=" end")
    assert "suffix" not in translation.calls[0]
    assert translation.report.dropped == ["suffix"]


def test_suffix_that_is_empty_is_neutral() -> None:
    assert asking(suffix="").report.dropped == []


def test_n_and_best_of_multiply_into_the_fanout_limit() -> None:
    context = make_context(
        Capabilities(n=False), settings=TranslationSettings(max_fanout=4, on_unsupported="drop")
    )
    assert len(asking(context, prompt=["a", "b"], n=2).calls) == 4
    assert refusal(context, prompt=["a", "b"], n=3).param == "prompt"
    assert refusal(context, n=5).param == "n"
    assert refusal(context, n=1, best_of=5).param == "best_of"


def test_n_choices_of_one_call_count_once_in_the_fanout_limit() -> None:
    context = make_context(settings=TranslationSettings(max_fanout=2))
    assert len(asking(context, prompt=["a", "b"], n=100).calls) == 2


def test_max_tokens_0_counts_choices_in_the_fanout_limit() -> None:
    context = make_context(settings=TranslationSettings(max_fanout=4))
    assert refusal(context, prompt=["a", "b"], n=3, max_tokens=0).param == "prompt"


@pytest.mark.parametrize(("n", "best_of"), [(2, 1), (1, 0), (3, 2)])
def test_best_of_below_n_is_refused(n: int, best_of: int) -> None:
    error = refusal(n=n, best_of=best_of)
    assert error.param == "best_of"
    assert "at least 'n'" in error.message


def test_best_of_above_n_cannot_be_streamed() -> None:
    error = refusal(best_of=2, stream=True)
    assert error.param == "best_of"
    assert "streamed" in error.message


def test_best_of_equal_to_n_can_be_streamed() -> None:
    translation = asking(best_of=2, n=2, stream=True)
    assert translation.calls[0]["n"] == 2
    assert translation.report.emulated == []


@pytest.mark.parametrize("settings", [TranslationSettings(), DROPPING])
def test_best_of_without_logprobs_to_rank_by_is_always_refused(
    settings: TranslationSettings,
) -> None:
    error = refusal(make_context(Capabilities(logprobs=False), settings), best_of=2)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "best_of"


@pytest.mark.parametrize("settings", [TranslationSettings(), DROPPING])
@pytest.mark.parametrize("max_tokens", [0, 1, 16])
def test_logprobs_with_echo_are_always_refused(
    settings: TranslationSettings, max_tokens: int
) -> None:
    error = refusal(make_context(settings=settings), echo=True, logprobs=1, max_tokens=max_tokens)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "logprobs"


def test_logprobs_beyond_what_the_backend_gives_are_refused() -> None:
    context = make_context(Capabilities(max_top_logprobs=10))
    assert asking(context, logprobs=10).calls[0]["top_logprobs"] == 10
    error = refusal(context, logprobs=11)
    assert (error.param, error.code) == ("logprobs", "integer_above_max_value")


def test_logprobs_that_the_backend_does_not_have_are_refused_or_dropped() -> None:
    without = Capabilities(logprobs=False)
    assert refusal(make_context(without), logprobs=1).param == "logprobs"
    translation = asking(make_context(without, DROPPING), logprobs=1)
    assert "logprobs" not in translation.calls[0]
    assert translation.report.dropped == ["logprobs"]


@pytest.mark.parametrize(
    ("stop", "param"), [("", "stop"), ([""], "stop[0]"), (["a", ""], "stop[1]")]
)
def test_stop_that_is_empty_is_refused(stop: Any, param: str) -> None:
    assert refusal(stop=stop).param == param


def test_what_the_gateway_does_itself_is_in_the_report() -> None:
    translation = asking(
        make_context(Capabilities(n=False, stop=False)),
        prompt=["a", "b"],
        n=2,
        best_of=3,
        echo=True,
        stop="x",
        seed=1,
    )
    assert set(translation.report.emulated) == {"prompt", "echo", "best_of", "n", "stop", "seed"}
    assert translation.report.header().startswith("from=completions; to=chat; emulated=")


def test_max_tokens_0_is_in_the_report() -> None:
    assert asking(max_tokens=0).report.emulated == ["max_tokens"]


def test_calls_are_ordered_by_prompt_then_by_choice() -> None:
    prompts = (Prompt("a", "prompt[0]"), Prompt("b", "prompt[1]"))
    single = Plan(prompts, n=2, candidates=2, per_call=1)
    assert [single.prompt_of(call) for call in range(single.call_count)] == [0, 0, 1, 1]
    assert [single.client_index(call, 0) for call in range(4)] == [0, 1, 2, 3]
    assert [single.opens_prompt(call) for call in range(4)] == [True, False, True, False]
    together = Plan(prompts, n=2, candidates=2, per_call=2)
    assert [together.client_index(c, p) for c in range(2) for p in range(2)] == [0, 1, 2, 3]
    assert [together.opens_prompt(call) for call in range(2)] == [True, True]
