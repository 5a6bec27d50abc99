"""Backpressure of one client: has tasks wait until it reads, and watches how long it does not."""

import asyncio
from math import inf
from typing import Final

from gateway.system.tcp import expect_acknowledgements, unacknowledged_bytes

CHECKS = 8
"""How often progress is checked within the send timeout."""


class Backpressure:
    """Tracks the write buffer of one connection.

    A client may go without reading for `send_timeout` seconds, as with nginx's send_timeout. `due`
    (loop time) is the next check; `inf` while the client keeps up.
    """

    __slots__ = (
        "_is_last",
        "_read_at",
        "_send_timeout",
        "_transport",
        "_unread",
        "_waiting",
        "due",
        "paused",
    )

    def __init__(self, transport: asyncio.Transport, send_timeout: float) -> None:
        self._transport: Final = transport
        self.limit(send_timeout)
        self._waiting: list[asyncio.Future[None]] = []
        self._unread = 0
        self._is_last = False
        self._read_at = 0.0
        self.due = inf
        self.paused = False

    def limit(self, send_timeout: float) -> None:
        """Let the client leave its reply unread for this many seconds.

        The kernel enforces that for a client that has vanished, since it may hold all unread bytes.
        """
        self._send_timeout = send_timeout
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            expect_acknowledgements(connected, send_timeout)

    def pause(self, now: float) -> None:
        """Note that the write buffer is full."""
        self.paused = True
        self.watch(now)

    def resume(self) -> None:
        """Note that the write buffer has drained."""
        self.paused = False
        self.due = inf
        self.release()

    def watch(self, now: float) -> None:
        """Restart the send timeout."""
        self._unread = self._size()
        self._read_at = now
        self.due = now + self._send_timeout / CHECKS

    def watch_end(self, now: float) -> None:
        """Restart the send timeout for the last bytes, after which nothing is written.

        So from now on any change is the client's progress. TLS may still pass bytes to the system
        that it has counted as read before.
        """
        self._is_last = True
        self.watch(now)

    def is_stuck(self, now: float) -> bool:
        """Return whether the send timeout is over; otherwise schedule the next check.

        At first the kernel's own buffers still fill, which looks like progress; hence several
        checks per timeout.
        """
        if now < self.due:
            return False
        size = self._size()
        if size < self._unread or (size != self._unread and self._is_last):
            self._unread, self._read_at = size, now
        self.due = now + self._send_timeout / CHECKS
        return now - self._read_at >= self._send_timeout

    @property
    def is_all_read(self) -> bool:
        """Whether the client's system has all that was written, as far as anybody can tell."""
        return not self._size()

    def _size(self) -> int:
        """Return the unread bytes, the kernel's included: they show a slow reader's progress."""
        size = self._transport.get_write_buffer_size()
        connected = self._transport.get_extra_info("socket")
        return size if connected is None else size + unacknowledged_bytes(connected.fileno())

    async def drain(self) -> None:
        """Wait until the client can be written to again, or has disconnected."""
        if self.paused:
            readable = asyncio.get_running_loop().create_future()
            self._waiting.append(readable)
            await readable

    def release(self) -> None:
        """Wake the waiting tasks."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
