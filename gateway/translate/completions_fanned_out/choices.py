"""Reads the choices of completions replies and chunks."""

from gateway.errors import UpstreamError
from gateway.shapes import Json


def read_choice(item: object, *, default: int) -> tuple[Json, int]:
    """Return a choice and its index within its call.

    Raises `UpstreamError` for what is no choice.
    """
    if not isinstance(item, dict):
        raise malformed("a choice is not an object")
    index = item.get("index")
    return item, index if isinstance(index, int) and not isinstance(index, bool) else default


def malformed(what: str) -> UpstreamError:
    """Return the error for a reply that is not what the completions endpoint should give."""
    return UpstreamError(f"The upstream's completions reply cannot be used: {what}.")
