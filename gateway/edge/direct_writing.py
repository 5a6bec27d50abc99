"""Writes replies straight to a client's transport: HTTP/1.1 without ASGI's messages in between.

A whole reply is one write. What is written is what uvicorn would write for the same messages.
"""

import logging
import re
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.edge.writing import Fields, ReplyWriter
from gateway.errors import GatewayError
from gateway.exchange.message import Decision

log = logging.getLogger("gateway")

_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = frozenset({204, 304})


class Wire(Protocol):
    """What a reply is written to: the client's connection."""

    flow: FlowControl

    def write(self, data: bytes) -> None:
        """Write, or buffer, all of it."""

    def common_fields(self) -> bytes:
        """Return the lines that every reply's head has (the date)."""


class DirectWriter(ReplyWriter):
    """Writes one reply to a wire.

    `keep_alive` False: the client is told that the connection ends with this reply. `gone`, set by
    the connection, tells that the client has left; nothing is written then. `complete` is set once
    the reply is written as its head has announced it.
    """

    def __init__(self, wire: Wire, keepalive_interval: float, *, keep_alive: bool) -> None:
        super().__init__(_no_messages, keepalive_interval)
        self._wire = wire
        self._head = b""
        self._chunked = False
        self._left: int | None = None
        self.keep_alive = keep_alive
        self.gone = False
        self.complete = False

    async def _start(self, fields: Fields, decision: Decision, *, streamed: bool) -> None:
        head = self._render(fields, decision)
        if streamed:
            await self._write(head)
        else:
            self._head = head

    async def _write_chunk(self, chunk: bytes) -> None:
        if self._chunked:
            await self._write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            return
        self._count(len(chunk))
        await self._write(chunk)

    async def _end(self, body: bytes) -> None:
        if self._chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        else:
            self._count(len(body))
            data = body
        await self._write(self._head + data if self._head else data)
        self._head = b""
        if self._left:
            raise GatewayError("The reply is shorter than its Content-Length.")
        self.complete = True

    async def _write(self, data: bytes) -> None:
        if self._wire.flow.write_paused and not self.gone:
            await self._wire.flow.drain()
        if data and not self.gone:
            self._wire.write(data)

    def _count(self, size: int) -> None:
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise GatewayError("The reply is longer than its Content-Length.")

    def _render(self, fields: Fields, decision: Decision) -> bytes:
        """Return the head, and find out how the body will be framed."""
        lines = [STATUS_LINE[self.status], self._wire.common_fields()]
        closing = False
        for name, value in fields:
            if _UNSAFE.search(value):
                raise GatewayError("A header of the reply contains a control character.")
            if name == b"content-length":
                self._left = int(value)
            elif name == b"transfer-encoding":
                continue
            elif name == b"connection":
                closing = b"close" in value.lower()
            lines.append(b"%b: %b\r\n" % (name, value))
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
