"""Refusals of a model: unknown, retired, or served at another endpoint."""

from gateway.demo.refusals import Refused

DEPRECATIONS = "https://platform.openai.com/docs/deprecations"


def model_not_found(model: str) -> Refused:
    """Say that the model is not visible to this key (chat, completions, embeddings)."""
    return Refused(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def model_card_not_found(model: str) -> Refused:
    """Say the same at GET /v1/models/{model}."""
    return Refused(
        404, f"The model '{model}' does not exist", param="model", code="model_not_found"
    )


def not_deletable(model: str) -> Refused:
    """Refuse to delete a model that is not the organisation's own (no recorded text)."""
    return Refused(
        403, f"You have insufficient permissions to delete the model '{model}'.", param="model"
    )


def not_fine_tunable(model: str) -> Refused:
    """Refuse to fine-tune a model."""
    return Refused(
        400,
        f"Model {model} is not available for fine-tuning or does not exist.",
        param="model",
        code="model_not_available",
    )


def job_is_over(status: str) -> Refused:
    """Refuse to cancel a job that has ended (no recorded text)."""
    return Refused(400, f"Job has already completed: its status is {status}.")


def model_retired(model: str) -> Refused:
    """Say that the model was shut down."""
    return Refused(
        404,
        f"The model `{model}` has been deprecated, learn more here: {DEPRECATIONS}",
        code="model_not_found",
    )


def is_a_chat_model() -> Refused:
    """Refuse a chat model at /v1/completions."""
    return Refused(
        404,
        "This is a chat model and not supported in the v1/completions endpoint."
        " Did you mean to use v1/chat/completions?",
        param="model",
    )


def is_not_a_chat_model() -> Refused:
    """Refuse a completions model, or some responses-only ones, at /v1/chat/completions."""
    return Refused(
        404,
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        " Did you mean to use v1/completions?",
        param="model",
    )


def only_in_responses(path: str) -> Refused:
    """Refuse a responses-only model at `path`, written without its leading slash."""
    return Refused(
        404, f"This model is only supported in v1/responses and not in {path}.", param="model"
    )


def not_allowed_to(act: str) -> Refused:
    """Refuse to generate with an embedding model, or to embed with a generative one."""
    return Refused(403, f"You are not allowed to {act} from this model")


def not_realtime(model: str) -> Refused:
    """Refuse a model that has no realtime sessions."""
    return Refused(400, f'Model "{model}" is not supported in realtime mode.', code="invalid_model")


def responses_model_missing(model: str) -> Refused:
    """Say that /v1/responses does not know the model at all."""
    return Refused(
        400,
        f"The requested model '{model}' does not exist.",
        param="model",
        code="model_not_found",
    )


def responses_model_elsewhere(model: str) -> Refused:
    """Say that the model exists, but not for chat or responses: note the comma."""
    return Refused(
        400,
        f"The requested model, '{model}' was not found.",
        param="model",
        code="model_not_found",
    )


def responses_model_unsupported(model: str) -> Refused:
    """Refuse a chat model that /v1/responses does not serve."""
    return Refused(
        400,
        f"The requested model '{model}' is not supported with the Responses API.",
        param="model",
        code="model_not_found",
    )
