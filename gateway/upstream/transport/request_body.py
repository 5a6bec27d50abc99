"""Streamed request bodies: exactly as long as announced, or refused."""

from collections.abc import AsyncIterator

from gateway.errors import InvalidRequest, UpstreamTimeout
from gateway.upstream.transport.connection import Connection


async def measured(body: AsyncIterator[bytes], length: int | None) -> AsyncIterator[bytes]:
    """Yield the non-empty pieces of a body that was announced with a length (None: without one).

    Raises `InvalidRequest` instead of passing on a byte too many, and at the end for a byte too
    few: the upstream would take the next request on the connection for the rest of the body.
    """
    sent = 0
    async for piece in body:
        sent += len(piece)
        if length is not None and sent > length:
            raise InvalidRequest(
                f"The request body is longer than the {length} bytes that its Content-Length says."
            )
        if piece:
            yield piece
    if length is not None and sent < length:
        raise InvalidRequest(
            f"The request body ended after {sent} of the {length} bytes that its Content-Length "
            "says."
        )


async def upload(
    connection: Connection,
    body: AsyncIterator[bytes],
    length: int | None,
    *,
    upstream: str,
    idle: float,
) -> None:
    """Write a body that was announced with a length, or as chunks, as fast as it is taken.

    Raises `UpstreamTimeout` when the upstream takes nothing for `idle` seconds, and like
    `measured`.
    """
    async for piece in measured(body, length):
        connection.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
        try:
            await connection.drain(idle)
        except TimeoutError:
            raise UpstreamTimeout(
                f"Upstream '{upstream}' read nothing of the request body for {idle:g} s "
                "(timeouts.stream_idle)."
            ) from None
    if length is None:
        connection.write(b"0\r\n\r\n")
