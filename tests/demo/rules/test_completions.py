from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo import emulator
from gateway.demo.rules import completions as completions_rules
from tests.demo.client import Reply, post
from tests.demo.rules.test_checks import JSON

APP = emulator.build()


def complete(**body: Any) -> Reply:
    return post(APP, "/v1/completions", **{"model": "davinci-002", "prompt": "Once", **body})


def test_what_belongs_to_chat_is_unrecognized_before_the_model_is_looked_at() -> None:
    reply = post(APP, "/v1/completions", model="gpt-4o-mini", messages=[])
    assert reply.error() == (400, "Unrecognized request argument supplied: messages", None, None)
    reply = post(APP, "/v1/completions", model="davinci-002", tools=[], messages=[])
    assert reply.error()[1] == "Unrecognized request arguments supplied: messages, tools"


def test_the_prompt_is_required() -> None:
    reply = post(APP, "/v1/completions", model="davinci-002")
    assert reply.error() == (
        400,
        "Missing required parameter: 'prompt'.",
        "prompt",
        "missing_required_parameter",
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": 1}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": [[]]}, "prompt[0]"),
        ({"prompt": [[1], ["a"]]}, "prompt[1][0]"),
        ({"prompt": [[1], [True]]}, "prompt[1][0]"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": 6}, "logprobs"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 2, "best_of": 1}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"best_of": 21}, "best_of"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"echo": "yes"}, "echo"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ""}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream_options": {"usage": True}, "stream": True}, "stream_options.usage"),
        ({"user": None}, "user"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"logit_bias": {"50256": 101}}, "logit_bias.50256"),
        ({"logit_bias": []}, "logit_bias"),
        ({"seed": 2**63}, "seed"),
        ({"suffix": 1}, "suffix"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    status, _, named, _ = complete(**body).error()
    assert (status, named) == (400, param)


@pytest.mark.parametrize(
    "body",
    [
        {"best_of": 2, "n": 2, "stream": True},
        {"best_of": 3, "n": 2},
        {"logit_bias": {"50256": -100}},
        {"suffix": ""},
        {"temperature": 0, "top_p": 1, "presence_penalty": -2, "frequency_penalty": 2.0},
        {"user": "me", "stop": None, "logprobs": None, "stream_options": None},
        {"prompt": ""},
    ],
)
def test_what_openai_documents_is_taken(body: dict[str, Any]) -> None:
    assert complete(**body).status == 200


def test_a_token_number_out_of_the_vocabulary_is_refused() -> None:
    assert complete(prompt=[123456]).error() == (
        400,
        "Invalid token in prompt: 123456. Minimum value is 0, maximum value is 100257 (inclusive).",
        None,
        None,
    )


def test_echo_with_logprobs_is_refused_by_the_instruct_model_only() -> None:
    body = {"echo": True, "logprobs": 0}
    assert complete(**body).status == 200
    assert complete(model="gpt-3.5-turbo-instruct", **body).error()[1] == (
        "Setting 'echo' and 'logprobs' at the same time is not supported for this model."
    )


@given(st.dictionaries(st.sampled_from(sorted(completions_rules.PARAMETERS)), JSON, max_size=4))
def test_any_parameters_give_a_reply_or_a_refusal(body: dict[str, Any]) -> None:
    reply = post(APP, "/v1/completions", **{**body, "model": "davinci-002"})
    assert reply.status in (200, 400)
    assert reply.complete
