"""The errors of Anthropic's API, in its envelope.

Texts are those that its clients and gateways report (hermes-agent#11137, sub2api#2320,
pydantic-ai#3757, Antigravity-Manager#270, claude-code#21612) or that Pydantic has for such a
value, which Anthropic passes on with a path whose steps are joined by dots. Claude Code matches
some of them, so do not improve them.
"""

from collections.abc import Mapping
from typing import Any

from gateway.demo.refusals import Refused

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
_SERVICE_TEXTS = {
    400: "The request body is not valid JSON: expected an object",
    401: "invalid x-api-key",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request exceeds the maximum size",
}
"""What Anthropic says where OpenAI has words of its own, by status."""


class MessagesRefused(Refused):
    """An error reply of Anthropic's; its type follows from its status.

    `details` are for SDKs that fix such a request themselves.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status, message, type=_TYPES[status], headers=headers)
        self._details = details

    def envelope(self) -> dict[str, Any]:
        """Return Anthropic's error object, without the request's id."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self._details is not None:
            error["details"] = dict(self._details)
        return {"type": "error", "error": error}


def in_anthropics_words(refused: Refused) -> MessagesRefused:
    """Return a refusal as Anthropic has it: of the address, the key or the body."""
    if isinstance(refused, MessagesRefused):
        return refused
    no_key = refused.status == 401 and refused.code is None
    text = "x-api-key header is required" if no_key else _SERVICE_TEXTS[refused.status]
    return MessagesRefused(refused.status, text)


def invalid(message: str) -> MessagesRefused:
    """Refuse a request that is not one for this model."""
    return MessagesRefused(400, message)


def field_required(path: str) -> MessagesRefused:
    """Ask for a field that is absent."""
    return invalid(f"{path}: Field required")


def extra_input(path: str) -> MessagesRefused:
    """Refuse a field that there is not, or not without its beta."""
    return invalid(f"{path}: Extra inputs are not permitted")


def no_threads() -> MessagesRefused:
    """Say that the service keeps no conversations of this organization.

    The SDKs' tool runners ask for it first, and then send the whole conversation each time
    (anthropic-python 2.14.0, `lib/threads/_thread_state.py`).
    """
    return MessagesRefused(
        400,
        "thread: Threads are not available to this organization.",
        details={"error_code": "thread_unsupported_request", "unsupported": ["hipaa"]},
    )


def wrong_version(given: str | None) -> MessagesRefused:
    """Refuse a request without a version, or with one that never was."""
    if given is None:
        return invalid("anthropic-version: header is required")
    return invalid(f'anthropic-version: "{given}" is not a valid version')


def no_such_model(model: str) -> MessagesRefused:
    """Say that the model is not visible to this key, or is not Anthropic's."""
    return MessagesRefused(404, f"model: {model}")


def prompt_too_long(tokens: int, context: int) -> MessagesRefused:
    """Say that the prompt alone exceeds the context window."""
    return invalid(f"prompt is too long: {tokens} tokens > {context} maximum")


def no_room(tokens: int, limit: int, context: int) -> MessagesRefused:
    """Say that prompt and `max_tokens` together exceed the context window."""
    return invalid(
        f"input length and `max_tokens` exceed context limit: {tokens} + {limit} > {context},"
        " decrease input length or `max_tokens` and try again"
    )


def failed(status: int) -> MessagesRefused:
    """Say that the service itself cannot serve the request: 429, 500, 503 or 529."""
    if status == 429:
        return MessagesRefused(
            429,
            "This request would exceed your organization's rate limit of 3 requests per minute.",
            headers=(
                ("retry-after", "20"),
                ("anthropic-ratelimit-requests-limit", "3"),
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-09-01T00:00:20Z"),
            ),
        )
    return MessagesRefused(status, "Internal server error" if status == 500 else "Overloaded")
