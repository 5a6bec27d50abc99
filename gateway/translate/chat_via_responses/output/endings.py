"""How a response ended: with an error, at a limit, or by itself."""

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.finish_reasons import NATIVE
from gateway.translate.parts.tokens.usage import with_chats_names
from gateway.translate.parts.upstream_errors import upstream_error

_TYPES = {400: "invalid_request_error", 429: "rate_limit_error"}


def error_of_response(event: object) -> UpstreamReplied | None:
    """Return the error that a response or an event carries, or None if it carries none.

    A failed response always has one, even without an `error`. The type `server_error` is replaced
    by the type of the status if that is below 500.
    """
    error = upstream_error(event) or _failure(event)
    if error is not None and error.type == "server_error":
        error.type = _TYPES.get(error.status, error.type)
    return error


def _failure(event: object) -> UpstreamReplied | None:
    """Return the error of a response that failed, given whole or in a terminal event."""
    if not isinstance(event, dict):
        return None
    for response in (event, event.get("response")):
        if isinstance(response, dict) and response.get("status") == "failed":
            return upstream_error({"type": "response.failed", "response": response})
    return None


def reached_limit(sent: Json, response: Json, context: Context) -> bool:
    """Whether a server that reports every response as complete (llama.cpp) stopped at the limit."""
    limit, usage = sent.get("max_output_tokens"), response.get("usage")
    if limit is None or context.capabilities.strict_params:
        return False
    counts = with_chats_names(usage)
    used = finite_number(counts.get("completion_tokens")) if isinstance(counts, dict) else None
    return used is not None and used >= limit


def status_of(event: Json, response: Json) -> str:
    """Return how the response ended: `completed` or `incomplete`; raises `UpstreamError`."""
    status = response.get("status") or str(event["type"]).removeprefix("response.")
    if status not in ("completed", "incomplete"):
        raise UpstreamError(
            f"The upstream's response ended with the status {str(status)[:60]!r}. "
            "Retry the request."
        )
    return str(status)


def reason_of(response: Json) -> object:
    """Return the reason that an incomplete response gives."""
    details = response.get("incomplete_details")
    return details.get("reason") if isinstance(details, dict) else None


def native_of(response: Json) -> Json:
    """Return the server's own word for the end, which another gateway has passed on."""
    return {NATIVE: response.get(NATIVE)}
