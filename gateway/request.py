"""The one record of a client's request, from the door to the exchange.

It lies below every layer that handles requests, so that they all share it: `server/` (or `asgi/`)
and `api/` create it, the exchange reads it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote

import msgspec

from gateway.config.settings import ClientSettings
from gateway.errors import InvalidRequest, PayloadTooLarge
from gateway.shapes import ClientHeaders, ItemNames, RawHeaders, Shape

Body = bytes | AsyncIterator[bytes]
"""A complete body, or its pieces as they arrive."""


def check_size(size: int, limit: int) -> None:
    """Raise `PayloadTooLarge` if a body has, or declares, more bytes than its limit.

    A limit of 0 is that of handshakes, for which it is an `InvalidRequest`.
    """
    if size > limit:
        if not limit:
            raise InvalidRequest(
                "A WebSocket handshake has no body: send it without one.", code="invalid_handshake"
            )
        raise PayloadTooLarge(
            f"The request body is larger than {limit} bytes, which is this gateway's limit."
        )


@dataclass(slots=True)
class Head:
    """The head of a request as received, without its framing. Never changed.

    Values derived from a head are cached in its `headers` (see `ClientHeaders`).
    """

    method: str
    raw_path: bytes
    """Percent-encoded, without the query."""
    query: bytes
    """Without the question mark."""
    headers: ClientHeaders
    """All fields but `content-length` and `transfer-encoding`. `host` is the target's authority
    if it has one (RFC 9112 section 3.2.2)."""

    @property
    def path(self) -> str:
        """The path, decoded; for messages, never for decisions."""
        return unquote(self.raw_path.decode("latin-1"))


class Request(msgspec.Struct):
    """A request that has passed the guard. Never changed.

    A `Struct`, like its subclass, since one is made for every request.
    """

    method: str
    path: str
    """Below `/v1`, with a leading slash, still percent-encoded."""
    query: bytes = b""
    """Without the question mark."""
    headers: RawHeaders = ()
    body: Body = b""
    client: ClientSettings | None = None
    """The calling client, if the gateway has clients of its own."""
    model: str | None = None
    """The model in the request's path (Azure's deployments), not yet checked."""
    length: int | None = None
    """The declared length of a body that still arrives, if there is one."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.method!r}, {self.path!r})"


class GenerationRequest(Request):
    """A request at a generation endpoint, with its body."""

    body: bytes = b""
    shape: Shape = Shape.CHAT
    items: ItemNames | None = None
    """The client's names of the items of `input`, if the gateway has changed that."""
    is_remembered: bool = False
    """Whether the client's socket remembers the reply, so that it must be complete."""
    as_chat: bool = False
    """Whether a body of responses was sent to the chat endpoint, and is answered as there."""
    is_utf8: bool = False
    """Whether the body is known to be UTF-8."""
    is_unsealed: bool = False
    """Whether the body is known to have nothing that the gateway has sealed."""

    @property
    def reply_shape(self) -> Shape:
        """The shape of the reply, which is that of the endpoint called."""
        return Shape.CHAT if self.as_chat else self.shape

    def with_body(self, body: bytes) -> "GenerationRequest":
        """Return the same request with a body; without `replace`, since every request needs it."""
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

    def of_utf8(self, *, is_unsealed: bool) -> "GenerationRequest":
        """Return the same request with what is known of its body; without `replace`, as above."""
        return GenerationRequest(
            self.method,
            self.path,
            self.query,
            self.headers,
            self.body,
            self.client,
            self.model,
            self.length,
            self.shape,
            self.items,
            self.is_remembered,
            self.as_chat,
            True,
            is_unsealed,
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
