"""Routes that were decided a moment ago, for the next requests of the same kind.

Most requests of a busy gateway ask what the one before asked. Deciding anew costs as much as
forwarding does, and gives the same route unless something was learned or looked up in between.
"""

from collections.abc import Hashable
from typing import Protocol

from gateway.resolve.evidence import Route
from gateway.resolve.memory import Clock

LIFETIME = 1.0
"""Seconds that a route is kept: what expires elsewhere is noticed so much later at most."""

MAX_ROUTES = 10_000
"""Clients that invent names must not take all the memory."""


class Changing(Protocol):
    """Something that routes are decided by; `version` is another after each change."""

    @property
    def version(self) -> int:
        """How often it has changed."""


Moment = tuple[int, ...]
"""The versions of all that routes are decided by, at one time."""


class RecentRoutes:
    """Keeps routes for a second, and none beyond a change of what they were decided by."""

    def __init__(self, clock: Clock, *decided_by: Changing) -> None:
        self._clock = clock
        self._decided_by = decided_by
        self._routes: dict[Hashable, Route] = {}
        self._moment = self.moment()
        self._until = 0.0

    def get(self, key: Hashable) -> Route | None:
        """Return the route that was kept under a key, if it still holds."""
        route = self._routes.get(key)
        if route is None or self._clock() >= self._until:
            return None
        for each, version in zip(self._decided_by, self._moment, strict=True):
            if each.version != version:
                return None
        return route

    def moment(self) -> Moment:
        """Return what `keep` needs to know of the time at which deciding began."""
        return tuple([each.version for each in self._decided_by])

    def keep(self, key: Hashable, route: Route, decided_at: Moment) -> None:
        """Keep a route, unless what it was decided by has changed meanwhile."""
        if self.moment() != decided_at:
            return
        now = self._clock()
        if now >= self._until or decided_at != self._moment or len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
            self._moment = decided_at
            self._until = now + LIFETIME
        self._routes[key] = route
