"""Prepared requests of which only the replies are still to be folded."""

from dataclasses import fields
from typing import Any

from gateway.fast.agents.codec import ClientParam


class Answered:
    """One whose client's names are found elsewhere; a pair's own dataclass is its other base."""

    __slots__ = ()
    client_name: ClientParam

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named."""
        return self.client_name(call, param)


def known_of(prepared: Any) -> dict[str, Any]:
    """Return the fields of a prepared request, which is a dataclass."""
    return {field.name: getattr(prepared, field.name) for field in fields(prepared)}
