"""Streamed request bodies: exactly as long as announced, or refused."""

from collections.abc import AsyncIterator

from gateway.errors import InvalidRequest


async def measured(body: AsyncIterator[bytes], length: int | None) -> AsyncIterator[bytes]:
    """Yield the non-empty pieces of a body that was announced with a length (None: with none).

    Raises `InvalidRequest` instead of passing on a byte too many, and at the end for one too few:
    the upstream would take what follows on the connection for the rest of the body.
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
