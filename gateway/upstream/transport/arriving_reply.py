"""A reply that arrives on a connection: the pool returns it once its head has arrived."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

from gateway.errors import UpstreamError
from gateway.shapes import Sink
from gateway.system.outbox import Outbox
from gateway.upstream.transport.client_tls import certificate_refused
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.reply_parser import ReplyParser
from gateway.upstream.transport.single_chunk import events_in
from gateway.upstream.transport.terms import Terms

UNREAD_LIMIT: Final = 64 * 1024
"""Reading from the upstream pauses while more of the body than this waits to be taken."""


class ArrivingReply(ReplyParser):
    """The reply to one request: an `UpstreamReply`. Has one reader at a time.

    `pipe()` gives the body to its sink from within the connection's read: no task is woken for it.
    """

    __slots__ = (
        "_connection",
        "_delivered",
        "_error",
        "_full",
        "_idle",
        "_lenient",
        "_loop",
        "_notify",
        "_outbox",
        "_sent",
        "_sink",
        "_terms",
        "_waiter",
    )

    _loop: asyncio.AbstractEventLoop
    """The connection's event loop, set with the connection."""
    _outbox: Outbox
    _idle: float
    """Seconds of silence that break off a body which is piped."""

    def __init__(self, terms: Terms, method: str) -> None:
        # Without super().__init__(): one is made for every request.
        self._body = []
        self._left = self.buffered = 0
        self.head_complete = self.complete = self.keep_alive = self.received = False
        self._terms = terms
        self._name = terms.name
        self._head_only = method == "HEAD"
        self._parser = None
        self._until_close = self.between_chunks = False
        self._connection: Connection | None = None
        """The connection; None once it is not needed any more."""
        self._waiter: asyncio.Future[None] | None = None
        self._notify: Callable[[], None] | None = None
        """Called once the head has arrived or the request failed, instead of waking a waiter."""
        self._error: Exception | None = None
        self._sink: Sink | None = None
        """The sink that gets the body, while it is piped."""
        self._full = False
        """Whether the sink takes nothing until reading is resumed."""
        self._lenient = False
        """Whether a wait may expire without failing."""
        self._sent = False
        """Whether the whole request has been written."""
        self._delivered = False
        """Whether the reply was given out."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; see `gateway.shapes.UpstreamReply`."""
        try:
            while True:
                if data := self.take():
                    if self._connection is not None:
                        self._connection.resume_reading()
                    yield data
                elif self._error is not None:
                    raise self._failure()
                elif self.complete:
                    return
                else:
                    await self._event(self._terms.timeouts.stream_idle)
        finally:
            self._discard()

    def arrived(self) -> bytes | None:
        """Return the whole body if it has arrived, and forget it; None if some is to come."""
        if not self.complete or self._error is not None:
            return None
        return self.take()

    @property
    def ended(self) -> bool:
        """Whether the whole body has arrived."""
        return self.complete and self._error is None

    async def more(self, seconds: float) -> bool:
        """Wait for more of the body; see `UpstreamReply`.

        The upstream's silence for the stream-idle time is a failure, too.
        """
        if self.complete or self._error is not None or seconds <= 0:
            return False
        idle = self._terms.timeouts.stream_idle
        self._lenient = seconds < idle
        try:
            await self._event(min(seconds, idle))
        finally:
            self._lenient = False
        return True

    async def pipe(self, sink: Sink) -> None:
        """Give the body to the sink, piece by piece as it arrives; see `UpstreamReply`.

        Bytes that arrive together are one piece; bytes that have arrived before go first. Time in
        which the sink is not ready does not count as the upstream's silence.
        """
        self._sink = sink
        self._idle = self._terms.timeouts.stream_idle
        connection = self._connection
        if connection is not None:
            connection.reads_in_rows = True
            connection.deadline = None  # the deadline was for the head
        try:
            if not self._pipe_on(sink):
                self._waiter = self._loop.create_future()
                await self._waiter
            if self._error is not None:
                raise self._failure()
        finally:
            self._sink = None
            self._full = False
            self._discard()

    def resume_reading(self) -> None:
        """Go on with `pipe()`, after its sink has returned False; else nothing happens."""
        if self._full and self._sink is not None:
            self._full = False
            if self._pipe_on(self._sink):
                self._wake()

    async def aclose(self) -> None:
        """Give up what is unread and free the connection."""
        self._discard()

    def receive(self, data: bytes) -> None:
        """Take bytes of the reply (called by the connection)."""
        sink = self._sink
        if self.between_chunks and sink is not None and not self._full:
            events = events_in(data)
            if events:
                # As `_pipe_on` does; for each event of a slow stream.
                try:
                    self._full = not sink(events)
                except Exception as error:  # noqa: BLE001 - raised again by `pipe`
                    self._error = error
                    self._part_with_connection()
                connection = self._connection
                if connection is not None and not self._full:
                    connection.deadline = self._loop.time() + self._idle
                elif self._is_over():
                    self._wake()
                return
        self._take_any(data)
        self._go_on()

    def _take_any(self, data: bytes) -> None:
        try:
            if self._parser is not None:
                self.parse(data)
            else:
                self.feed(data)
        except UpstreamError as error:
            self._error = error.with_traceback(None)
            self._part_with_connection()
        else:
            if self.complete:
                self._part_with_connection(reusable=self.keep_alive and self._sent)
            elif self.buffered > UNREAD_LIMIT and self._sink is None:
                cast("Connection", self._connection).pause_reading()

    def lost(self, error: Exception | None) -> None:
        """Take the connection's end (called by the connection)."""
        try:
            if error is not None:
                refused = None if self.received else certificate_refused(self._name, error)
                raise refused or self.broken_off() from error
            self.eof()
        except UpstreamError as broken_off:
            self._error = broken_off.with_traceback(None)
        self._part_with_connection()
        self._go_on()

    def expired(self) -> None:
        """Note that a wait was too long (called by the connection)."""
        if self._notify is None and (self._waiter is None or self._waiter.done()):
            return  # the reader is slow, not the upstream
        if self._lenient:
            self._wake()
            return
        self._error = self._terms.silence(head_complete=self.head_complete)
        self._part_with_connection()
        self._go_on()

    def _failure(self) -> Exception:
        """Return the error of the reply, and forget it.

        The traceback of a raised error keeps the frames that it passes, and with them this object
        and the request: if this object kept the error, only the garbage collector would free them.
        """
        failure = cast("Exception", self._error)
        self._error = self._terms.given_up()
        return failure

    @property
    def _settled(self) -> bool:
        return self.head_complete or self._error is not None

    def _event(self, limit: float | None) -> asyncio.Future[None]:
        """Return a future that is done at the next event, or expires after `limit` seconds."""
        # There is a connection as long as the reply is neither complete nor failed, and no wait
        # is longer than that. A deadline that outlives its wait is harmless: see `expired`.
        connection, loop = self._connection, self._loop
        if connection is not None:
            connection.set_deadline(None if limit is None else loop.time() + limit)
        self._waiter = waiter = loop.create_future()
        return waiter

    def _go_on(self) -> None:
        """Wake the reader, or feed the sink, if there is anything new that they wait for."""
        if self._sink is not None:
            if self._pipe_on(self._sink):
                self._wake()
        elif self.head_complete or self._error is not None:
            notify, waiter = self._notify, self._waiter
            if notify is not None:
                self._notify = None
                self._outbox.call(notify)
            elif waiter is not None and not waiter.done():
                self._outbox.expected += 1
                waiter.set_result(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pipe_on(self, sink: Sink) -> bool:
        """Give the sink what has arrived, if it is ready; return whether the body is over."""
        if not self._full and (piece := self.take()):
            try:
                self._full = not sink(piece)
            except Exception as error:  # noqa: BLE001 - raised again by `pipe`
                self._error = error
                self._part_with_connection()
        return self._is_over()

    def _is_over(self) -> bool:
        """Return whether nothing more is to come; if more is, read on, or wait for the sink."""
        connection = self._connection
        if connection is None:
            return not self.buffered
        if self._full:
            connection.pause_reading()
            connection.deadline = None
            return False
        until = self._loop.time() + self._idle
        if connection.deadline is None:  # it has just begun, or the sink was not ready
            connection.resume_reading()
            connection.set_deadline(until)
        else:
            connection.deadline = until
        return False

    def _part_with_connection(self, *, reusable: bool = False) -> None:
        connection = self._connection
        if connection is None:
            return
        self._connection = None
        connection.detach()
        if reusable and connection.reusable:
            self._terms.park(connection)
        else:
            connection.abort()
        if self._delivered:
            self._terms.release()

    def _discard(self) -> None:
        if self.complete and not self.buffered:
            return  # read to its end: the connection is parked or closed
        self._error = self._terms.given_up()
        self.forget()
        self._part_with_connection()
        self._wake()
