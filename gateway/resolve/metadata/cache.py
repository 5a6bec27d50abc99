"""What was looked up: a cache before slow sources, bounded and expiring.

Keys contain the cache scope; the clock is injected. A source that hangs is waited for once in
`memory.negative_ttl`, and not at all if an older value is cached.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import Clock

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class LookupFailed:
    """A look-up that failed: an error status, a timeout. Remembered for a short time."""

    reason: str
    status: int | None = None
    """The status of the error reply, if that was the failure."""
    late: bool = False
    """Whether it may still succeed: it took longer than the waiting time, or was not awaited."""


IN_PROGRESS = LookupFailed("it is being looked up", late=True)
"""The value is not cached yet, and the caller does not wait for it."""


@dataclass(frozen=True, slots=True)
class Partial(Generic[Value]):
    """What a look-up had read before it failed. It is refreshed as soon as a failure would be."""

    value: Value
    onto: Callable[[Value], Value]
    """Merges the partial value over an older one, of which nothing may be lost."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A looked-up value and its age: the seconds since it was read."""

    value: Value | LookupFailed
    age: float


class Wait(NamedTuple):
    """Whether a caller waits for a look-up, and from when its waiting time counts."""

    since: float | None = None
    """Loop time; None: from the start of the look-up."""
    is_on: bool = True
    """Whether the caller waits. If not, the cached value is returned at once, and refreshed in the
    background if due."""


WAIT: Final = Wait()
NO_WAIT: Final = Wait(is_on=False)

Load = Callable[[], Awaitable[Value | Partial[Value] | LookupFailed]]


@dataclass(slots=True)
class _Flight(Generic[Value]):
    """A look-up in progress, and when it began (loop time)."""

    task: asyncio.Task[Found[Value]]
    since: float
    given_up: bool = False
    """Whether a caller has waited for it without getting it."""


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value | LookupFailed
    weight: int
    at: float
    """When the value was read."""
    tried: float
    """When it was looked up last, whatever the result."""
    lifetime: float
    """Seconds after `tried` until it is looked up again."""
    ran_over: bool = False
    """Whether the last look-up took longer than the waiting time."""
    renewed: bool = False
    """Whether an early refresh was requested."""


class LookupCache(Generic[Value]):
    """A cache before a slow source: single-flight, served stale while it revalidates, bounded.

    A waiter that gives up (a disconnect, a deadline) does not cancel the look-up, which fills the
    cache for the next caller. A look-up that exceeds its time counts as failed until it ends.
    """

    def __init__(
        self,
        settings: MemorySettings,
        clock: Clock,
        *,
        weigh: Callable[[Value], int] = lambda _: 1,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._weigh = weigh
        self._entries: LRUCache[Hashable, _Entry[Value]] = LRUCache(
            settings.max_entries, getsizeof=lambda entry: entry.weight
        )
        self._flights: dict[Hashable, _Flight[Value]] = {}
        self.on_filled: Callable[[], None] = lambda: None
        """Called after each look-up that has brought a value."""

    def peek(self, key: Hashable) -> Found[Value] | None:
        """Return the cached value, fresh or stale, without a look-up."""
        entry = self._entries.get(key)
        return None if entry is None else self._found(entry)

    def renew(self, key: Hashable) -> None:
        """Look a value up again when it is next needed; serve the old one until then.

        After one such refresh, the next is not made within `negative_ttl`.
        """
        entry = self._entries.get(key)
        if entry is not None:
            soon = self._settings.negative_ttl if entry.renewed else 0.0
            entry.lifetime = min(entry.lifetime, soon)
            entry.renewed = True

    async def get(
        self,
        key: Hashable,
        load: Load[Value],
        *,
        patience: float,
        max_age: float | None = None,
        wait: Wait = WAIT,
    ) -> Found[Value]:
        """Return the value: cached, or loaded within `patience` seconds.

        They count from the start of the look-up, which may be in progress already, or from
        `wait.since` if that is earlier: a caller with several look-ups in sequence waits no longer
        for all of them than for one.

        A value past its time to live is returned at once and refreshed in the background; one older
        than `max_age` is refreshed before it is returned, unless that has just taken too long. A
        value that is neither cached nor waited for is `IN_PROGRESS`.
        """
        entry = self._entries.get(key)
        if entry is not None and not self._is_due(entry, max_age):
            return self._found(entry)
        begins = key not in self._flights
        flight = self._fly(key, load, patience)
        lacking = max_age is not None
        if not (wait.is_on and _is_waited_for(entry, flight, begins=begins, lacking=lacking)):
            return Found(IN_PROGRESS, 0.0) if entry is None else self._found(entry)
        begun = flight.since if wait.since is None else min(wait.since, flight.since)
        left = begun + patience - asyncio.get_running_loop().time()
        await asyncio.wait({flight.task}, timeout=left)
        return flight.task.result() if flight.task.done() else self._given_up(key, flight, patience)

    async def settled(self) -> None:
        """Wait for the look-ups that are in progress now."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])

    async def aclose(self) -> None:
        """Cancel the look-ups in progress."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _found(self, entry: _Entry[Value]) -> Found[Value]:
        return Found(entry.value, self._clock() - entry.at)

    def _is_due(self, entry: _Entry[Value], max_age: float | None) -> bool:
        lifetime = entry.lifetime if max_age is None else min(entry.lifetime, max_age)
        return self._clock() - entry.tried >= lifetime

    def _fly(self, key: Hashable, load: Load[Value], patience: float) -> _Flight[Value]:
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._load(key, load, patience))
            flight = self._flights[key] = _Flight(task, asyncio.get_running_loop().time())
            task.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight

    def _given_up(self, key: Hashable, flight: _Flight[Value], patience: float) -> Found[Value]:
        """Return the cached value instead of a look-up that took too long, and note that."""
        flight.given_up = True
        late = LookupFailed(f"no answer within {patience:g} s", late=True)
        entry = self._entries[key] = self._failed(self._entries.get(key), late)
        entry.ran_over = True
        return self._found(entry)

    async def _load(self, key: Hashable, load: Load[Value], patience: float) -> Found[Value]:
        loop, flight = asyncio.get_running_loop(), self._flights[key]
        loaded = await load()
        known = self._entries.get(key)
        if isinstance(loaded, LookupFailed):
            entry = self._failed(known, loaded)
            entry.ran_over = flight.given_up or loop.time() - flight.since > patience
            if known is not None and flight.given_up:
                # It failed when it was given up: its end does not postpone the next look-up.
                entry.tried = known.tried
        else:
            entry = self._filled(known, loaded)
        self._entries[key] = entry
        if not isinstance(loaded, LookupFailed):
            self.on_filled()
        return self._found(entry)

    def _filled(self, known: _Entry[Value] | None, loaded: Value | Partial[Value]) -> _Entry[Value]:
        """Return the entry for a loaded value."""
        now = at = self._clock()
        lifetime = self._settings.ttl
        if isinstance(loaded, Partial):
            lifetime, value = self._settings.negative_ttl, loaded.value
            if known is not None and not isinstance(known.value, LookupFailed):
                value, at = loaded.onto(known.value), known.at
        else:
            value = loaded
        weight = min(self._weigh(value), self._settings.max_entries)
        return _Entry(value, weight, at, now, lifetime, renewed=known is not None and known.renewed)

    def _failed(self, known: _Entry[Value] | None, failure: LookupFailed) -> _Entry[Value]:
        """Return the entry after a failed look-up: with the older value, if there is one."""
        now, lifetime = self._clock(), self._settings.negative_ttl
        if known is None or isinstance(known.value, LookupFailed):
            return _Entry(failure, 1, now, now, lifetime)
        known.tried, known.lifetime = now, lifetime
        return known


def _is_waited_for(
    entry: _Entry[Value] | None, flight: _Flight[Value], *, begins: bool, lacking: bool
) -> bool:
    """Whether a look-up in progress is worth waiting for."""
    if entry is None:
        return not flight.given_up
    if isinstance(entry.value, LookupFailed):
        # If the last one hung, one request at a time tests whether the next one does.
        return begins or not entry.ran_over
    return lacking and not entry.ran_over
