"""uvicorn's HTTP/1.1 protocol with the limits it lacks: time and bytes of a request's head.

Without them a silent connection stays open for ever, and one connection can send header fields
until the process is out of memory (the same hole was CVE-2025-48956 in vLLM).
"""

import asyncio
from typing import Any

from gateway.api.guard import MAX_HEADER_BYTES, MAX_TARGET_BYTES
from gateway.server.departure import SCOPE_KEY, Departure
from gateway.server.lingering import LingeringHttpProtocol

HEAD_TIMEOUT = 10.0
"""Seconds from a connection's or a head's first moment to its last byte: total, not idle time."""
MAX_HEAD_BYTES = MAX_HEADER_BYTES + MAX_TARGET_BYTES

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(LingeringHttpProtocol):
    """One client connection; answers 431 to an endless head and closes a slow one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._departures: list[Departure] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock, and tell the requests under way that their client has left."""
        self._stop_clock()
        super().connection_lost(exc)
        # uvicorn stops its keep-alive timer only where the client closed in order; after a reset
        # the timer would keep the whole connection in memory for as long as it runs.
        self._unset_keepalive_if_required()
        for departure in self._departures:
            if not departure.finished:
                departure.happen()

    def data_received(self, data: bytes) -> None:
        """Count what arrives while a head is incomplete."""
        if self._in_head and not self.lingering:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._start_clock()
        super().data_received(data)
        if not self._in_head or self._head_bytes <= MAX_HEAD_BYTES:
            return
        if not (self.lingering or self.transport.is_closing()):
            self.transport.write(_TOO_LARGE)
            self.close_in_order()

    def on_message_begin(self) -> None:
        """Give the request what tells it that its client has left; pipelined ones wait in line."""
        super().on_message_begin()
        departure = Departure()
        self._departures = [each for each in self._departures if not each.finished]
        self._departures.append(departure)
        self.scope["extensions"] = {SCOPE_KEY: {"departure": departure}}

    def on_headers_complete(self) -> None:
        """Stop counting: the head is there."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be ready for the next head on this connection."""
        super().on_message_complete()
        self._in_head = True

    def _start_clock(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self.transport.close()
