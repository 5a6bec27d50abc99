"""Writes replies straight to a client's transport: HTTP/1.1 without ASGI's messages in between.

A whole reply is one write. What is written is what uvicorn would write for the same messages.
"""

import asyncio
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.api.writing import Fields, ReplyWriter
from gateway.errors import GatewayError
from gateway.exchange.message import UNSAFE_IN_A_HEADER, Decision, ReplyBody, Source

_BODILESS = frozenset({204, 304})
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})


class Wire(Protocol):
    """What a reply is written to: the client's connection."""

    flow: FlowControl
    transport: asyncio.Transport

    def common_fields(self) -> bytes:
        """Return the lines that every reply's head has (the date)."""


class DirectWriter(ReplyWriter):
    """Writes one reply to a wire.

    `keep_alive` False: the client is told that the connection ends with this reply. `gone`, set by
    the connection, tells that the client has left; nothing is written then. `complete` is set once
    the reply is written as its head has announced it.
    """

    __slots__ = ("_chunked", "_left", "_source", "_wire", "complete", "gone", "keep_alive")

    def __init__(self, wire: Wire, keepalive_interval: float, *, keep_alive: bool) -> None:
        # Not by way of the base class: one is made for every request.
        self._send = _no_messages
        self._interval = keepalive_interval
        self.started = False
        self.status = 0
        self._wire = wire
        self._chunked = False
        self._left: int | None = None
        self._source: Source | None = None
        self.keep_alive = keep_alive
        self.gone = False
        self.complete = False

    def resume(self) -> None:
        """Go on: what was written before has left (called by the connection)."""
        if self._source is not None:
            self._source.resume()

    async def _relay(self, body: ReplyBody) -> None:
        """Write a body as it arrives: from within the upstream's read, if it can be poured."""
        if body.source is None:
            await super()._relay(body)
            return
        self._source = body.source
        try:
            await body.source.pour(self._take)
        finally:
            self._source = None

    def _take(self, chunk: bytes) -> bool:
        self._put(self._framed(chunk))
        return not self._wire.flow.write_paused

    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        head = self._render(fields, decision)
        if self._wire.flow.write_paused:
            await self._wire.flow.drain()
        self._put(head + self._framed(body, last=True))
        self._conclude()

    async def _start(self, fields: Fields, decision: Decision) -> None:
        await self._write(self._render(fields, decision))

    async def _write_chunk(self, chunk: bytes) -> None:
        await self._write(self._framed(chunk))

    async def _end(self, body: bytes = b"") -> None:
        await self._write(self._framed(body, last=True))
        self._conclude()

    async def _write(self, data: bytes) -> None:
        if self._wire.flow.write_paused:
            await self._wire.flow.drain()
        self._put(data)

    def _put(self, data: bytes) -> None:
        if data and not self.gone:
            self._wire.transport.write(data)

    def _framed(self, body: bytes, *, last: bool = False) -> bytes:
        """Return a piece of the body as it goes on the wire; raises `GatewayError` if too long."""
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return data + b"0\r\n\r\n" if last else data
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                raise GatewayError("The reply is longer than its Content-Length.")
        return body

    def _conclude(self) -> None:
        if self._left:
            raise GatewayError("The reply is shorter than its Content-Length.")
        self.complete = True

    def _render(self, fields: Fields, decision: Decision) -> bytes:
        """Return the head, and find out how the body will be framed."""
        lines = [STATUS_LINE[self.status], self._wire.common_fields()]
        closing = False
        for name, value in fields:
            if name in _FRAMING:
                if name == b"content-length":
                    self._left = int(value)
                elif name == b"transfer-encoding":
                    continue
                else:
                    closing = b"close" in value.lower()
            lines.append(b"%b: %b\r\n" % (name, value))
        if UNSAFE_IN_A_HEADER.search(b"".join([value for _, value in fields])):
            raise GatewayError("A header of the reply contains a control character.")
        lines.append(decision.lines())
        if closing:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self._left is None and self.status not in _BODILESS:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)


async def _no_messages(message: object) -> None:
    raise AssertionError(f"no ASGI message is sent here: {message!r}")
