"""Makes room for new clients when file descriptors run short, by closing idle connections.

A client that keeps a connection it does not use can open another one later; a client that is not
accepted is not served at all.
"""

import asyncio
import heapq
import logging
from collections.abc import Collection
from math import inf
from typing import Protocol

from gateway.log_interval import LogInterval
from gateway.system.open_files import open_files_limit

log = logging.getLogger("gateway")

MOST = 32
"""How many connections are closed at once: an accepted connection needs a second descriptor, for
its upstream."""
INTERVAL = 0.05
"""Seconds between two evictions, since each looks at all connections."""
REST = 1.0
"""Seconds until the next eviction if there was nothing to close."""
IDLE_SECONDS = 1.0
"""How long a connection must have been idle: on others a request may be on its way."""
RESERVED = 128
"""Descriptors that new connections of clients leave to others while idle ones can be closed, or an
eighth of a small limit."""


class Evictable(Protocol):
    """A connection of a client."""

    @property
    def idle_since(self) -> float:
        """Since when it waits for a request (loop time); inf: it does not."""

    def evict(self) -> bool:
        """Close it, unless something has arrived meanwhile; return whether it was closed."""


class Evictor:
    """Closes the `connections` that have been idle for longest."""

    def __init__(self, connections: Collection[Evictable]) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        limit = open_files_limit()
        self._nearly = limit - min(RESERVED, limit / 8)
        self._again_at = -inf
        self._has_made = False
        self._interval = LogInterval()

    def note(self, descriptor: int) -> None:
        """Note the descriptor of a new connection: the lowest that was free."""
        if descriptor >= self._nearly:
            self.make_room()

    def make_room(self) -> bool:
        """Close connections, unless that was just done; return whether there is room by now."""
        now = self._loop.time()
        if now >= self._again_at:
            closed = self._evict(now)
            self._has_made = closed > 0
            self._again_at = now + (INTERVAL if closed else REST)
            more = self._interval.next_line(now) if closed else None
            if more is not None:
                text = (
                    "hardly any file descriptors are left: closed %d idle connections of clients%s"
                )
                log.warning(text, closed, more)
        return self._has_made

    def _evict(self, now: float) -> int:
        until = now - IDLE_SECONDS
        idle = [(each.idle_since, id(each), each) for each in self._connections]
        longest = heapq.nsmallest(MOST, (entry for entry in idle if entry[0] <= until))
        return sum(each.evict() for _, _, each in longest)
