"""The client's side of one request: its body, and whether it is still there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any

from gateway.errors import InvalidRequest, PayloadTooLarge
from gateway.server.departure import Departure
from gateway.shapes import RawHeaders

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGone(Exception):
    """The client left; there is nobody to answer."""


class ClientConnection:
    """Reads the body; after its end, watches for the client to leave and cancels the request.

    The watch covers everything that follows the body: queue, connect, first byte, stream. While a
    body is still coming in, reading it finds out by itself.
    """

    def __init__(
        self, receive: Receive, idle_timeout: float, departure: Departure | None = None
    ) -> None:
        self._receive = receive
        self._idle_timeout = idle_timeout
        self._departure = departure
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._left = False
        self._too_slow = False

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self._left or (self._departure is not None and self._departure.gone)

    async def read(self, limit: int, declared: int | None) -> bytes:
        """Return the whole body; raises `PayloadTooLarge` as soon as it passes `limit` bytes."""
        check_size(declared or 0, limit)
        message = await self._next()
        if not message.get("more_body"):
            body: bytes = message.get("body", b"")
            check_size(len(body), limit)
            self._start_watch()
            return body
        whole = bytearray(message.get("body", b""))
        while message.get("more_body"):
            check_size(len(whole), limit)
            message = await self._next()
            whole += message.get("body", b"")
        check_size(len(whole), limit)
        self._start_watch()
        return bytes(whole)

    async def open(self, limit: int, declared: int | None) -> bytes | AsyncGenerator[bytes, None]:
        """Return a body that came in one piece, else a stream of its pieces."""
        check_size(declared or 0, limit)
        message = await self._next()
        first: bytes = message.get("body", b"")
        if not message.get("more_body"):
            self._start_watch()
            return first
        return self._pieces(first, limit)

    def close(self) -> None:
        """Stop watching."""
        if self._departure is not None:
            self._departure.disarm()
        if self._watch is not None:
            self._watch.cancel()

    async def _pieces(self, first: bytes, limit: int) -> AsyncGenerator[bytes, None]:
        size = len(first)
        if first:
            yield first
        more = True
        while more:
            message = await self._next()
            piece: bytes = message.get("body", b"")
            more = bool(message.get("more_body"))
            size += len(piece)
            check_size(size, limit)
            if not more:
                self._start_watch()
            if piece:
                yield piece

    async def _next(self) -> Message:
        # A timer by hand: most bodies are here already, and asyncio.timeout costs as much as
        # everything else that is done to read one.
        timer = asyncio.get_running_loop().call_later(self._idle_timeout, self._expire)
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not self._too_slow or self._task is None or self._task.uncancel() > 0:
                raise
            raise InvalidRequest(
                f"No part of the request body came for {self._idle_timeout:g} s.",
                status=408,
                code="request_timeout",
            ) from None
        finally:
            timer.cancel()
        if message["type"] == "http.disconnect":
            self._left = True
            raise ClientGone
        return message

    def _expire(self) -> None:
        self._too_slow = True
        if self._task is not None:
            self._task.cancel()

    def _start_watch(self) -> None:
        if self._departure is None or self._task is None:
            self._watch = asyncio.create_task(self._wait_for_departure())
        else:
            self._departure.arm(self._task)

    async def _wait_for_departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        self._left = True
        if self._task is not None:
            self._task.cancel()


def check_size(size: int, limit: int) -> None:
    """Raise `PayloadTooLarge` for a body of more bytes than the limit."""
    if size > limit:
        raise PayloadTooLarge(
            f"The request body is larger than {limit} bytes, which is this gateway's limit.",
            headers=(("connection", "close"),),
        )


def declared_length(headers: RawHeaders) -> int | None:
    """Return the Content-Length that the client declared, if it is a number."""
    value = next((value for name, value in headers if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) < 19 else None
