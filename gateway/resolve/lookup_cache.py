"""What was looked up: a cache before slow sources, bounded and expiring.

Keys say whose knowledge it is; times come from a clock that is handed in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import LRUCache

from gateway.config.settings import MemorySettings
from gateway.resolve.memory import Clock

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class LookupFailed:
    """A look-up that gave nothing: an error status, a timeout. Remembered for a short time."""

    reason: str


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A looked-up value and its age in seconds."""

    value: Value | LookupFailed
    age: float


@dataclass(slots=True)
class _Flight(Generic[Value]):
    """A look-up under way, and when it began (loop time)."""

    task: asyncio.Task[Found[Value]]
    since: float


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value | LookupFailed
    at: float
    weight: int


class LookupCache(Generic[Value]):
    """A cache before a slow source: single-flight, served stale while it revalidates, bounded.

    A waiter that gives up (a client that leaves, a deadline) does not stop the look-up: it fills
    the cache for the next one.
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
        """Called after each look-up that has filled an entry."""

    def peek(self, key: Hashable) -> Found[Value] | None:
        """Return what is there, fresh or stale, without looking anything up."""
        entry = self._entries.get(key)
        return None if entry is None else Found(entry.value, self._clock() - entry.at)

    async def get(
        self,
        key: Hashable,
        load: Callable[[], Awaitable[Value | LookupFailed]],
        *,
        patience: float,
        since: float | None = None,
        max_age: float | None = None,
    ) -> Found[Value]:
        """Return the value: cached, or loaded within `patience` seconds.

        They count from the beginning of the look-up, which may be under way already, or from
        `since` (loop time) where that is earlier: who asks for several things one after the other
        waits for all of them together no longer than for one.

        A value older than its time to live is returned at once and loaded again behind it;
        one older than `max_age` is loaded again before it is returned.
        """
        entry = self._entries.get(key)
        if entry is not None:
            age = self._clock() - entry.at
            if age < self._time_to_live(entry.value) and (max_age is None or age < max_age):
                return Found(entry.value, age)
            flight = self._fly(key, load)
            if max_age is None and not isinstance(entry.value, LookupFailed):
                return Found(entry.value, age)
        else:
            flight = self._fly(key, load)
        try:
            begun = flight.since if since is None else min(since, flight.since)
            async with asyncio.timeout_at(begun + patience):
                return await asyncio.shield(flight.task)
        except TimeoutError:
            if entry is not None:
                return Found(entry.value, self._clock() - entry.at)
            return Found(LookupFailed(f"no answer within {patience:g} s"), 0.0)

    async def aclose(self) -> None:
        """Stop the look-ups under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _time_to_live(self, value: Value | LookupFailed) -> float:
        failed = isinstance(value, LookupFailed)
        return self._settings.negative_ttl if failed else self._settings.ttl

    def _fly(
        self, key: Hashable, load: Callable[[], Awaitable[Value | LookupFailed]]
    ) -> _Flight[Value]:
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._load(key, load))
            flight = self._flights[key] = _Flight(task, asyncio.get_running_loop().time())
            task.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight

    async def _load(
        self, key: Hashable, load: Callable[[], Awaitable[Value | LookupFailed]]
    ) -> Found[Value]:
        value = await load()
        known = self._entries.get(key)
        if isinstance(value, LookupFailed) and known and not isinstance(known.value, LookupFailed):
            value = known.value
        weight = 1 if isinstance(value, LookupFailed) else self._weigh(value)
        entry = _Entry(value, self._clock(), min(weight, self._settings.max_entries))
        self._entries[key] = entry
        self.on_filled()
        return Found(value, 0.0)
