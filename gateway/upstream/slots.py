"""Limits the requests in flight to one upstream, and queues the others.

Look-ups have slots of their own: a server that is slow to list its models, or never does, may be
quick to generate.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamUnavailable

WAITING_PER_SLOT: Final = 4
"""The most waiting requests per slot: more are refused at once, as they would only time out."""

LOOK_UP_SHARE: Final = 4
"""Look-ups get one slot of their own for so many slots of requests."""
FEWEST_LOOK_UPS: Final = 4
MOST_LOOK_UPS: Final = 64


@dataclass(frozen=True, slots=True)
class UpstreamStats:
    """A look at one upstream's connections at one moment."""

    in_flight: int
    """Requests that have a slot: connecting, waiting for a reply, or streaming one."""
    idle: int | None
    """Open connections without a request; None where a library keeps them to itself."""
    queued: int
    """Requests that wait for a slot."""


class Slots:
    """A counting lock: first in, first out, bounded in length and in waiting time.

    A slot that becomes free is handed to the first in the queue, never to a newcomer.
    """

    __slots__ = (
        "_closed",
        "_longest",
        "_name",
        "_taken",
        "_timeout",
        "_waiting",
        "in_use",
        "limit",
    )

    def __init__(
        self,
        name: str,
        limit: int,
        timeout: float,
        *,
        longest: int | None = None,
        taken: str = "requests are in flight, the most that max_connections allows",
    ) -> None:
        self._name = name
        self.limit = limit
        """How many slots may be taken at a time."""
        self._timeout = timeout
        self._longest = WAITING_PER_SLOT * limit if longest is None else longest
        self._taken = taken
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self.in_use = 0

    @property
    def queued(self) -> int:
        """How many requests wait for a slot."""
        return len(self._waiting)

    def take(self) -> bool:
        """Take a slot if one is free, without waiting; return whether one was."""
        if self.in_use >= self.limit or self._waiting or self._closed:
            return False
        self.in_use += 1
        return True

    async def acquire(self, *, first: bool = False, seconds: float | None = None) -> None:
        """Take a slot, which the caller must `release()` exactly once.

        A request that had a slot before is `first` in the queue. `seconds` is the longest wait, the
        upstream's own by default. Raises `UpstreamUnavailable` (503, with `retry-after`) when no
        slot becomes free in time, when too many requests wait already, or when the gateway stops.
        Cancelling leaves no slot taken.
        """
        if self._closed:
            raise self._stopped()
        if self.take():
            return
        if len(self._waiting) >= self._longest and not first:
            raise self._overloaded(f"and {len(self._waiting)} more are waiting")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        patience = self._timeout if seconds is None else seconds
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()  # it was granted at the moment of giving up
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                waited = f"and none ended within {patience:g} s"
                raise self._overloaded(waited) from None
            raise

    def release(self) -> None:
        """Give a slot back; the first waiting request, if any, gets it."""
        if self.in_use > self.limit or not (self._waiting and self._hand_over()):
            self.in_use -= 1

    def resize(self, limit: int) -> None:
        """Change how many slots may be taken at a time; slots in use stay taken."""
        self.limit = limit
        while self.in_use < limit and self._hand_over():
            self.in_use += 1

    def _hand_over(self) -> bool:
        """Give a slot to the first waiting request; return False if none waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def close(self) -> None:
        """Refuse all requests that wait, and all that come later."""
        self._closed = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(self._stopped())

    def _overloaded(self, reason: str) -> UpstreamUnavailable:
        return UpstreamUnavailable(
            f"Upstream '{self._name}' is busy: {self.in_use} {self._taken}, {reason}. "
            "Try again later.",
            reason=Reason.BUSY,
            status=503,
            headers=(("retry-after", "1"),),
        )

    def _stopped(self) -> UpstreamUnavailable:
        return UpstreamUnavailable(
            f"The gateway is stopping and sends nothing more to upstream '{self._name}'.",
            reason=Reason.STOPPING,
            status=503,
        )


class Share(Slots):
    """The slots of one address; a request takes one after a slot of the whole upstream.

    So no request has to wait for one. `given_back` is called after each `release()`.
    """

    __slots__ = ("_given_back",)

    def __init__(self, name: str, limit: int, given_back: Callable[[], None]) -> None:
        super().__init__(name, limit, 0.0)
        self._given_back = given_back

    def take(self) -> bool:
        """Take a slot, whatever the limit."""
        self.in_use += 1
        return True

    def release(self) -> None:
        """Give a slot back."""
        self.in_use -= 1
        self._given_back()


def for_requests(upstream: UpstreamSettings, addresses: int = 1) -> Slots:
    """Return the slots for clients' requests to an upstream with this many addresses."""
    limit = upstream.max_connections * addresses
    return Slots(upstream.name, limit, upstream.timeouts.queue)


def for_look_ups(upstream: UpstreamSettings, addresses: int = 1) -> Slots:
    """Return the slots for the gateway's look-ups of an upstream's models.

    As many may wait as requests may, since each may need a look-up.
    """
    share = upstream.max_connections // LOOK_UP_SHARE
    return Slots(
        upstream.name,
        min(max(share, FEWEST_LOOK_UPS), MOST_LOOK_UPS) * addresses,
        upstream.timeouts.queue,
        longest=WAITING_PER_SLOT * upstream.max_connections * addresses,
        taken="look-ups are in flight, the most that are made at a time",
    )
