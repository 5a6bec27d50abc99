"""What OpenAI's API says when it refuses, word for word, as exceptions.

The texts, statuses, `param` and `code` are those of recorded replies of api.openai.com wherever one
was public (opentelemetry-python-contrib and dd-trace-py cassettes; prompttools#115,
semantic-kernel#1303, chatbox#2173, ComfyUI-Griptape#312, one-api threads); their wording is what
clients and gateways match, so it must not be improved.
"""

from typing import Any

DEPRECATIONS = "https://platform.openai.com/docs/deprecations"
RESPONSES_REFERENCE = "https://platform.openai.com/docs/api-reference/responses/create"


class Refused(Exception):
    """A reply that is an error: its status, its envelope, its extra headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the envelope's own word
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.type = type
        self.headers = headers

    def envelope(self) -> dict[str, Any]:
        """Return OpenAI's error object, all four keys."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


def model_not_found(model: str) -> Refused:
    """Say that this key sees no such model (chat, completions, embeddings)."""
    return Refused(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def model_card_not_found(model: str) -> Refused:
    """Say it at GET /v1/models/{model}."""
    return Refused(
        404, f"The model '{model}' does not exist", param="model", code="model_not_found"
    )


def not_deletable(model: str) -> Refused:
    """Refuse to delete a model that is not the organisation's own (not recorded, but in kind)."""
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
    """Refuse to cancel a job that has ended (not recorded, but in kind)."""
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
    """Refuse a completions model, or some responses-only one, at /v1/chat/completions."""
    return Refused(
        404,
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        " Did you mean to use v1/completions?",
        param="model",
    )


def only_in_responses(path: str) -> Refused:
    """Refuse a responses-only model at `path`, which is given without its first slash."""
    return Refused(
        404, f"This model is only supported in v1/responses and not in {path}.", param="model"
    )


def not_allowed_to(act: str) -> Refused:
    """Refuse a generative call to an embedding model, or the other way about."""
    return Refused(403, f"You are not allowed to {act} from this model")


def responses_model_missing(model: str) -> Refused:
    """Say that /v1/responses does not know the model at all."""
    return Refused(
        400,
        f"The requested model '{model}' does not exist.",
        param="model",
        code="model_not_found",
    )


def responses_model_elsewhere(model: str) -> Refused:
    """Say that the model exists, but is neither chat nor responses: note the comma."""
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


def unknown_url(method: str, path: str) -> Refused:
    """Say that there is no such route."""
    return Refused(404, f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str) -> Refused:
    """Say that the route exists with another method."""
    return Refused(
        405,
        f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP"
        " method?)",
        code="method_not_supported",
    )


def no_key() -> Refused:
    """Say that the request has no bearer credential."""
    return Refused(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization"
        " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field"
        " (with blank username) if you're accessing the API from your browser and are prompted for"
        " a username and password. You can obtain an API key from"
        " https://platform.openai.com/account/api-keys.",
    )


def wrong_key(key: str) -> Refused:
    """Refuse a bearer credential, showing it masked, as OpenAI does."""
    shown = "*" * len(key) if len(key) < 16 else f"{key[:3]}{'*' * 8}{key[-4:]}"
    return Refused(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at"
        " https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def not_json() -> Refused:
    """Refuse a body that is no JSON object."""
    return Refused(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't"
        " using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was"
        " sent was not valid JSON. If you have trouble figuring out how to fix this, please contact"
        " us through our help center at help.openai.com.)",
    )


def too_large(limit: int) -> Refused:
    """Refuse a body of more than `limit` bytes."""
    return Refused(413, f"Maximum content size limit ({limit}) exceeded ({limit + 1} bytes read)")


def unrecognized_arguments(names: list[str]) -> Refused:
    """Refuse parameters that chat or completions do not have."""
    noun = "argument" if len(names) == 1 else "arguments"
    return Refused(400, f"Unrecognized request {noun} supplied: {', '.join(sorted(names))}")


def unknown_parameter(path: str) -> Refused:
    """Refuse a parameter, at any depth, that the endpoint does not have."""
    return Refused(400, f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")


def moved_parameter(old: str, new: str) -> Refused:
    """Refuse a chat parameter at /v1/responses."""
    return Refused(
        400,
        f"Unsupported parameter: '{old}'. In the Responses API, this parameter has moved to"
        f" '{new}'. Try again with the new parameter. See the API documentation for more"
        f" information: {RESPONSES_REFERENCE}.",
        param=old,
        code="unsupported_parameter",
    )


def missing_parameter(path: str) -> Refused:
    """Ask for a parameter that is absent."""
    return Refused(
        400,
        f"Missing required parameter: '{path}'.",
        param=path,
        code="missing_required_parameter",
    )


def invalid_type(path: str, expected: str, got: str) -> Refused:
    """Refuse a wrong JSON type; `expected` and `got` carry their articles."""
    return Refused(
        400,
        f"Invalid type for '{path}': expected {expected}, but got {got} instead.",
        param=path,
        code="invalid_type",
    )


def invalid_value(path: str, got: object, supported: tuple[str, ...]) -> Refused:
    """Refuse a string that is none of the supported ones."""
    quoted = [f"'{word}'" for word in supported]
    words = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return Refused(
        400,
        f"Invalid value: '{got}'. Supported values are: {words}.",
        param=path,
        code="invalid_value",
    )


def unsupported_parameter(name: str, *, instead: str | None = None) -> Refused:
    """Refuse a parameter that this model does not take."""
    hint = f" Use '{instead}' instead." if instead else ""
    return Refused(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
        param=name,
        code="unsupported_parameter",
    )


def unsupported_value(name: str, value: object) -> Refused:
    """Refuse a value where this model takes the default, 1, only."""
    return Refused(
        400,
        f"Unsupported value: '{name}' does not support {value} with this model."
        " Only the default (1) value is supported.",
        param=name,
        code="unsupported_value",
    )


def too_long(limit: int, prompt: int, completion: int, param: str | None) -> Refused:
    """Say that prompt and completion, in tokens, do not fit the context window."""
    return Refused(
        400,
        f"This model's maximum context length is {limit} tokens, however you requested"
        f" {prompt + completion} tokens ({prompt} in your prompt; {completion} for the"
        " completion). Please reduce your prompt; or completion length.",
        param=param,
        code="context_length_exceeded",
    )


def rate_limited(model: str) -> Refused:
    """Say that there were too many requests."""
    return Refused(
        429,
        f"Rate limit reached for {model} in organization org-acme on requests per min (RPM):"
        " Limit 3, Used 3, Requested 1. Please try again in 20s. Visit"
        " https://platform.openai.com/account/rate-limits to learn more.",
        type="requests",
        code="rate_limit_exceeded",
        headers=(
            ("retry-after", "20"),
            ("x-ratelimit-limit-requests", "3"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "20s"),
        ),
    )


def server_error(status: int = 500) -> Refused:
    """Say that it was OpenAI's own fault."""
    return Refused(
        status,
        "The server had an error processing your request. Sorry about that! You can retry your"
        " request, or contact us through our help center at help.openai.com if you keep seeing"
        " this error.",
        type="server_error",
    )
