"""Names of tools for endpoints that do not take the client's names."""

import hashlib
import re

UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
"""Matches a character that neither OpenAI nor Anthropic takes in the name of a tool."""


def hashed_name(beginning: str, name: str) -> str:
    """Return a beginning and 8 hex digits, which are the same for `name` in every process."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{beginning}_{digest[:8]}"
