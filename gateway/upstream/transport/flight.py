"""One request in flight on one connection, until the head of its reply is there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Self

from gateway.shapes import UpstreamCall
from gateway.upstream.transport.arriving_reply import ArrivingReply
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.request_body import upload

_COPIED: Final = 16 * 1024
"""A body up to this size is copied after the head: over TLS, they are one record then."""


class Flight(ArrivingReply):
    """Sends one request, then is its reply.

    After a failed `deliver()`, `delivered()` or `go_on()`, `release` is not called.
    """

    __slots__ = ("head", "sent_on")

    head: bytes
    """The head of the request, after `begin()`."""
    sent_on: Connection
    """The connection on which the request was sent, after `begin()`."""

    async def deliver(self, connection: Connection, call: UpstreamCall, head: bytes) -> Self:
        """Send the request on an open connection and wait for the reply's head.

        Returns the flight itself. Raises `UpstreamTimeout`, `UpstreamError`, `ClosedUnanswered`
        among them, or whatever the body's iterator raises. On any of these, and when cancelled,
        the connection is closed.
        """
        body = call.body
        if isinstance(body, bytes):
            self.begin(connection, head, body)
            return await self.delivered()
        self._use(connection)
        try:
            if connection.closed:
                self.lost(None)
            else:
                connection.write(head)
                await self._send_streamed(connection, body, call.body_length)
            return self._with_a_head()
        except BaseException:
            self._give_up()
            raise

    def begin(
        self,
        connection: Connection,
        head: bytes,
        body: bytes,
        notify: Callable[[], None] | None = None,
    ) -> None:
        """Send a request whose body has arrived; `delivered()` waits for the reply's head.

        `notify` is called once `delivered()` would not have to wait, unless that was called before.
        """
        self.head = head
        self.sent_on = connection
        self._use(connection)
        self._notify = notify
        if connection.closed:
            self.lost(None)
            return
        try:
            if len(body) <= _COPIED:
                connection.send(head + body)
            else:
                connection.send(head, body)
        except BaseException:
            self._give_up()
            raise
        self._sent = True
        if notify is not None:
            connection.set_deadline(self._loop.time() + self._terms.timeouts.first_byte)

    async def delivered(self) -> Self:
        """Wait for the head of the reply to a request that was begun; see `deliver()`."""
        self._notify = None
        try:
            if not self._settled:
                await self._event(self._terms.timeouts.first_byte)
            return self._with_a_head()
        except BaseException:
            self._give_up()
            raise

    def take_over(self) -> None:
        """Note that the whole reply is given out; see `BegunReply`."""
        self._delivered = True
        self._terms.release()  # a whole reply needs its connection no longer

    def go_on(self, connection: Connection, data: bytes) -> Self:
        """Be the reply to a request that was written already; `data` is its first bytes.

        Returns and raises what `deliver()` does.
        """
        self._use(connection)
        self._sent = True
        try:
            if data:
                self.receive(data)
            if self._error is None and (connection.closed or not self.head_complete):
                self.lost(None)
            return self._with_a_head()
        except BaseException:
            self._give_up()
            raise

    def _use(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = connection.loop
        self._outbox = connection.outbox
        connection.attach(self)

    def _give_up(self) -> None:
        self._part_with_connection()
        self.forget()
        self._error = None

    def _with_a_head(self) -> Self:
        """Return the reply, if its head has arrived; otherwise raise the error."""
        if self._error is not None and not self.head_complete:
            raise self._failure()
        self._delivered = True
        if self._connection is None:
            self._terms.release()
        return self

    async def _send_streamed(
        self, connection: Connection, body: AsyncIterator[bytes], length: int | None
    ) -> None:
        """Upload while watching for a reply, which may come, and end the upload, at any time."""
        uploading = asyncio.create_task(self._upload(connection, body, length))
        uploading.add_done_callback(lambda _: self._wake())
        try:
            await self._event(None)
            if not self._settled:
                uploading.result()  # raises why the upload has failed, if it has
                await self._event(self._terms.timeouts.first_byte)
        finally:
            uploading.cancel()
            await asyncio.wait([uploading])
            if not uploading.cancelled():
                uploading.exception()  # marks it as seen: it was raised above if it mattered
            del uploading  # it keeps its error, and the error's traceback this frame

    async def _upload(
        self, connection: Connection, body: AsyncIterator[bytes], length: int | None
    ) -> None:
        await upload(
            connection, body, length, upstream=self._name, idle=self._terms.timeouts.stream_idle
        )
        self._sent = True
