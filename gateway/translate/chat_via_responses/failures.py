"""Errors that come inside a 200 reply or a stream of a responses endpoint."""

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.parts.upstream_errors import in_clients_words, upstream_error

_TYPES = {400: "invalid_request_error", 429: "rate_limit_error"}


def raise_error(call: int, event: object, request: PreparedRequest) -> None:
    """Raise the error that a body or an event carries, in the client's words, if it carries one.

    Also raises `UpstreamError` if it is no JSON object.
    """
    error = upstream_error(event)
    if error is None and isinstance(event, dict):
        error = _error_of_response(event)
    if error is not None:
        raise _for_client(call, error, request)
    if not isinstance(event, dict):
        raise UpstreamError("The upstream's reply is not a JSON object.")


def _error_of_response(event: dict[str, object]) -> UpstreamReplied | None:
    """Return the error of a response that failed, given whole or in a terminal event."""
    for response in (event, event.get("response")):
        if isinstance(response, dict) and response.get("status") == "failed":
            return upstream_error({"type": "response.failed", "response": response})
    return None


def _for_client(call: int, error: UpstreamReplied, request: PreparedRequest) -> UpstreamReplied:
    if error.type == "server_error":
        error.type = _TYPES.get(error.status, error.type)
    return in_clients_words(error, request.client_param(call, error.param))
