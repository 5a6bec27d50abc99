"""The one record of a client's request, from the door to the exchange.

It lies below every layer that handles requests, so none has a record of its own: the door
(`server/`, or `asgi.py` elsewhere) makes it of what passed `api/`, the exchange reads it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from gateway.config.settings import ClientSettings
from gateway.errors import PayloadTooLarge
from gateway.shapes import ClientHeaders, ItemNames, RawHeaders, Shape

Body = bytes | AsyncIterator[bytes]
"""A body that is here, or its pieces as they arrive."""


def check_size(size: int, limit: int) -> None:
    """Raise `PayloadTooLarge` where a body has, or announces, more bytes than its limit."""
    if size > limit:
        raise PayloadTooLarge(
            f"The request body is larger than {limit} bytes, which is this gateway's limit."
        )


@dataclass(slots=True)
class Head:
    """The head of a request as it came off a connection, its framing taken away. Never changed.

    What is derived from a head is kept in its `headers` (see `ClientHeaders`).
    """

    method: str
    raw_path: bytes
    """Percent-encoded, without the query."""
    query: bytes
    """Without the question mark."""
    headers: ClientHeaders
    """All fields but `content-length` and `transfer-encoding`. `host` is the target's authority
    where the target has one (RFC 9112 section 3.2.2)."""

    @property
    def path(self) -> str:
        """The path, decoded; for messages, never for decisions."""
        return unquote(self.raw_path.decode("latin-1"))


@dataclass(slots=True)
class Request:
    """A request that has passed the guard. Never changed."""

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
    length: int | None = None
    """The length of a body that still arrives, where the client said it."""


@dataclass(slots=True)
class GenerationRequest(Request):
    """A request at one of the generation endpoints, its body read."""

    body: bytes = field(default=b"", repr=False)
    shape: Shape = Shape.CHAT
    items: ItemNames | None = field(default=None, repr=False)
    """What the client calls the items of `input`, where the gateway has put that together."""

    def with_body(self, body: bytes) -> "GenerationRequest":
        """Return the same request with a body: made for every request, so by hand."""
        return GenerationRequest(
            self.method,
            self.path,
            self.query,
            self.headers,
            body,
            self.client,
            self.model,
            None,
            self.shape,
        )

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
        return cls("POST", shape.path, query, headers, body, client, None, None, shape)
