"""Refusals of a whole request: its address, its key, its body; and the service's own failures."""

from gateway.demo.refusals import Refused


def unknown_url(method: str, path: str) -> Refused:
    """Say that the route does not exist."""
    return Refused(404, f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str) -> Refused:
    """Say that the route exists with another method."""
    return Refused(
        405,
        f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP"
        " method?)",
        code="method_not_supported",
    )


def no_sockets(status: int, path: str) -> Refused:
    """Refuse a WebSocket as a server does that has none: 426, or as an unknown page."""
    if status == 404:
        return unknown_url("GET", path)
    return Refused(status, f"WebSockets are not supported on {path}.")


def no_key() -> Refused:
    """Say that the request has no bearer credential."""
    return Refused(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization"
        " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field"
        " (with blank username) if you're accessing the API from your browser and are prompted for"
        " a username and password. You can obtain an API key from"
        " https://platform.openai.com/account/api-keys.",
    )


def wrong_key(key: str) -> Refused:
    """Refuse a bearer credential, showing it masked, as OpenAI does."""
    shown = "*" * len(key) if len(key) < 16 else f"{key[:3]}{'*' * 8}{key[-4:]}"
    return Refused(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at"
        " https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def not_json() -> Refused:
    """Refuse a body that is not a JSON object."""
    return Refused(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't"
        " using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was"
        " sent was not valid JSON. If you have trouble figuring out how to fix this, please contact"
        " us through our help center at help.openai.com.)",
    )


def too_large(limit: int) -> Refused:
    """Refuse a body of more than `limit` bytes."""
    return Refused(413, f"Maximum content size limit ({limit}) exceeded ({limit + 1} bytes read)")


def rate_limited(model: str) -> Refused:
    """Say that there were too many requests."""
    return Refused(
        429,
        f"Rate limit reached for {model} in organization org-acme on requests per min (RPM):"
        " Limit 3, Used 3, Requested 1. Please try again in 20s. RequestContext"
        " https://platform.openai.com/account/rate-limits to learn more.",
        type="requests",
        code="rate_limit_exceeded",
        headers=(
            ("retry-after", "20"),
            ("x-ratelimit-limit-requests", "3"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "20s"),
        ),
    )


def server_error(status: int = 500) -> Refused:
    """Say that OpenAI itself failed."""
    return Refused(
        status,
        "The server had an error processing your request. Sorry about that! You can retry your"
        " request, or contact us through our help center at help.openai.com if you keep seeing"
        " this error.",
        type="server_error",
    )
