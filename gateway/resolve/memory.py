"""The endpoints that were learned for models.

Everything is keyed by (upstream, credential fingerprint, …): what one caller may see or has learned
never serves another. Everything is bounded and expires; the clock is injected.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from gateway.config.settings import MemorySettings
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


class LearnedEndpoints:
    """Endpoints that an upstream accepted for a model after refusing another one.

    What depended on the request (tools with reasoning) is stored with its features and recalled
    only for those; what depended on the endpoint called (the upstream has no such route) is
    recalled only for clients of that endpoint; the rest holds for every request of the model.
    """

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._clock = clock
        self._entries: TTLCache[Hashable, Learned] = TTLCache(
            settings.max_entries, settings.ttl, timer=clock
        )
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
        self._entries[(scope, model, holds_for)] = Learned(shape, self._clock())
        self.version += 1

    def forget(self, scope: CacheScope, model: str, features: Features, shape: Shape) -> None:
        """Drop entries by which the model lives at `shape`, which has just refused it."""
        for key in (
            (scope, model, features),
            (scope, model, None),
            *((scope, model, asked_at) for asked_at in Shape),
        ):
            entry = self._entries.get(key)
            if entry is not None and entry.shape is shape:
                del self._entries[key]
                self.version += 1

    def age(self, learned: Learned) -> float:
        """Seconds since it was learned."""
        return self._clock() - learned.at
