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
"""(scope, model as sent, the requests that the endpoint holds for: see `LearnedEndpoints.learn`)"""


class EndpointJournal(Protocol):
    """Records what is learned and forgotten, for other processes."""

    def endpoint(self, key: EndpointKey, learned: Learned | None) -> None:
        """Record what was learned, or (None) that it was forgotten. Return at once; never raise."""


class LearnedEndpoints:
    """Endpoints that an upstream accepted for a model after refusing another one.

    An endpoint that depended on the request (tools with reasoning) is stored with the request's
    features, and recalled only for requests with the same features. One that depended on the
    endpoint called (the upstream has no such route) is recalled only for clients that call it. Any
    other holds for every request for the model.
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
        """Return the endpoint learned for a model, for a request with these features.

        The endpoint for exactly these features comes first, then the one for all requests, then the
        one for clients that call `asked_at`. None: nothing was learned.
        """
        exact = self._entries.get((scope, model, features)) if features else None
        known = exact or self._entries.get((scope, model, None))
        return known or self._entries.get((scope, model, asked_at))

    def learn(
        self, scope: CacheScope, model: str, holds_for: Features | Shape | None, shape: Shape
    ) -> None:
        """Remember that a model was answered for with success at the endpoint `shape`.

        `holds_for` says for which requests: those with these features, those of clients that call
        this endpoint (if it is a shape), or all of them (None).
        """
        key, learned = (scope, model, holds_for), Learned(shape, self._clock())
        self._entries[key] = learned
        self.version += 1
        if self.journal is not None:
            self.journal.endpoint(key, learned)

    def forget(self, scope: CacheScope, model: str, features: Features, shape: Shape) -> None:
        """Drop the entries that say a model lives at `shape`, which has just refused it."""
        for holds_for in (features, None, *Shape):
            key = (scope, model, holds_for)
            entry = self._entries.get(key)
            if entry is not None and entry.shape is shape:
                del self._entries[key]
                self.version += 1
                if self.journal is not None:
                    self.journal.endpoint(key, None)

    def drop(self, upstream: str, model: str) -> int:
        """Drop what was learned of a model at an upstream; return the number of entries."""
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
        """Return how many seconds ago an endpoint was learned."""
        return self._clock() - learned.at
