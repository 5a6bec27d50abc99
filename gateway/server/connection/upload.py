"""A request body that is streamed while it arrives, with bounded buffering."""

import asyncio
from collections.abc import Callable
from typing import Self

MAX_BUFFERED = 64 * 1024
"""Bytes that are buffered for the reader; beyond, reading from the client pauses."""


class UploadStream:
    """The pieces of a body, as an asynchronous iterator for one reader.

    `changed` is called when the reader begins to wait or has emptied the buffer.
    """

    __slots__ = ("_changed", "_error", "_finished", "_pieces", "_waiter", "buffered")

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed: Callable[[], None] | None = changed
        self._pieces: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._finished = False
        self.buffered = 0

    @property
    def is_awaited(self) -> bool:
        """Whether the reader waits for the next piece."""
        return self._waiter is not None

    @property
    def is_full(self) -> bool:
        """Whether the buffer is full."""
        return self.buffered > MAX_BUFFERED

    def put(self, piece: bytes) -> None:
        """Add a piece."""
        if piece:
            self._pieces.append(piece)
            self.buffered += len(piece)
            self._wake()

    def finish(self) -> None:
        """Note that the body is complete."""
        self._finished = True
        self._changed = None
        self._wake()

    def fail(self, error: Exception) -> None:
        """Raise an error in the reader once it has read the buffered pieces."""
        self._error = error
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the buffered bytes in one piece; raises the error of a failed body."""
        while not self._pieces:
            if self._error is not None:
                error, self._error = self._error, None
                self._finished = True
                raise error
            if self._finished:
                raise StopAsyncIteration
            await self._next()
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.buffered = 0
        self._notify()
        return piece

    async def _next(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._notify()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
