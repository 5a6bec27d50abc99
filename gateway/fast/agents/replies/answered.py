"""Prepared requests that are kept only to fold their replies."""

from dataclasses import fields
from typing import Any

from gateway.fast.agents.codec import ClientParam


class Answered:
    """A prepared request that finds the client's names elsewhere.

    The other base of its subclasses is the dataclass of a pair's prepared requests.
    """

    __slots__ = ()
    client_name: ClientParam

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named."""
        return self.client_name(call, param)


def known_of(prepared: Any) -> dict[str, Any]:
    """Return the fields of a prepared request, which is a dataclass."""
    return {field.name: getattr(prepared, field.name) for field in fields(prepared)}
