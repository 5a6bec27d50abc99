"""Plain sentences about parameters, told from those about access, content and conditions."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.naming.sentence_rules import SENTENCE_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope

SENT = {
    *("model", "messages", "seed", "top_p", "frequency_penalty", "presence_penalty", "logprobs"),
    *("user", "tools", "text", "input", "stop", "store", "temperature"),
}
BOTH = ("frequency_penalty", "presence_penalty")


def dropped(message: str, param: str | None = None) -> list[str]:
    body = in_openai_envelope(message)
    assert isinstance(body, dict)
    body["error"]["param"] = param
    refusal = classify(Shape.CHAT, 400, body, model="gpt-9", sent=SENT)
    assert (refusal.verdict is Verdict.UNSUPPORTED_PARAMETER) or not refusal.fixes
    assert all(fix.action == "drop" for fix in refusal.fixes)
    return [fix.name for fix in refusal.fixes]


@pytest.mark.parametrize(
    "message",
    [
        "seed is not allowed",
        "Seed is not permitted.",
        "The seed parameter is not accepted by this endpoint",
        "Parameter seed is not allowed for this model.",
        "seed not supported",
        "seed is forbidden",
        "seed is not implemented yet",
        "seed cannot be used with this model",
        "seed must not be set when using gpt-9.",
        "seed is not supported for gpt-9",
        "seed is not supported by model 'gpt-nine'",
        "seed is not supported with llama-3.1-8b models",
        "seed is not supported by Groq.",
        "seed is not supported in /v1/chat/completions",
        "seed is not allowed, please remove it.",
        "seed: not supported",
        "Invalid request: seed is not supported",
        "Validation error: seed is not allowed.",
        "`seed`: is not allowed",
        "Cannot use seed with this model",
        "Do not set the parameter 'seed'.",
        "This endpoint does not support seed",
        "Mistral AI does not support the seed parameter.",
    ],
)
def test_one_parameter_is_left_out(message: str) -> None:
    assert dropped(message) == ["seed"]
    assert dropped(f"You wrote: {message}") == []


@pytest.mark.parametrize(
    "message",
    [
        "frequency_penalty and presence_penalty are not supported",
        "frequency_penalty, presence_penalty are not supported by this model.",
        "`frequency_penalty` and `presence_penalty` are not supported.",
        "frequency_penalty, and presence_penalty are not allowed",
        "frequency_penalty or presence_penalty is not supported for gpt-9",
        "frequency_penalty/presence_penalty not supported",
        "frequency_penalty / presence_penalty are not supported",
        "frequency_penalty & presence_penalty are unsupported",
        "Frequency penalty and presence penalty are not supported",
        "Both frequency_penalty and presence_penalty are unsupported",
        "Neither frequency_penalty nor presence_penalty is supported by this model",
        "The parameters frequency_penalty and presence_penalty are not allowed for this model.",
        "The following parameters: frequency_penalty, presence_penalty are not supported",
        "This model does not support frequency_penalty and presence_penalty",
        "gpt-9 doesn't support 'frequency_penalty' or 'presence_penalty'.",
        "Unsupported parameters: frequency_penalty/presence_penalty",
    ],
)
def test_so_are_all_that_a_sentence_names(message: str) -> None:
    assert dropped(message) == list(BOTH)
    assert dropped(message.replace("requency", "oo")) == []


def test_three_names_are_one_sentence() -> None:
    message = "`seed`, `top_p`, and `temperature` are not supported"
    assert dropped(message) == ["seed", "top_p", "temperature"]


@pytest.mark.parametrize("between", [", and ", ", or ", " or ", ", ", ",", " / ", "/"])
def test_a_long_list_of_names_is_read_in_one_way(between: str) -> None:
    names = between.join(["seed"] * 32)
    assert dropped(f"{names} are not supported") == ["seed"]
    assert dropped(f"{names} are what you make of them") == []


@pytest.mark.parametrize(
    "message",
    [
        "This parameter is not supported by this model.",
        "Parameter not allowed",
        "Unsupported parameter.",
        "The field is not permitted",
    ],
)
def test_the_name_may_be_beside_the_sentence(message: str) -> None:
    assert dropped(message, "seed") == ["seed"]
    assert dropped(message, "min_p") == []
    assert dropped(message) == []


@pytest.mark.parametrize(
    "message",
    [
        # access and content
        "user is not allowed",
        "The user is not allowed to use seed",
        "text is not permitted",
        "input is not allowed.",
        "messages are not permitted",
        "The prompt is not allowed",
        "store is not allowed in Germany",
        "Invalid request: input is not allowed",
        "user is not supported by this country",
        # conditions, and values that are wrong
        "seed is not supported together with tools",
        "frequency_penalty and presence_penalty cannot be used together",
        "seed is not supported with n=2",
        "seed is not supported when streaming is on",
        "seed is not allowed to be negative",
        "temperature is not allowed above 1",
        "seed: not allowed: -1",
        # what carries meaning, or was not sent
        "tools are not supported",
        "seed and tools are not allowed",
        "seed and min_p are not supported",
        "gpt-9 does not support images",
        "model is not allowed",
        "Neither model nor seed is allowed",
        # the parameters of a sentence that goes on
        "seed is not supported. The user asked for seed is not supported here",
        "Cannot use seed because it rains",
    ],
)
def test_nothing_is_left_out_for_other_sentences(message: str) -> None:
    assert dropped(message) == []


def test_only_sentences_about_the_model_show_that_it_is_here() -> None:
    for message, is_here in (
        ("This model does not support seed or top_p", True),
        ("This server does not support seed or top_p", False),
    ):
        refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="gpt-9", sent=SENT)
        assert refusal.model_is_here is is_here


def test_stop_sequences_are_emulated_and_logprobs_refused_by_their_names() -> None:
    refusal = classify(
        Shape.CHAT,
        400,
        in_openai_envelope("stop and logprobs are not allowed"),
        model="gpt-9",
        sent=SENT,
    )
    assert refusal.fixes == (ParameterFix("withhold", "stop"), ParameterFix("withhold", "logprobs"))


@pytest.mark.parametrize("rule", SENTENCE_RULES, ids=lambda rule: rule.pattern.pattern[:40])
def test_a_long_message_is_no_sentence(rule: object) -> None:
    for piece in ("a, ", "a.", "a[", "the following ", "parameter ", "top k, ", "a/"):
        assert dropped(piece * 3000) == []
    assert rule in SENTENCE_RULES
