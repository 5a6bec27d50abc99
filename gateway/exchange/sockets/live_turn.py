"""One turn on an upstream's socket, from its create to its last event."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from gateway.config.settings import TimeoutSettings
from gateway.errors import GatewayError
from gateway.exchange.sockets.events import Event
from gateway.exchange.sockets.relays import RelayedTurn
from gateway.exchange.usage import Tokens, tokens_in
from gateway.shapes import Sink

UNREAD_LIMIT: Final = 64 * 1024
"""The upstream is not read from while more than this waits to be taken."""


class Pace(Protocol):
    """Stops and resumes reading from the upstream's socket."""

    def pause(self) -> None:
        """Read no more for now."""

    def go_on(self) -> None:
        """Read on, unless another turn is still full."""


class LiveTurn(RelayedTurn):
    """A turn on an upstream's socket. `abandon` is called if its body is closed before its end."""

    def __init__(
        self,
        stream_id: str | None,
        timeouts: TimeoutSettings,
        pace: Pace,
        abandon: Callable[["LiveTurn"], None],
    ) -> None:
        super().__init__()
        self.stream_id = stream_id
        self.terminal = b""
        self.items: list[msgspec.Raw] = []
        self.response_id = ""
        """The id of the turn's latest response."""
        self.is_full = False
        """Whether more bytes than `UNREAD_LIMIT` wait for the client."""
        self.timeouts = timeouts
        self.heard = asyncio.get_running_loop().time()
        """When the upstream was last heard, in the event loop's seconds (kept by the link)."""
        self._pace = pace
        self._abandon = abandon
        self._first: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._over: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._ended = False
        self._sink: Sink | None = None
        self._is_ready = False
        self._waiting: list[bytes] = []
        self._size = 0

    @property
    def failure(self) -> GatewayError | None:
        """None: an error in the turn is the upstream's own event."""
        return None

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that the last event counts."""
        return tokens_in(self.terminal)

    @property
    def has_begun(self) -> bool:
        """Whether the turn's first event has arrived."""
        return self._first.done()

    @property
    def has_ended(self) -> bool:
        """Whether the turn takes no more events."""
        return self._ended

    @property
    def patience(self) -> float:
        """How long the upstream may be silent about this turn, in seconds."""
        return self.timeouts.stream_idle if self.has_begun else self.timeouts.first_byte

    @property
    def waits(self) -> bool:
        """Whether frames wait for the client."""
        return bool(self._waiting)

    async def first(self) -> Event:
        """Return the turn's first event; raises `GatewayError` or `Lost` if none comes."""
        return await self._first

    def note(self, event: Event) -> None:
        """Note an event, above all the first one and its response (called by the link)."""
        if event.item is not None:
            self.items.append(event.item)
        self.is_steered = self.is_steered or event.is_steered
        self.response_id = event.response_id or self.response_id
        if not (self._first.done() or event.is_aside):
            self._first.set_result(event)

    def take(self, frames: bytes) -> None:
        """Take whole frames of the turn, unless it was given up (called by the link)."""
        if self._ended:
            return
        if self._is_ready and self._sink is not None:
            self._is_ready = self._sink(frames)
            if not self._is_ready:
                self._fill()
            return
        self.follow(frames)

    def follow(self, frames: bytes) -> None:
        """Take frames of this turn, or of none, behind those that wait (called by the link)."""
        self._waiting.append(frames)
        self._size += len(frames)
        if self._size > UNREAD_LIMIT:
            self._fill()

    def end(self, terminal: bytes) -> None:
        """Note the turn's last event, after its frames were taken (called by the link)."""
        self.terminal = terminal
        self._ended = True
        self._finish()

    def fail(self, error: Exception) -> None:
        """Fail with an error: no more events are waited for (called by the link)."""
        if self._ended:
            return
        if not self._first.done():
            self._first.set_exception(error)
            self._first.exception()  # marks it as seen: nobody may wait
        else:
            self._error = error
        self._ended = True
        self._finish()

    async def pipe(self, sink: Sink) -> None:
        """Push the frames into the sink; see `RelayedTurn`."""
        self._sink = sink
        self._over = asyncio.get_running_loop().create_future()
        try:
            self.resume()
            self._finish()
            await self._over
        finally:
            self._sink = None
        if self._error is not None:
            raise self._error

    def resume(self) -> None:
        """Go on, since the sink takes more."""
        self._is_ready = True
        if self._waiting and self._sink is not None:
            frames = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            self._is_ready = self._sink(frames)
        if self._is_ready and self.is_full:
            self.is_full = False
            self._pace.go_on()
        self._finish()

    async def _release(self) -> None:
        if not self._ended:
            self._ended = True
            self._abandon(self)
        self._waiting.clear()
        self.is_full = False
        self._pace.go_on()

    def _fill(self) -> None:
        self.is_full = True
        self._pace.pause()

    def _finish(self) -> None:
        """Let `pipe` return once the sink has taken all frames."""
        over = self._over
        if self._ended and not self._waiting and over is not None and not over.done():
            over.set_result(None)
