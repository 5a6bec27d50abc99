"""The status that an error without one would have had, by the words of its code and type."""

from collections.abc import Iterable

from gateway.envelopes.anthropic_errors import TERMS
from gateway.envelopes.overflows import CODE as TOO_LONG

_OF_TYPES_ALONE = (401, 402, 403, 404, 413)
"""The statuses that Anthropic's types of errors stand for, whichever server sends them."""
OF_REQUESTS = frozenset(
    {
        "bio_policy",
        "cyber_policy",
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
        TOO_LONG,
    }
)
"""OpenAI's codes of failed responses whose request is at fault: `ResponseErrorCode`, and two that
occur only in its guides."""
UNPAID = frozenset({"billing_hard_limit_reached", "billing_not_active", "insufficient_quota"})
"""OpenAI's codes of errors that only a payment ends; a client gets one type for all of them."""
_STATUSES_OF_WORDS = {
    **dict.fromkeys(OF_REQUESTS, 400),
    **dict.fromkeys(
        (
            "content_policy_violation",
            "invalid_argument",
            "invalid_request",
            "invalid_request_error",
        ),
        400,
    ),
    **dict.fromkeys(UNPAID, 429),
    **dict.fromkeys(("exceeded_current_quota_error", "exceeded_quota", "quota_exceeded"), 429),
    **dict.fromkeys(("rate_limit_error", "rate_limit_exceeded", "resource_exhausted"), 429),
    **dict.fromkeys(("insufficient_balance", "insufficient_credits"), 402),
    **dict.fromkeys(("insufficient_user_quota", "payment_required"), 402),
    **dict.fromkeys(("service_unavailable", "service_unavailable_error", "unavailable"), 503),
    **dict.fromkeys(("server_is_overloaded", "slow_down"), 503),
    **dict.fromkeys(("deadline_exceeded", "timeout_error"), 504),
    **{kind: known.status for kind, known in TERMS.items() if known.status in _OF_TYPES_ALONE},
    "overloaded_error": 529,
}
"""The status that an error's code or type stands for, whichever server's word it is."""


def status_of_words(words: Iterable[object]) -> int | None:
    """Return the status for the first known word of an error; None: none is known."""
    texts = (word.lower() for word in words if isinstance(word, str))
    return next((status for text in texts if (status := _STATUSES_OF_WORDS.get(text))), None)
