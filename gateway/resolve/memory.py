"""The endpoints that were learned for models.

Everything is keyed by (upstream, credential fingerprint, …): what one caller may see or has learned
never serves another. Everything is bounded and expires; the clock is injected.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cachetools import TLRUCache

from gateway.config.store_settings import MemorySettings
from gateway.shapes import Shape

Clock = Callable[[], float]
Features = frozenset[str]


@dataclass(frozen=True, slots=True)
class CacheScope:
    """What cached knowledge is keyed by: an upstream, and the credential it was asked with."""

    upstream: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Learned:
    """An endpoint that accepted a model, and when (clock time)."""

    shape: Shape
    at: float


EndpointKey = tuple[CacheScope, str, Features | Shape | None]
"""A scope, a model as sent, and the requests that it holds for: see `LearnedEndpoints.learn`."""


class EndpointJournal(Protocol):
    """Records what is learned and forgotten, for other processes."""

    def endpoint(self, key: EndpointKey, learned: Learned | None) -> None:
        """Record a change; None: forgotten. Returns at once and raises nothing."""


class LearnedEndpoints:
    """Endpoints that an upstream accepted for a model after refusing another one.

    What depended on the request (tools with reasoning) is stored with its features and recalled
    only for those; what depended on the endpoint called (the upstream has no such route) is
    recalled only for clients of that endpoint; the rest holds for every request of the model.
    """

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._clock = clock
        self._entries: TLRUCache[EndpointKey, Learned] = TLRUCache(
            settings.max_entries, lambda _, learned, __: learned.at + settings.ttl, timer=clock
        )
        self.journal: EndpointJournal | None = None
        """Where changes are recorded; None: nowhere."""
        self.version = 0
        """How often something was learned or dropped; expiry does not count."""

    def recall(
        self, scope: CacheScope, model: str, features: Features, asked_at: Shape | None = None
    ) -> Learned | None:
        """Return what was learned of a model with these features, for a client of an endpoint."""
        exact = self._entries.get((scope, model, features)) if features else None
        known = exact or self._entries.get((scope, model, None))
        return known or self._entries.get((scope, model, asked_at))

    def learn(
        self, scope: CacheScope, model: str, holds_for: Features | Shape | None, shape: Shape
    ) -> None:
        """Remember an endpoint that answered with success, for requests with these features.

        `holds_for` a shape: for clients of that endpoint; None: for all.
        """
        key, learned = (scope, model, holds_for), Learned(shape, self._clock())
        self._entries[key] = learned
        self.version += 1
        if self.journal is not None:
            self.journal.endpoint(key, learned)

    def forget(self, scope: CacheScope, model: str, features: Features, shape: Shape) -> None:
        """Drop entries by which the model lives at `shape`, which has just refused it."""
        for holds_for in (features, None, *Shape):
            key = (scope, model, holds_for)
            entry = self._entries.get(key)
            if entry is not None and entry.shape is shape:
                del self._entries[key]
                self.version += 1
                if self.journal is not None:
                    self.journal.endpoint(key, None)

    def drop(self, upstream: str, model: str) -> int:
        """Drop what was learned of a model at an upstream; return how many entries that was."""
        wanted = (upstream, model)
        dropped = [key for key, _ in self.entries() if (key[0].upstream, key[1]) == wanted]
        for key in dropped:
            self._entries.pop(key, None)
            self.version += 1
            if self.journal is not None:
                self.journal.endpoint(key, None)
        return len(dropped)

    def adopt(self, key: EndpointKey, learned: Learned | None) -> None:
        """Adopt what another process has learned, or forgotten (None)."""
        known = self._entries.get(key)
        if learned is not None:
            self._entries[key] = learned
        elif known is not None:
            del self._entries[key]
        if (known and known.shape) is not (learned and learned.shape):
            self.version += 1

    def entries(self) -> Iterator[tuple[EndpointKey, Learned]]:
        """Yield what is remembered at the moment."""
        yield from list(self._entries.items())

    def age(self, learned: Learned) -> float:
        """Seconds since it was learned."""
        return self._clock() - learned.at
