"""An error in a responses stream: in its event, and in the failed response."""

from collections.abc import Mapping

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.parts.error_statuses import OF_REQUESTS, UNPAID

_CODES: Mapping[int, str] = {429: "rate_limit_exceeded", 400: "invalid_prompt"}
_UNPAID = "insufficient_quota"
_KEPT = OF_REQUESTS | {_UNPAID}
"""OpenAI's own codes. Codex acts on some: it shows what is wrong, and does not try again."""


def failure(error: GatewayError) -> Json:
    """Return the `error` of a failed response."""
    known = error.code if error.code in _KEPT else None
    if error.code in UNPAID:
        known = _UNPAID
    return {"code": known or _CODES.get(error.status, "server_error"), "message": error.message}


def reported(error: GatewayError) -> Json:
    """Return the fields of an event of type `error`: flat, and nested in `error`.

    openai-python and openai-node read only the nested form, others the documented flat one. The AI
    SDK 5 ignores an event without a code, so an error without one gets that of the failed response.
    """
    details = {**error.envelope()["error"], "code": error.code or failure(error)["code"]}
    flat = {name: details[name] for name in ("code", "message", "param")}
    return {**flat, "error": details}
