"""Sentences that name a missing or retired model, told from those about anything else."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.model_words import MISSING, RETIRED, is_named
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope


def verdict(message: str, model: str = "gpt-9") -> Verdict:
    return classify(Shape.CHAT, 404, in_openai_envelope(message), model=model).verdict


@pytest.mark.parametrize(
    "message",
    [
        "gpt-9 has been retired",
        "`gpt-9` has been retired.",
        "The gpt-9 model was discontinued on 2026-01-01",
        "openai/gpt-9 is no longer available",
        "gpt-9-2025-01-01 has been shut down",
        "gpt-9 reached end of life on 2026-01-01",
        "gpt-9 is deprecated. Use gpt-10 instead.",
        "gpt-9 no longer exists",
        "Sorry, the model gpt-9 is permanently removed",
        "The model you requested has been retired",
        "The model associated with this deployment has been deprecated",
        "The model 'other' you have selected is no longer offered",
        "Access denied. This Model is marked by provider as Legacy and you have not been actively",
        "模型 gpt-9 已下线",
        "该模型已停用",
    ],
)
def test_a_model_is_retired(message: str) -> None:
    assert verdict(message) is Verdict.MODEL_RETIRED
    assert verdict(f"You wrote: {message}") is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "No model named gpt-9",
        "There is no model gpt-9",
        "There is no model named gpt-9.",
        "There is no model called 'other'",
        "No model with the name gpt-9 found",
        "No model found for gpt-9",
        "Unable to find model gpt-9",
        "Couldn't find any model named gpt-9.",
        "gpt-9 does not exist",
        "gpt-9 not found",
        "openai/gpt-9 was not found",
        "gpt-9 is not a valid model",
        "gpt-9 is not a known model name.",
        "'gpt-9' is not a supported chat model. Supported models are a, b",
        "The model gpt-9 you requested was not found",
        "The model you asked for does not exist",
        "Model gpt-9 is not available",
        "Model 'other' is not deployed.",
        "model gpt-9 isn't supported; available models: a",
        "model gpt-9 is unknown",
        "Unrecognized model: gpt-9",
        "Unavailable model name 'gpt-9'",
        "模型 gpt-9 不存在",
        "Endpoint 'gpt-9' does not exist.",
        "The deployment gpt-9 was not found",
        "Publisher Model 'publishers/acme/models/gpt-9' is not found.",
    ],
)
def test_a_model_is_missing(message: str) -> None:
    assert verdict(message) is Verdict.MODEL_NOT_FOUND
    assert verdict(f"You wrote: {message}") is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "Your key has been retired",
        "The v1 API has been retired",
        "2026-01-01 has been retired",
        "/v1/chat/completions has been deprecated",
        "file-123 has been removed",
        "file-123 not found",
        "Endpoint 'v1-beta' does not exist.",
        "user u-1 does not exist",
        "Tool get_x1 not found",
        "The tool 'my-model-2' was not found",
        "There is no model answer to this question",
        "No model named in the request",
        "There is no model",
        "gpt-9 is not available in your region",
        "gpt-9 is not available for your account",
        "The model gpt-9 is not available right now",
        "gpt-9 is overloaded",
        "gpt-9 does not support images",
        "This model is not supported",
        "The model is unknown",
        "A gpt-9 has been retired",
        "other has been retired",
    ],
)
def test_other_sentences_are_about_something_else(message: str) -> None:
    assert verdict(message) is Verdict.OTHER


def test_a_relays_name_counts_where_it_is_called_a_model() -> None:
    assert is_named(MISSING, "model claude-9 is unknown", "gpt-9")
    assert is_named(MISSING, "model 'claude' is unknown", "gpt-9")
    assert not is_named(MISSING, "model claude is unknown", "gpt-9")
    assert not is_named(RETIRED, "claude-9 is retired", "gpt-9")


@pytest.mark.parametrize(
    ("name", "model", "is_same"),
    [
        ("GPT-9", "gpt-9", True),
        ("gpt-9", "openai/gpt-9", True),
        ("gpt-9@2026", "gpt-9", True),
        ("gpt-9", "gpt-9:free", True),
        ("gpt_9", "gpt 9", True),
        ("gpt-95", "gpt-9", False),
        ("gpt-9", "", False),
        ("claude", "gpt-9", False),
    ],
)
def test_a_snapshot_and_a_routers_name_are_the_same_model(
    name: str, model: str, is_same: bool
) -> None:
    assert is_named(RETIRED, f"{name} is retired", model) is is_same
