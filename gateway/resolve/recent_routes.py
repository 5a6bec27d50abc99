"""Routes of the last second, for the next requests of the same kind.

Most requests of a busy gateway repeat an earlier query. Deciding again costs as much as
forwarding, and gives the same route unless something was learned or looked up in between.
"""

from collections.abc import Hashable
from typing import Protocol

from gateway.resolve.evidence import Route
from gateway.resolve.memory import Clock

LIFETIME = 1.0
"""Seconds that a route is kept: the longest delay until an expiry elsewhere has effect."""

MAX_ROUTES = 10_000
"""Limits the memory that clients with invented names can take."""


class Changing(Protocol):
    """An input of routing whose `version` changes with it."""

    @property
    def version(self) -> int:
        """How often it has changed."""


Moment = tuple[int, ...]
"""The versions of all inputs of routing at one time."""


class RecentRoutes:
    """Keeps routes for a second, or until an input of routing changes."""

    def __init__(self, clock: Clock, *decided_by: Changing) -> None:
        self._clock = clock
        self._decided_by = decided_by
        self._routes: dict[Hashable, Route] = {}
        self._moment = self.moment()
        self._versions = list(self._moment)
        """The same as `_moment`, as a list with which later versions are compared."""
        self._until = 0.0
        self.epoch = object()
        """Replaced whenever the kept routes are dropped."""

    def get(self, key: Hashable) -> Route | None:
        """Return the route that is kept under a key, if it is still valid."""
        route = self._routes.get(key)
        return route if route is not None and self.holds(self.epoch) else None

    def holds(self, epoch: object) -> bool:
        """Whether routes that were kept in an epoch are still valid."""
        if epoch is not self.epoch or self._clock() >= self._until:
            return False
        return [each.version for each in self._decided_by] == self._versions

    def moment(self) -> Moment:
        """Return the current versions: to take before deciding, and to pass to `keep`."""
        return tuple([each.version for each in self._decided_by])

    def keep(self, key: Hashable, route: Route, decided_at: Moment) -> None:
        """Keep a route, unless an input of routing has changed meanwhile."""
        if self.moment() != decided_at:
            return
        now = self._clock()
        if now >= self._until or decided_at != self._moment or len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
            self._moment = decided_at
            self._versions = list(decided_at)
            self._until = now + LIFETIME
            self.epoch = object()
        self._routes[key] = route
