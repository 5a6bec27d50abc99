"""The name of the token limit, of which chat has two."""

from gateway.shapes import Json


def limit_name(client: Json) -> str:
    """Return the client's name of the token limit, which has two in chat."""
    legacy = "max_tokens" in client and "max_completion_tokens" not in client
    return "max_tokens" if legacy else "max_completion_tokens"
