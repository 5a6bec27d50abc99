"""Errors of Anthropic's API in the words of OpenAI's: their statuses, types and codes.

Sources: Anthropic's "Errors", and `ErrorType` of its SDK.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

MODEL_NOT_FOUND: Final = "model_not_found"


class Terms(NamedTuple):
    """What an OpenAI-style client sees of an error."""

    status: int
    type: str
    code: str | None = None


TERMS: Mapping[str, Terms] = {
    "invalid_request_error": Terms(400, "invalid_request_error"),
    "authentication_error": Terms(401, "invalid_request_error", "invalid_api_key"),
    "billing_error": Terms(402, "billing_error"),
    "permission_error": Terms(403, "invalid_request_error", "permission_denied"),
    "not_found_error": Terms(404, "invalid_request_error"),
    "conflict_error": Terms(409, "invalid_request_error"),
    "request_too_large": Terms(413, "invalid_request_error", "request_too_large"),
    "rate_limit_error": Terms(429, "rate_limit_error"),
    "api_error": Terms(500, "server_error"),
    "timeout_error": Terms(504, "server_error"),
    "overloaded_error": Terms(503, "server_error"),
}
"""By Anthropic's type of error. OpenAI has no status 529, as Anthropic has when overloaded."""

_OVERLOADED: Final = 529


def openai_terms(kind: str | None, message: str, status: int | None = None) -> Terms | None:
    """Return an error as an OpenAI-style client gets it; None: Anthropic has no such type.

    `kind` and `message` are the error's type and message, `status` is that of the reply. An error
    within a stream has no status of its own (None): then the type's counts.
    """
    terms = TERMS.get(kind or "")
    if terms is None:
        return None
    if kind == "not_found_error" and message.startswith("model:"):
        terms = terms._replace(code=MODEL_NOT_FOUND)
    if status is None or status == _OVERLOADED:
        return terms
    return terms._replace(status=status)
