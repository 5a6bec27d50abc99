"""Names of tools for endpoints that do not take the client's."""

import hashlib
import re

UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
"""Matches what neither OpenAI nor Anthropic takes in the name of a tool."""


def hashed_name(beginning: str, name: str) -> str:
    """Return a beginning with 8 hex digits after it: the same for a name in every process."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{beginning}_{digest[:8]}"
