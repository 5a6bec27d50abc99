"""Errors that come inside a 200 reply or a stream of a responses endpoint."""

from gateway.errors import UpstreamReplied
from gateway.translate.parts.upstream_errors import upstream_error

_TYPES = {400: "invalid_request_error", 429: "rate_limit_error"}


def error_of_response(event: object) -> UpstreamReplied | None:
    """Return the error that a response or an event carries, or None if it carries none.

    A response that failed has one, whether or not it says which. Where the server calls it its
    own, the type is that of the status.
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
