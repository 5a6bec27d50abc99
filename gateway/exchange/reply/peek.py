"""Looks at the beginning of a reply before any of it is passed on, and loses nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, cast

from gateway.shapes import RawHeaders, UpstreamReply


class Peekable(UpstreamReply, Protocol):
    """A reply whose beginning can be looked at before it is read."""

    @property
    def ended(self) -> bool:
        """Whether all of the body is here."""

    def peek(self) -> bytes:
        """Return what has arrived of the body and is not read yet; it stays to be read."""

    async def more(self, seconds: float) -> bool:
        """Wait until more has arrived, the body has ended or failed, or the time is over.

        False: nothing more will come, or there is no time left. What has failed is raised when
        the body is read.
        """

    def arrived(self) -> bytes | None:
        """Return the whole body if all of it is here, and forget it; None if any is to come."""


class Judge(Protocol):
    """Judges the beginning of a body."""

    def __call__(self, data: bytes, *, ended: bool) -> bytes | None:
        """Return what was found in `data`, which may be nothing; None: more of it is needed.

        Never None once the body has `ended`.
        """


def peekable(reply: UpstreamReply) -> Peekable:
    """Return the reply itself, if its beginning can be looked at, or one that stands for it."""
    return cast("Peekable", reply) if hasattr(reply, "peek") else HeldReply(reply)


async def look(reply: Peekable, judge: Judge, grace: float) -> bytes:
    """Return what `judge` says of a reply's beginning; empty if it cannot say so in `grace` s.

    Nothing is read: what has arrived stays to be read. The reply is closed if waiting is cancelled.
    """
    until: float | None = None
    try:
        while (found := judge(reply.peek(), ended=reply.ended)) is None:
            now = asyncio.get_running_loop().time()
            if until is None:
                until = now + grace
            if not await reply.more(until - now):
                return b""
    except BaseException:
        await reply.aclose()
        raise
    return found


class HeldReply:
    """Stands for a reply whose beginning cannot be looked at: it keeps what was read ahead."""

    def __init__(self, reply: UpstreamReply) -> None:
        self._reply = reply
        self._chunks = reply.chunks()
        self._begun = b""
        self._pending: asyncio.Future[bytes | None] | None = None
        self.ended = False

    @property
    def status(self) -> int:
        """The status code."""
        return self._reply.status

    @property
    def headers(self) -> RawHeaders:
        """The header fields without hop-by-hop ones, names in lower case."""
        return self._reply.headers

    def peek(self) -> bytes:
        """Return what was read ahead; see `Peekable`."""
        return self._begun

    async def more(self, seconds: float) -> bool:
        """Read ahead; see `Peekable`."""
        if self.ended or seconds <= 0:
            return False
        if self._pending is None:
            self._pending = asyncio.ensure_future(anext(self._chunks, None))
        pending = self._pending
        await asyncio.wait({pending}, timeout=seconds)
        if not pending.done() or pending.exception() is not None:
            return False
        self._pending = None
        piece = pending.result()
        if piece is None:
            self.ended = True
            await self._reply.aclose()
        else:
            self._begun += piece
        return True

    def arrived(self) -> bytes | None:
        """Return the whole body if it was read ahead; see `Peekable`."""
        if not self.ended:
            return None
        begun, self._begun = self._begun, b""
        return begun

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what was read ahead, and then what comes; see `gateway.shapes.UpstreamReply`."""
        begun, self._begun = self._begun, b""
        if begun:
            yield begun
        pending, self._pending = self._pending, None
        if pending is not None:
            try:
                piece = await pending
            finally:
                # An error that is raised keeps this frame alive, and the task its error.
                del pending
            if piece is None:
                return
            yield piece
        if not self.ended:
            async for piece in self._chunks:
                yield piece

    async def aclose(self) -> None:
        """Give up what is unread and free the connection."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
            if not pending.cancelled():
                pending.exception()  # marks it as seen
        await self._reply.aclose()
