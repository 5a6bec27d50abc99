"""Errors that come inside a 200 reply or a stream of a responses endpoint."""

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.translate.chat_via_responses.client_paths import client_param
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.upstream_errors import in_clients_words, upstream_error

_STATUSES = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    **dict.fromkeys(
        (
            "bio_policy",
            "context_length_exceeded",
            "data_residency_mismatch",
            "empty_image_file",
            "failed_to_download_image",
            "image_content_policy_violation",
            "image_file_not_found",
            "image_file_too_large",
            "image_parse_error",
            "image_too_large",
            "image_too_small",
            "invalid_base64_image",
            "invalid_image",
            "invalid_image_format",
            "invalid_image_mode",
            "invalid_image_url",
            "invalid_prompt",
            "unsupported_image_media_type",
        ),
        400,
    ),
}
"""What the status would have been had the error come before the reply (`ResponseErrorCode`)."""

_TYPES = {400: "invalid_request_error", 429: "rate_limit_error"}


def raise_error(event: object, request: PreparedRequest) -> None:
    """Raise the error that a body or an event carries, in the client's words, if it carries one.

    Also raises `UpstreamError` if it is no JSON object.
    """
    error = upstream_error(event)
    if error is None and isinstance(event, dict):
        error = _error_of_response(event)
    if error is not None:
        raise _for_client(error, request)
    if not isinstance(event, dict):
        raise UpstreamError("The upstream's reply is not a JSON object.")


def _error_of_response(event: dict[str, object]) -> UpstreamReplied | None:
    """Return the error of a response that failed, given whole or in a terminal event."""
    for response in (event, event.get("response")):
        if isinstance(response, dict) and response.get("status") == "failed":
            return upstream_error({"type": "response.failed", "response": response})
    return None


def _for_client(error: UpstreamReplied, request: PreparedRequest) -> UpstreamReplied:
    if error.status == 502:
        known = 400 if error.type == "invalid_request_error" else 502
        error.status = _STATUSES.get(error.code or "", known)
    if error.type == "server_error":
        error.type = _TYPES.get(error.status, error.type)
    return in_clients_words(error, client_param(request, error.param))
