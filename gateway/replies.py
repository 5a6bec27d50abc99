"""Replies that are not read off a socket of our own: from memory, or from an iterator of chunks."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway.shapes import RawHeaders, Sink


@dataclass(slots=True)
class BufferedReply:
    """An `UpstreamReply` whose body is complete and in memory. Never changed."""

    status: int
    headers: RawHeaders
    body: bytes = field(repr=False)

    @property
    def ended(self) -> bool:
        """True: all of the body has arrived."""
        return True

    def peek(self) -> bytes:
        """Return the body."""
        return self.body

    def arrived(self) -> bytes:
        """Return the body."""
        return self.body

    async def more(self, seconds: float) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: nothing more will come."""
        return False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        yield self.body

    async def pipe(self, sink: Sink) -> None:
        """Give the body to the sink."""
        if self.body:
            sink(self.body)

    def resume_reading(self) -> None:
        """Do nothing: there is nothing left to read."""

    async def aclose(self) -> None:
        """Do nothing: there is no connection to free."""


class ChunkedReply(ABC):
    """An `UpstreamReply` whose body comes from an iterator: it keeps what it has read ahead.

    A subclass has the status and the headers, and says how the body is read and closed.
    """

    status: int
    headers: RawHeaders

    def __init__(self) -> None:
        self.ended = False
        self._source: AsyncIterator[bytes] | None = None
        self._ahead = b""
        self._pending: asyncio.Future[bytes | None] | None = None
        self._resumed: asyncio.Future[None] | None = None

    @abstractmethod
    def _read(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; called once. Raises what `chunks()` raises."""

    @abstractmethod
    async def _close(self) -> None:
        """Free what the body comes from. Called after its end too, and possibly more than once."""

    def peek(self) -> bytes:
        """Return what was read ahead; it stays to be read."""
        return self._ahead

    def arrived(self) -> bytes | None:
        """Return the whole body if it was read ahead, and forget it; else None."""
        if not self.ended:
            return None
        ahead, self._ahead = self._ahead, b""
        return ahead

    async def more(self, seconds: float) -> bool:
        """Read ahead; see `UpstreamReply`."""
        if self.ended or seconds <= 0:
            return False
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._receive())
        pending = self._pending
        await asyncio.wait({pending}, timeout=seconds)
        if not pending.done() or pending.exception() is not None:
            return False
        self._pending = None
        self._ahead += pending.result() or b""
        return True

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what was read ahead, then the rest; see `UpstreamReply`."""
        try:
            while (chunk := await self._next()) is not None:
                yield chunk
        finally:
            await self._discard()

    async def pipe(self, sink: Sink) -> None:
        """Give what was read ahead to the sink, then the rest; see `UpstreamReply`."""
        try:
            while (chunk := await self._next()) is not None:
                if chunk and not sink(chunk):
                    self._resumed = asyncio.get_running_loop().create_future()
                    await self._resumed
        finally:
            await self._discard()

    def resume_reading(self) -> None:
        """Go on after the sink of `pipe()` has returned False."""
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    async def aclose(self) -> None:
        """Give up what is unread and free what it comes from."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
            if not pending.cancelled():
                pending.exception()  # marks it as seen
        await self._close()
        self.resume_reading()

    async def _discard(self) -> None:
        """Free everything where a body was not read to its end."""
        if not self.ended:
            await self.aclose()

    async def _next(self) -> bytes | None:
        """Return the next chunk; None: there is none."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        if self.ended:
            return None
        pending, self._pending = self._pending, None
        if pending is None:
            return await self._receive()
        try:
            return await pending
        finally:
            # An error that is raised keeps this frame alive, and the task its error.
            del pending

    async def _receive(self) -> bytes | None:
        if self._source is None:
            self._source = self._read()
        chunk = await anext(self._source, None)
        if chunk is None:
            self.ended = True
            await self._close()
        return chunk
