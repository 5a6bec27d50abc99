"""What a client was sent and has not read: who waits for it, and since when it has read nothing."""

import asyncio
from math import inf
from typing import Final

from gateway.tcp import unacknowledged_bytes

LOOKS = 8
"""How often within the send timeout it is looked whether a client reads."""


class Backpressure:
    """Follows a transport's write buffer for one connection.

    `due` (loop time) is when to look again whether it reads: it may read nothing for `send_timeout`
    seconds, like nginx's send_timeout. `inf` while it reads fast enough.
    """

    __slots__ = ("_read_at", "_send_timeout", "_transport", "_unread", "_waiting", "due", "paused")

    def __init__(self, transport: asyncio.Transport, send_timeout: float) -> None:
        self._transport: Final = transport
        self._send_timeout: Final = send_timeout
        self._waiting: list[asyncio.Future[None]] = []
        self._unread = 0
        self._read_at = 0.0
        self.due = inf
        self.paused = False

    def pause(self, now: float) -> None:
        """Take note that the client reads too slowly."""
        self.paused = True
        self.watch(now)

    def resume(self) -> None:
        """Take note that it has read."""
        self.paused = False
        self.due = inf
        self.release()

    def watch(self, now: float) -> None:
        """Give the client its time, from now on, to read something."""
        self._unread = self._size()
        self._read_at = now
        self.due = now + self._send_timeout / LOOKS

    def is_stuck(self, now: float) -> bool:
        """Return whether nothing was read for too long; else look again after a part of that time.

        At first the system's own buffers still fill, which looks like reading: only looking more
        often than once tells when that has ended.
        """
        if now < self.due:
            return False
        size = self._size()
        if size < self._unread:
            self._unread, self._read_at = size, now
        self.due = now + self._send_timeout / LOOKS
        return now - self._read_at >= self._send_timeout

    def _size(self) -> int:
        """Return how much is unread, in the kernel too: there a slow reader's progress shows."""
        size = self._transport.get_write_buffer_size()
        connected = self._transport.get_extra_info("socket")
        return size if connected is None else size + unacknowledged_bytes(connected.fileno())

    async def drain(self) -> None:
        """Wait until the client has read enough to be written to, or has left."""
        if self.paused:
            readable = asyncio.get_running_loop().create_future()
            self._waiting.append(readable)
            await readable

    def release(self) -> None:
        """Let go who waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
