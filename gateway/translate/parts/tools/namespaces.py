"""Namespaces of tools, which responses have and chat does not: flat names for chat, and back."""

import hashlib

from gateway.errors import InvalidRequest
from gateway.translate.parts.tools.hashed_names import UNSAFE

MAX_TOOL_NAME = 64
"""OpenAI's limit for the name of a function, in characters."""


def ambiguous_name(flat: str, param: str) -> InvalidRequest:
    """Return the error for two tools with the same name for a chat model."""
    return InvalidRequest(
        f"'{param}' collides with another tool: both would be called '{flat[:100]}'. "
        "Rename one of them.",
        param=param,
        code="invalid_value",
    )


_MAX_HASHED_NAME = MAX_TOOL_NAME - len("ns_01234567__")


class FlatNames:
    """Maps the tools of namespaces to the flat names that chat needs, and back."""

    def __init__(self) -> None:
        self._origins: dict[str, tuple[str | None, str]] = {}

    def add(self, namespace: str | None, name: str, param: str) -> str:
        """Return the flat name of a tool: `<namespace>__<tool>`, or the tool's name after a hash.

        Raises `InvalidRequest` naming `param` if two tools would have the same name.
        """
        flat = self.flat(namespace, name)
        if self._origins.setdefault(flat, (namespace, name)) != (namespace, name):
            raise ambiguous_name(flat, param)
        return flat

    def flat(self, namespace: str | None, name: str) -> str:
        """Return the flat name that a tool has or would have."""
        if namespace is None:
            return name
        joined = f"{namespace}__{name}"
        if len(joined) <= MAX_TOOL_NAME and not UNSAFE.search(joined):
            return joined
        kept = UNSAFE.sub("_", name)[:_MAX_HASHED_NAME]
        hashed = namespace if kept == name else joined
        digest = hashlib.sha256(hashed.encode("utf-8", "replace")).hexdigest()
        return f"ns_{digest[:8]}__{kept}"

    def flat_name_of(self, called: str) -> str:
        """Return the flat name of the tool that a model means by the name `called`.

        Models leave out the namespace, or join it with a dot. A name that fits no tool, or several,
        is returned as it is.
        """
        if called in self._origins:
            return called
        fitting = [
            flat
            for flat, (namespace, name) in self._origins.items()
            if namespace is not None and called in (name, f"{namespace}.{name}")
        ]
        return fitting[0] if len(fitting) == 1 else called

    def split(self, flat: str) -> tuple[str | None, str]:
        """Return the namespace and the name of an added tool; other tools have no namespace."""
        return self._origins.get(flat, (None, flat))
