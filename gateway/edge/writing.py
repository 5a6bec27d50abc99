"""Writes replies: what goes on the wire, and keep-alive comments while a stream is silent."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.message import ClientReply, Decision, ReplyBody

ASGISend = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ReplyWriter:
    """Writes one reply. `started` tells whether a status has gone out."""

    def __init__(self, send: ASGISend, keepalive_interval: float) -> None:
        self._send = send
        self._interval = keepalive_interval
        self._quiet_since = 0.0
        self.started = False
        self.status = 0

    async def write(self, reply: ClientReply, decision: Decision) -> None:
        """Write a reply to its end; raises what its body raises, and then it is left open-ended."""
        await self._start(reply.status, [*reply.headers, *decision.headers()])
        if isinstance(reply.body, bytes):
            await self._send({"type": "http.response.body", "body": reply.body})
            return
        if reply.keepalive:
            await self._write_kept_alive(reply.body, reply.keepalive)
        else:
            async for chunk in reply.body:
                if chunk:
                    await self._write_chunk(chunk)
        await self._send({"type": "http.response.body", "body": b""})

    async def write_error(self, error: GatewayError, decision: Decision) -> None:
        """Write an error in OpenAI's envelope."""
        body = msgspec.json.encode(error.envelope())
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            *((n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in error.headers),
        ]
        await self._start(error.status, [*headers, *decision.headers()])
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _write_chunk(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

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
