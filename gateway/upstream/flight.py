"""One request and its reply on one connection; what the pool gives out as the reply."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Final, cast

from gateway.config.settings import TimeoutSettings
from gateway.errors import TruncatedStream, UpstreamError, UpstreamTimeout
from gateway.shapes import RawHeaders, UpstreamCall
from gateway.upstream.connection import Connection
from gateway.upstream.headers import reply_headers
from gateway.upstream.reply_parser import ReplyParser
from gateway.upstream.request_body import measured

UNREAD_LIMIT: Final = 64 * 1024
"""Reading from the upstream pauses while more of the body than this waits to be taken."""

_WRITE_TOGETHER: Final = 64 * 1024
"""A body up to this size is copied behind the head, for one system call instead of two."""


class Flight:
    """Sends one request, then is its reply: an `UpstreamReply`. Has one reader at a time.

    The connection is handed to `park` as soon as it has carried the whole reply and could carry
    another one, which may be before the body is read. `release` is called once, when a flight
    that was delivered needs its connection no longer; after a failed `deliver()`, it is not.
    """

    def __init__(
        self,
        name: str,
        timeouts: TimeoutSettings,
        *,
        head_only: bool,
        park: Callable[[Connection], None],
        release: Callable[[], None],
    ) -> None:
        self._name = name
        self._timeouts = timeouts
        self._connection: Connection | None = None
        self._park = park
        self._release = release
        self._loop = asyncio.get_running_loop()
        self._parser = ReplyParser(name, head_only=head_only)
        self._waiter: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._sent = False
        self._delivered = False

    @property
    def status(self) -> int:
        """The status code."""
        return self._parser.status

    @cached_property
    def headers(self) -> RawHeaders:
        """The header fields without hop-by-hop ones, names in lower case."""
        return reply_headers(self._parser.raw_headers)

    async def deliver(self, connection: Connection, call: UpstreamCall, head: bytes) -> None:
        """Send the request on an open connection and wait for the reply's head.

        Raises `UpstreamTimeout`, `UpstreamError`, `ClosedUnanswered` among them, or whatever the
        body's iterator raises. On any of these, and when cancelled, the connection is closed.
        """
        self._connection = connection
        connection.attach(self)
        try:
            if connection.closed:
                self.lost(None)
            elif isinstance(call.body, bytes):
                await self._send_whole(connection, head, call.body)
            else:
                connection.write(head)
                await self._send_streamed(connection, call.body, call.body_length)
            self._raise_if_headless()
        except BaseException:
            self._part_with_connection()
            raise
        self._mark_as_delivered()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; see `gateway.shapes.UpstreamReply`."""
        try:
            while True:
                if data := self._parser.take():
                    if self._connection is not None:
                        self._connection.resume_reading()
                    yield data
                elif self._error is not None:
                    raise self._error
                elif self._parser.complete:
                    return
                else:
                    await self._wait(self._loop.time() + self._timeouts.stream_idle)
        finally:
            self._discard()

    async def aclose(self) -> None:
        """Give up what is unread and free the connection."""
        self._discard()

    def receive(self, data: bytes) -> None:
        """Take bytes of the reply (called by the connection)."""
        try:
            self._parser.feed(data)
        except UpstreamError as error:
            self._error = error
            self._part_with_connection()
        else:
            if self._parser.complete:
                self._part_with_connection(reusable=self._parser.keep_alive and self._sent)
            elif self._parser.buffered > UNREAD_LIMIT and self._connection is not None:
                self._connection.pause_reading()
        self._wake()

    def lost(self, error: Exception | None) -> None:
        """Take the connection's end (called by the connection)."""
        try:
            if error is not None:
                raise self._parser.broken_off() from error
            self._parser.eof()
        except UpstreamError as broken_off:
            self._error = broken_off
        self._part_with_connection()
        self._wake()

    def expired(self) -> None:
        """Take note that a wait was too long (called by the connection)."""
        if self._parser.head_complete:
            self._error = UpstreamTimeout(
                f"Upstream '{self._name}' sent nothing for {self._timeouts.stream_idle:g} s in the "
                "middle of its reply (timeouts.stream_idle)."
            )
        else:
            self._error = UpstreamTimeout(
                f"Upstream '{self._name}' sent no reply within {self._timeouts.first_byte:g} s "
                "(timeouts.first_byte)."
            )
        self._part_with_connection()
        self._wake()

    @property
    def _settled(self) -> bool:
        return self._parser.head_complete or self._error is not None

    def _raise_if_headless(self) -> None:
        if self._error is not None and not self._parser.head_complete:
            raise self._error

    def _mark_as_delivered(self) -> None:
        self._delivered = True
        if self._connection is None:
            self._release()

    async def _send_whole(self, connection: Connection, head: bytes, body: bytes) -> None:
        if len(body) <= _WRITE_TOGETHER:
            connection.write(head + body)
        else:
            connection.write(head)
            connection.write(body)
        self._sent = True
        until = self._loop.time() + self._timeouts.first_byte
        while not self._settled:
            await self._wait(until)

    async def _send_streamed(
        self, connection: Connection, body: AsyncIterator[bytes], length: int | None
    ) -> None:
        """Upload while watching for a reply, which may come, and end the upload, at any time."""
        upload = asyncio.create_task(self._upload(connection, body, length))
        upload.add_done_callback(lambda _: self._wake())
        until: float | None = None
        try:
            while not self._settled:
                if until is None and upload.done():
                    upload.result()
                    until = self._loop.time() + self._timeouts.first_byte
                await self._wait(until)
        finally:
            upload.cancel()
            await asyncio.wait([upload])
            if not upload.cancelled():
                upload.exception()  # marks it as seen; what mattered of it was raised above

    async def _upload(
        self, connection: Connection, body: AsyncIterator[bytes], length: int | None
    ) -> None:
        async for piece in measured(body, length):
            connection.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
            try:
                await connection.drain(self._timeouts.stream_idle)
            except TimeoutError:
                raise UpstreamTimeout(
                    f"Upstream '{self._name}' read nothing of the request body for "
                    f"{self._timeouts.stream_idle:g} s (timeouts.stream_idle)."
                ) from None
        if length is None:
            connection.write(b"0\r\n\r\n")
        self._sent = True

    async def _wait(self, until: float | None) -> None:
        """Wait for the next thing to happen on the connection."""
        # There is one as long as the reply is neither complete nor failed, and nobody waits longer.
        connection = cast("Connection", self._connection)
        connection.set_deadline(until)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._connection is connection:
                connection.set_deadline(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _part_with_connection(self, *, reusable: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.detach()
        if reusable and connection.reusable:
            self._park(connection)
        else:
            connection.abort()
        if self._delivered:
            self._release()

    def _discard(self) -> None:
        unread = self._parser.buffered > 0 or not self._parser.complete
        if unread and self._error is None:
            # Reading on after giving up must not look like the end of the body.
            self._error = TruncatedStream(
                f"The reply of upstream '{self._name}' was given up before its end."
            )
        self._parser.forget()
        self._part_with_connection()
        self._wake()
