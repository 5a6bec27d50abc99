"""Writes replies: what comes when, and keep-alive comments while a stream is silent."""

import asyncio
from abc import ABC, abstractmethod

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.message import ClientReply, Decision, ReplyBody

Fields = list[tuple[bytes, bytes]]

BODILESS = frozenset({204, 304})
"""Statuses whose replies end with their heads (RFC 9112 section 6.3)."""


class ReplyWriter(ABC):
    """Writes one reply. `started` tells whether a status has gone out.

    `keepalive_interval` is in seconds. How bytes reach the client is a subclass's business. `gone`
    tells whether the client has left.
    """

    __slots__ = ("_interval", "_quiet_since", "started", "status")

    gone: bool

    def __init__(self, keepalive_interval: float) -> None:
        self._interval = keepalive_interval
        self._quiet_since = 0.0
        self.started = False
        self.status = 0

    async def write(self, reply: ClientReply, decision: Decision) -> None:
        """Write a reply to its end; raises what its body raises, and then it is left open-ended."""
        self.started = True
        self.status = reply.status
        body = reply.body
        if isinstance(body, bytes):
            await self._write_whole(reply.headers, decision, body)
            return
        await self._start(reply.headers, decision)
        if reply.keepalive:
            await self._write_kept_alive(body, reply.keepalive)
        else:
            await self._relay(body)
        await self._end()

    async def write_error(self, error: GatewayError, decision: Decision) -> None:
        """Write an error in OpenAI's envelope."""
        await self.write(error_reply(error), decision)

    @abstractmethod
    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        """Write a head and all of its body."""

    @abstractmethod
    async def _start(self, fields: Fields, decision: Decision) -> None:
        """Write the head of a streamed body."""

    @abstractmethod
    async def _write_chunk(self, chunk: bytes) -> None:
        """Write a piece of a body; waits while the client does not read."""

    @abstractmethod
    async def _end(self) -> None:
        """Write the end of a streamed body."""

    async def _relay(self, body: ReplyBody) -> None:
        async for chunk in body:
            if chunk:
                await self._write_chunk(chunk)

    async def _write_kept_alive(self, body: ReplyBody, keepalive: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._quiet_since = loop.time()
        comments = asyncio.create_task(self._comment(keepalive))
        try:
            async for chunk in body:
                if chunk:
                    await self._write_chunk(chunk)
                    self._quiet_since = loop.time()
        finally:
            comments.cancel()

    async def _comment(self, keepalive: bytes) -> None:
        """Send a comment whenever nothing was sent for an interval; chunks are whole events."""
        loop = asyncio.get_running_loop()
        while True:
            due = self._quiet_since + self._interval
            if loop.time() < due:
                await asyncio.sleep(due - loop.time())
            else:
                await self._write_chunk(keepalive)
                self._quiet_since = loop.time()


def error_reply(error: GatewayError) -> ClientReply:
    """Return an error as a reply in OpenAI's envelope."""
    body = msgspec.json.encode(error.envelope())
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *((n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in error.headers),
    ]
    return ClientReply(error.status, headers, body)
