"""Models that are missing or retired, distinguished from other things that can be missing."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope


@pytest.mark.parametrize(
    "message",
    [
        "That model does not exist",
        "The model 'gpt-9' does not exist",
        "Model gpt-9 does not exist",
        "The requested model 'gpt-9' does not exist.",
        "Model does not exist. Please check it carefully.",
        "Not found the model kimi-9 or Permission denied",
        "The provided model identifier is invalid.",
        "The API deployment for this resource does not exist. If you created the deployment …",
        "The requested model 'a/b' is not supported by any provider you have enabled.",
        "Unknown model: gpt-9",
        "Model 'gpt-9' not found",
        "The model `gpt-9` was not found.",
        "Invalid model: gpt-9",
        "The supported API model names are a-pro or a-flash, but you passed gpt-9.",
        "The model `gpt-9` does not exist. Valid aliases: a, b.",
        "No matching route found. It is likely that the model specified your request is not …",
        "could not find real modelID for gpt-9",
        "llama-swap: no local server found for requested model",
        "The model or endpoint ep-2026-x does not exist or you do not have access to it.",
        "[1211][模型不存在",
        "Unknown Model, please check the model code.",
        "Publisher Model `projects/p/models/gpt-9` was not found or your project does not have …",
        "No such model @cf/acme/gpt-9 or task",
        "unknown provider for model gpt-9",
        "Model with name gpt-9 does not exist.",
        'Model "gpt-9" doesn\'t exist',
        "The requested model could not be found",
        "Requested model gpt-9 is not found",
        "model gpt-9 has not been found",
        "Mediapipe graph definition with requested name is not found",
        "Endpoint with name 'gpt-9' does not exist.",
        "The given endpoint does not exist, please retry after checking the specified model and",
        "invalid params, unknown model 'gpt-9' (2013)",
        "Invalid model name: gpt-9",
        "Unsupported model: gpt-9",
        "could not find model gpt-9",
    ],
)
def test_a_missing_model_is_known_by_text(message: str) -> None:
    refusal = classify(Shape.CHAT, 400, in_openai_envelope(message), model="gpt-9")
    assert refusal.verdict is Verdict.MODEL_NOT_FOUND
    assert refusal.message == message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("model_not_found", None),
        ("DeploymentNotFound", None),
        (20012, None),
        (None, "invalid_model"),
    ],
)
def test_a_missing_model_is_known_by_code_where_the_text_is_new(
    code: object, kind: str | None
) -> None:
    body = in_openai_envelope("模型不存在", code, kind)
    assert classify(Shape.CHAT, 404, body, model="m").verdict is Verdict.MODEL_NOT_FOUND


@pytest.mark.parametrize(
    "message",
    [
        "No available channel for model gpt-4o under group default (distributor)",
        "Project `proj_x` does not have access to model `gpt-4o`",
        "Your organization must be verified to use the model `o3`.",
    ],
)
def test_access_and_capacity_are_distinguished_from_a_missing_model(message: str) -> None:
    body = in_openai_envelope(message, "model_not_found")
    assert classify(Shape.CHAT, 404, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "Response with id 'resp_1' not found.",
        "No thread found with id 'null'.",
        "No endpoints found that support tool use. To learn more …",
        "Completion comp_1 not found",
        "The 'gpt-9' model is not supported when using Codex with a ChatGPT account.",
        "This model's maximum context length is 2048 tokens.",
        "Model o1 is enabled only for api versions 2024-12-01-preview and later",
    ],
)
def test_things_that_are_not_models_are_distinguished_from_models(message: str) -> None:
    body = in_openai_envelope(message)
    assert classify(Shape.CHAT, 404, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("The model `x` has been deprecated, learn more here: …", "model_not_found"),
        ("This model models/x is no longer available to new users.", 404),
        ("It is gone", "model_decommissioned"),
        ("Model x was removed.", None),
        ("The model `x` has reached end of life.", None),
        ("models/x is no longer supported", None),
        ("This model has been deprecated. Please use m-2 instead.", None),
        ("This model is no longer available to new users. Use gemini-3.6-flash.", None),
        ("The requested model 'x' has been retired. Please migrate to x-2.", None),
        ("Model x is not available anymore", None),
    ],
)
def test_a_retired_model_is_distinguished_from_a_missing_one(message: str, code: object) -> None:
    body = in_openai_envelope(message, code)
    assert classify(Shape.CHAT, 404, body, model="x").verdict is Verdict.MODEL_RETIRED


def test_a_410_is_of_a_retired_model_or_of_something_else() -> None:
    gone = {"error": {"code": 410, "type": "model_gone", "message": "Model x has been retired."}}
    assert classify(Shape.CHAT, 410, gone, model="x").verdict is Verdict.MODEL_RETIRED
    for message in ("It is gone.", "The model `x` does not exist", "Unknown parameter: 'user'."):
        body = in_openai_envelope(message)
        assert classify(Shape.CHAT, 410, body, model="x", sent={"user"}).verdict is Verdict.OTHER


@pytest.mark.parametrize(
    ("error", "replacement"),
    [
        ({"message": "Model x has been retired.", "replacement": "kimi-k3"}, "kimi-k3"),
        ({"message": "Model x does not exist", "suggested_model": "kimi-k3"}, "kimi-k3"),
        ({"message": "Model x has been retired. Use `kimi-k3` instead."}, "kimi-k3"),
        ({"message": "Model x was retired. Please switch to a/kimi-k3."}, "a/kimi-k3"),
        ({"message": "Model x has been retired. Use another model instead."}, None),
        ({"message": "Model x has been retired. Use https://example.com/list-1"}, None),
        ({"message": "Model x has been retired.", "replacement": ["kimi-k3"]}, None),
        ({"message": "Model x has been retired.", "replacement": ""}, None),
        ({"message": "Model x does not exist. Use kimi-k3 instead."}, None),
        ({"message": "Unknown parameter: 'user'.", "replacement": "kimi-k3"}, None),
    ],
)
def test_a_replacement_that_is_named_is_kept(error: object, replacement: str | None) -> None:
    refusal = classify(Shape.CHAT, 404, {"error": error}, model="x", sent={"user"})
    assert refusal.replacement == replacement
