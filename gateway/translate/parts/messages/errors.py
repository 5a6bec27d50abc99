"""Errors in Anthropic's envelope, for clients of `/v1/messages`.

Claude Code acts on some phrases of these messages: it compacts a conversation after
`prompt is too long: N tokens > M maximum`, and backs off where the type is `overloaded_error`
(code.claude.com, "LLM gateway configuration").
"""

import re
from typing import Final

from gateway.envelopes.overflow_lengths import lengths_in, numbers_in, parts_in
from gateway.envelopes.overflows import CODE as TOO_LONG
from gateway.errors import GatewayError, UnsupportedParameter, UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.sentences import joined

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Types by status (platform.claude.com, "Errors"). For others see `error_type`."""
_DETAILS: Final = {"thread": "thread_unsupported_request"}
"""By a refused parameter, the `error_code` that makes Anthropic's SDKs send the request again
without it (anthropic-python, `lib/threads/_thread_state.py`)."""
_NO_MODEL = "model_not_found"
_CONFLICT = 409
_INDEX = re.compile(r"\[(\d+)\]")
_PATH_BEGINS: Final = r"(?<![\w.])"
_PATH_ENDS: Final = r"(?!\w|\[|\.\w)"
_EXCESS = re.compile(r"exceeded by (\d{1,12})\b")
"""Matches by how many tokens the prompt exceeds the limit."""
_PROMPT = "prompt is too long"
_WITH_OUTPUT = "input length and `max_tokens` exceed context limit"


def messages_status(error: GatewayError) -> int:
    """Return the status with which a messages client gets an error.

    A missing model is a 404, also where OpenAI has a 400. An upstream's conflict is a 409, which
    OpenAI's oldest clients must not get.
    """
    if isinstance(error, UpstreamError) and error.upstream_status == _CONFLICT:
        return _CONFLICT
    return 404 if error.code == _NO_MODEL and error.status == 400 else error.status


def messages_error(error: GatewayError, model: str = "", request_id: str = "") -> Json:
    """Return the JSON body of an error: `{"type": "error", "error": {"type", "message"}}`.

    `model` is the client's name of the model: a `not_found_error` about it begins with it, as
    Anthropic's does. `request_id` is left out if it is empty, as in events. `error.details` says
    what SDKs can do about it.
    """
    inner: Json = {"type": error_type(messages_status(error)), "message": _message(error, model)}
    if isinstance(error, UnsupportedParameter) and error.param in _DETAILS:
        inner["details"] = {"error_code": _DETAILS[error.param]}
    body: Json = {"type": "error", "error": inner}
    return {**body, "request_id": request_id} if request_id else body


def is_reworded(error: GatewayError) -> bool:
    """Whether an error is about a prompt that is too long, and its message has to be reworded."""
    return error.code == TOO_LONG and _message(error, "") != error.message


def error_type(status: int) -> str:
    """Return Anthropic's type of an error with this status."""
    return _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def dotted(path: str) -> str:
    """Return a parameter's path as Anthropic writes it: `messages.3.content.0`."""
    return _INDEX.sub(r".\1", path)


def _message(error: GatewayError, model: str) -> str:
    message = error.message
    if (exceeding := _with_output(message)) is not None:
        return exceeding
    if error.code == TOO_LONG:
        return _too_long(message)
    if messages_status(error) == 404 and model and _is_about(model, error):
        named = f"model: {model}"
        # The upstream may have said so in the same words.
        return (
            message
            if f"{message} ".startswith((f"{named} ", f"{named}."))
            else joined(named, message)
        )
    if not error.param:
        return message
    path = dotted(error.param)
    if path == error.param:
        return message if path in message else f"{path}: {message}"
    # A longer path that contains this one is another parameter's, or the upstream's.
    message = re.sub(re.escape(error.param) + _PATH_ENDS, lambda _: path, message)
    is_named = re.search(_PATH_BEGINS + re.escape(path) + _PATH_ENDS, message)
    return message if is_named else f"{path}: {message}"


def _is_about(model: str, error: GatewayError) -> bool:
    """Whether a 404 is about the model: mlx-lm answers 404 whatever goes wrong."""
    names_it = error.param == "model" or model in error.message
    return error.code == _NO_MODEL or (error.code is None and names_it)


def _with_output(message: str) -> str | None:
    """Return the words that make clients ask for a shorter reply; None: that would not help."""
    if message.lower().startswith(_WITH_OUTPUT):
        return message
    found = lengths_in(message)
    if found is None:
        return None
    return joined(f"{_WITH_OUTPUT}: {found.prompt} + {found.reply} > {found.context}", message)


def _too_long(message: str) -> str:
    """Return the message of an overflow, beginning with the words that clients look for."""
    if message.lower().startswith(_PROMPT):
        return message
    numbers = numbers_in(message)
    limits = [number for number, is_limit in numbers if is_limit]
    prompt = max((number for number, _ in numbers), default=0)
    parts, excess = parts_in(message), _EXCESS.search(message)
    if parts is not None:
        prompt = parts[0]
    elif excess is not None and limits:
        prompt = limits[0] + int(excess[1])
    if not limits or prompt <= limits[0]:
        return joined(_PROMPT, message)
    return joined(f"{_PROMPT}: {prompt} tokens > {limits[0]} maximum", message)
