"""Bodies of requests that are passed on: read ahead, read whole, or left to stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from gateway.request import Body, check_size

READ_AHEAD_BYTES = 64 * 1024
"""The bytes of a form within which its model is looked for, before any of it is sent."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A body, as far as it was read."""

    named: bytes
    """The part of it that is searched for a model, and changed."""
    rest: AsyncIterator[bytes] | None
    """What was not read; None: all of it was."""
    read: int
    """The bytes that were read of it."""
    before: bytes = b""
    after: bytes = b""
    is_cut: bool = False
    """Whether a form was read up to the limit without a model, and goes on."""

    def again(self) -> Body:
        """Return the body to send, with what `named` has become."""
        if self.rest is None and not self.before and not self.after:
            return self.named
        return pieces_of(self.rest or b"", self.before, self.named, self.after)

    def length(self, declared: int | None) -> int | None:
        """Return the length of the body to send, by the one that the client has declared."""
        begun = len(self.before) + len(self.named) + len(self.after)
        if self.rest is None:
            return begun
        return None if declared is None else declared + begun - self.read


async def read_ahead(
    body: Body, most: int = READ_AHEAD_BYTES
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Return a body's beginning, of `most` bytes or a piece more, and the rest; None: no rest."""
    if isinstance(body, bytes):
        return body, None
    beginning = bytearray()
    async for piece in body:
        beginning += piece
        if len(beginning) >= most:
            return bytes(beginning), body
    return bytes(beginning), None


async def read_body(body: Body, limit: int, beginning: bytes = b"") -> bytes:
    """Return a body as a whole, after what was read of it; raises `PayloadTooLarge`.

    `limit` is in bytes.
    """
    whole = bytearray(beginning)
    check_size(len(whole), limit)
    async for piece in pieces_of(body):
        whole += piece
        check_size(len(whole), limit)
    return bytes(whole)


async def pieces_of(body: Body, *beginning: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece, after what was read of it; no piece is empty."""
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
