"""Bodies of requests that are passed on: read ahead, read whole, or left to stream."""

from collections.abc import AsyncGenerator, AsyncIterator

from gateway.request import Body, check_size

READ_AHEAD_BYTES = 64 * 1024
"""The bytes of a form within which its model is looked for, before any of it is sent."""


async def read_ahead(body: Body) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Return a body's beginning, and the rest of it; None: that is all."""
    if isinstance(body, bytes):
        return body, None
    beginning = bytearray()
    async for piece in body:
        beginning += piece
        if len(beginning) >= READ_AHEAD_BYTES:
            return bytes(beginning), body
    return bytes(beginning), None


async def read_body(body: Body, limit: int, beginning: bytes = b"") -> bytes:
    """Return a body as a whole, after what was read of it; raises `PayloadTooLarge`.

    `limit` is in bytes.
    """
    whole = bytearray(beginning)
    async for piece in pieces_of(body):
        whole += piece
        check_size(len(whole), limit)
    return bytes(whole)


async def pieces_of(body: Body, beginning: bytes = b"") -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece, after what was read of it; no piece is empty."""
    if beginning:
        yield beginning
    if isinstance(body, bytes):
        if body:
            yield body
        return
    async for piece in body:
        if piece:
            yield piece
