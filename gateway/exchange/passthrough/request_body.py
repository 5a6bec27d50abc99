"""Bodies of requests that are passed on: read ahead, read whole, or left to stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from gateway.request import Body, check_size

READ_AHEAD_BYTES = 64 * 1024
"""The bytes at a form's beginning in which its model is looked for, before any is sent."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A body that was partly read."""

    named: bytes
    """The part of the body that is searched for a model, and changed."""
    rest: AsyncIterator[bytes] | None
    """The pieces that were not read yet; None if the whole body was read."""
    read: int
    """How many bytes of the body were read."""
    before: bytes = b""
    after: bytes = b""
    is_cut: bool = False
    """Whether a form was read up to the limit without a model, and goes on."""

    def again(self) -> Body:
        """Return the body to send, with `named` as it is now."""
        if self.rest is None and not self.before and not self.after:
            return self.named
        return pieces_of(self.rest or b"", self.before, self.named, self.after)

    def length(self, declared: int | None) -> int | None:
        """Return the length of the body to send; `declared` is that of the client's, if known."""
        begun = len(self.before) + len(self.named) + len(self.after)
        if self.rest is None:
            return begun
        return None if declared is None else declared + begun - self.read


async def read_ahead(
    body: Body, most: int = READ_AHEAD_BYTES
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Return a body's beginning (`most` bytes, up to a piece more) and the rest, None if empty."""
    if isinstance(body, bytes):
        return body, None
    beginning = bytearray()
    async for piece in body:
        beginning += piece
        if len(beginning) >= most:
            return bytes(beginning), body
    return bytes(beginning), None


async def read_body(body: Body, limit: int, beginning: bytes = b"") -> bytes:
    """Return a whole body, of which `beginning` was read before; raises `PayloadTooLarge`.

    `limit` is in bytes.
    """
    whole = bytearray(beginning)
    check_size(len(whole), limit)
    async for piece in pieces_of(body):
        whole += piece
        check_size(len(whole), limit)
    return bytes(whole)


async def pieces_of(body: Body, *beginning: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece, after the pieces read before; no piece is empty."""
    for piece in beginning:
        if piece:
            yield piece
    if isinstance(body, bytes):
        if body:
            yield body
        return
    async for piece in body:
        if piece:
            yield piece
