"""What a stream of responses events says of an error: in an event, and in the failed response."""

from collections.abc import Mapping

from gateway.envelopes.overflows import CODE as TOO_LONG
from gateway.errors import GatewayError
from gateway.shapes import Json

_CODES: Mapping[int, str] = {429: "rate_limit_exceeded", 400: "invalid_prompt"}


def failure(error: GatewayError) -> Json:
    """Return the `error` of a failed response."""
    code = _CODES.get(error.status, "server_error")
    if error.code == TOO_LONG:
        # Not in OpenAI's description, but it sends this code, and Codex looks for it.
        code = TOO_LONG
    return {"code": code, "message": error.message}


def reported(error: GatewayError) -> Json:
    """Return the fields of an event of type `error`: flat, and nested in `error`.

    openai-python and openai-node read the nested form only, others the documented flat one. The AI
    SDK 5 passes over an event without a code: an error without one gets that of the failed
    response.
    """
    details = {**error.envelope()["error"], "code": error.code or failure(error)["code"]}
    flat = {name: details[name] for name in ("code", "message", "param")}
    return {**flat, "error": details}
