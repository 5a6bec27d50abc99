"""The one record of a client's request, from the door to the exchange.

It lies below every layer that handles requests, so none has a record of its own: the door
(`server/`, or `asgi.py` elsewhere) makes it of what passed `api/`, the exchange reads it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

from gateway.config.settings import ClientSettings
from gateway.shapes import RawHeaders, Shape

Body = bytes | AsyncIterator[bytes]
"""A body that is here, or its pieces as they arrive."""


@dataclass(slots=True)
class Request:
    """A request at any path below `/v1`. Never changed."""

    method: str
    path: str
    """Below `/v1`, with a leading slash, as it came (still percent-encoded)."""
    query: bytes = b""
    """Without the question mark."""
    headers: RawHeaders = field(default=(), repr=False)
    body: Body = field(default=b"", repr=False)
    client: ClientSettings | None = None
    """Who is calling, where the gateway has clients of its own."""
    model: str | None = None
    """The model that the request's own path named (Azure's deployments), not yet checked."""


@dataclass(slots=True)
class GenerationRequest(Request):
    """A request at one of the generation endpoints, its body read."""

    body: bytes = field(default=b"", repr=False)
    shape: Shape = Shape.CHAT

    @classmethod
    def at(
        cls,
        shape: Shape,
        body: bytes,
        headers: RawHeaders = (),
        query: bytes = b"",
        client: ClientSettings | None = None,
    ) -> Self:
        """Return a POST of `body` to a shape's endpoint."""
        return cls("POST", shape.path, query, headers, body, client, None, shape)
