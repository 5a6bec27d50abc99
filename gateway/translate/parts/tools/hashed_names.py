"""Names of tools for endpoints that do not take the client's."""

import hashlib


def hashed_name(beginning: str, name: str) -> str:
    """Return a beginning with 8 hex digits behind it: the same for a name in every process."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{beginning}_{digest[:8]}"
