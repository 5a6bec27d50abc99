"""Writes replies: what goes on the wire, and keep-alive comments while a stream is silent."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.message import ClientReply, Decision, ReplyBody

ASGISend = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Fields = list[tuple[bytes, bytes]]


class ReplyWriter:
    """Writes one reply, as ASGI messages. `started` tells whether a status has gone out.

    `keepalive_interval` is in seconds. Another wire is a subclass with its own way to `_start`,
    `_write_chunk`, `_end` and `_write_whole`.
    """

    __slots__ = ("_interval", "_quiet_since", "_send", "started", "status")

    def __init__(self, send: ASGISend, keepalive_interval: float) -> None:
        self._send = send
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
        body = msgspec.json.encode(error.envelope())
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            *((n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in error.headers),
        ]
        await self.write(ClientReply(error.status, headers, body), decision)

    async def _relay(self, body: ReplyBody) -> None:
        async for chunk in body:
            if chunk:
                await self._write_chunk(chunk)

    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        await self._start(fields, decision)
        await self._end(body)

    async def _start(self, fields: Fields, decision: Decision) -> None:
        headers = [*fields, *decision.headers()]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})

    async def _write_chunk(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _end(self, body: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": body})

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
