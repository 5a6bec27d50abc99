"""Streamed bodies from memory."""

import asyncio
from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.exchange.reply.body import ReplyBody
from gateway.shapes import Sink


class BodyOf(ReplyBody):
    """A body of these pieces; `error` is raised after the last. `full`: its sink was once."""

    def __init__(self, pieces: Sequence[bytes], error: Exception | None = None) -> None:
        super().__init__()
        self.pieces = pieces
        self.error = error
        self.delivered = 0
        self.released = 0
        self.full = asyncio.Event()
        self._resumed = asyncio.Event()

    @property
    def failure(self) -> GatewayError | None:
        return None

    async def pipe(self, sink: Sink) -> None:
        for piece in self.pieces:
            self.delivered += 1
            if not sink(piece):
                self._resumed.clear()
                self.full.set()
                await self._resumed.wait()
        if self.error is not None:
            raise self.error

    def resume(self) -> None:
        self._resumed.set()

    async def _release(self) -> None:
        self.released += 1


async def read_out(body: ReplyBody) -> bytes:
    """Pipe a body to its end, and close it."""
    received: list[bytes] = []

    def sink(piece: bytes) -> bool:
        assert piece
        received.append(piece)
        return True

    try:
        await body.pipe(sink)
    finally:
        await body.aclose()
    return b"".join(received)
