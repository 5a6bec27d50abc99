"""One open connection to an upstream: the asyncio side of it, without any HTTP.

At most one `Receiver` is attached at a time and gets what arrives.
"""

import asyncio
from typing import Final, Protocol, cast

from gateway.system.outbox import OUTBOXES
from gateway.system.tcp import is_readable, unacknowledged_bytes
from gateway.upstream.transport.deadline import WithDeadline
from gateway.upstream.transport.rows import ROWS

LARGE_READ: Final = 250_000
"""After a read of so many bytes, other connections get their turn: if a read has filled libuv's
buffer (uvloop's: 256,000 bytes), libuv reads on at once, up to 32 times in a row."""

LITTLE: Final = 4096
"""A read of so many bytes, or more, does not wait for its row: it is enough work by itself."""


class Receiver(Protocol):
    """The user of a connection: the flight on it."""

    def receive(self, data: bytes) -> None:
        """Take bytes that have arrived."""

    def lost(self, error: Exception | None) -> None:
        """Note that the connection has ended; `error` is None if the peer closed it in order."""

    def expired(self) -> None:
        """Note that the deadline has passed."""


class Owner(Protocol):
    """The keeper of connections: a pool, or the dialer of sockets."""

    def connection_opened(self, connection: "Connection") -> None:
        """Note that the connection has a socket, until it is gone."""

    def connection_closed(self, connection: "Connection") -> None:
        """Note that the connection can no longer be used."""

    def connection_gone(self, connection: "Connection") -> None:
        """Note that its socket is closed as well."""


class Connection(WithDeadline, asyncio.Protocol):
    """A transport with flow control in both directions, a deadline, and a receiver.

    When the deadline passes, the receiver is notified; a connection without one is closed.
    """

    __slots__ = (
        "_owner",
        "_resting",
        "_transport",
        "_unsent",
        "_writable",
        "_writing_paused",
        "answers",
        "arrived",
        "born",
        "closed",
        "outbox",
        "peer_left",
        "reading_paused",
        "reads_in_rows",
        "receiver",
        "rows",
        "unacknowledged",
    )

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.outbox = OUTBOXES.of(self.loop)
        self.rows = ROWS.of(self.loop)
        self._transport: asyncio.Transport | None = None
        self.receiver: Receiver | None = None
        """The receiver of all bytes that arrive."""
        self.reads_in_rows = False
        """Whether small reads wait until all reads of the loop's turn are done, and are then handed
        on in a row with those of other connections, as for slow streams. Set after `attach()`."""
        self.arrived = b""
        """A read that waits for its row."""
        self.reading_paused = False
        """Whether the peer must wait, as `pause_reading()` has it."""
        self._resting = False
        """Whether nothing is read until the loop's next turn."""
        self._writing_paused = False
        self._unsent: tuple[bytes, ...] = ()
        """The request that waits in the outbox."""
        self._writable: asyncio.Future[None] | None = None
        self.born = self.loop.time()
        self.answers = 0
        """How many whole replies the connection has carried; the pool counts them."""
        self.closed = False
        self.peer_left = False
        """Whether the peer has ended the connection."""
        self.unacknowledged = 0
        """How many of the written bytes the peer had not received when it closed in order. Bytes
        that waited in the outbox count, however the connection ended: the peer never got them."""

    @property
    def reusable(self) -> bool:
        """Whether it is open and all that was written has left the process."""
        transport = self._transport
        if self.closed or self._unsent or transport is None or transport.is_closing():
            return False
        return transport.get_write_buffer_size() == 0

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        transport = self._transport
        return not (self.closed or transport is None or transport.is_closing())

    def has_news(self) -> bool:
        """Whether the peer has sent, closed or reset something that the loop has not seen yet."""
        return self._transport is None or is_readable(_descriptor(self._transport))

    def attach(self, receiver: Receiver) -> None:
        """Give the receiver all that arrives from now on."""
        self.receiver = receiver
        self.reads_in_rows = False
        self.deadline = None

    def detach(self) -> None:
        """Detach the receiver: a byte that arrives now makes the connection unusable."""
        self.receiver = None
        self.reads_in_rows = False
        self.deadline = None
        if self.reading_paused:
            self.resume_reading()

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Give the transport, which is open and paused, to another protocol for good."""
        transport = cast("asyncio.Transport", self._transport)
        self.detach()
        transport.pause_reading()
        transport.set_protocol(protocol)
        self._transport = None
        self._close(None)
        self._owner.connection_gone(self)
        return transport

    def write(self, data: bytes) -> None:
        """Write or buffer all of `data`; nothing once the connection is closed."""
        if not self.closed and self._transport is not None:
            self._transport.write(data)

    def send(self, *pieces: bytes) -> None:
        """Write a whole request by one system call, and others of this turn together with it.

        The pieces are not joined.
        """
        if not self.closed:
            self._unsent = pieces
            self.outbox.put(self._send, pieces)

    def _send(self, pieces: tuple[bytes, ...]) -> None:
        self._unsent = ()
        transport = self._transport
        # As `is_open` has it; for every request.
        if not self.closed and transport is not None and not transport.is_closing():
            transport.writelines(pieces)

    async def drain(self, limit: float) -> None:
        """Wait while too much is buffered for writing; raises `TimeoutError` after `limit` s."""
        if not self._writing_paused or self.closed:
            return
        self._writable = self.loop.create_future()
        try:
            async with asyncio.timeout(limit):
                await self._writable
        finally:
            self._writable = None

    def pause_reading(self) -> None:
        """Read no more, so that the peer must wait."""
        if not self.reading_paused and self.is_open:
            self.reading_paused = True
            if not self._resting:
                cast("asyncio.Transport", self._transport).pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.reading_paused and self.is_open:
            self.reading_paused = False
            if not self._resting:
                cast("asyncio.Transport", self._transport).resume_reading()

    def deadline_passed(self) -> None:
        """Notify the receiver, unless there is news; without one, close."""
        if self.arrived:
            self._take_arrived()
            self.set_deadline(self.deadline)  # an assignment alone starts no timer
        elif self.receiver is not None:
            self.receiver.expired()
        else:
            self.abort()

    def abort(self, error: Exception | None = None) -> None:
        """Close it now. A receiver that is still attached learns of the error."""
        self._close(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport (called by asyncio)."""
        self._transport = cast("asyncio.Transport", transport)
        self._owner.connection_opened(self)
        if self.closed:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on what has arrived (called by asyncio)."""
        if self.arrived:
            self._take_arrived()
        elif self.reads_in_rows and len(data) < LITTLE:
            self.arrived = data
            self.rows.put(self)
            return
        receiver = self.receiver
        if receiver is None:
            self.abort()
            return
        receiver.receive(data)
        if len(data) >= LARGE_READ and self.receiver is receiver and not self.reading_paused:
            self._resting = True
            cast("asyncio.Transport", self._transport).pause_reading()
            self.loop.call_soon(self._read_on)

    def _take_arrived(self) -> None:
        """Hand on the read that waits, if one does: something that came after it is next."""
        data, self.arrived = self.arrived, b""
        if data and self.receiver is not None:
            self.receiver.receive(data)

    def _read_on(self) -> None:
        self._resting = False
        if not self.reading_paused and self.is_open:
            cast("asyncio.Transport", self._transport).resume_reading()

    def eof_received(self) -> None:
        """Take the end (called by asyncio).

        The peer has closed: there is nothing more to read, and no one to write to.
        """
        self._take_arrived()
        transport = self._transport
        if self.receiver is not None and transport is not None:
            # Now or never: with the socket goes what the kernel knows of it.
            self.unacknowledged = transport.get_write_buffer_size() + unacknowledged_bytes(
                _descriptor(transport)
            )
        self.peer_left = True
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the closed socket (called by asyncio)."""
        self._take_arrived()
        self._transport = None
        self.peer_left |= not self.closed
        self._close(exc)
        self._owner.connection_gone(self)

    def pause_writing(self) -> None:
        """Note that the transport's buffer is full (called by asyncio)."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Note that there is room again (called by asyncio)."""
        self._writing_paused = False
        self._wake_writer()

    def _close(self, error: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        self.arrived = b""
        self.unacknowledged += sum(map(len, self._unsent))
        self.stop_timer()
        self._wake_writer()
        receiver, self.receiver = self.receiver, None
        self._owner.connection_closed(self)
        if receiver is not None:
            receiver.lost(error)

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)


def _descriptor(transport: asyncio.Transport) -> int:
    """Return the descriptor of a transport's socket; -1 once that is closed."""
    descriptor: int = transport.get_extra_info("socket").fileno()
    return descriptor
