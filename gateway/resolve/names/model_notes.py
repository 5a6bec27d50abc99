"""What upstreams' replies have shown about names that no metadata mentions.

All notes are bounded, and expire. For each upstream, credential and model, they say that the model
has answered, so that it need not wait for look-ups; that every endpoint has denied it, so that it
need not be tried at each; and which routes its own server lacks, behind a front. For each upstream,
they say which routes it lacks, so that these need not be tried for every model; and which have
answered lately, and so are not lacking.
"""

from cachetools import TTLCache

from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import CacheScope, Clock
from gateway.shapes import Shape

_MAX_ROUTES = 1024
_Key = tuple[CacheScope, str]


class ModelNotes:
    """Names that have answered (for `memory.ttl`), and absent ones (for `memory.negative_ttl`)."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._clock = clock
        self._refresh_after = settings.ttl / 2
        self._soon = settings.negative_ttl
        self._routes: dict[tuple[str, Shape], float] = {}
        """When a route answered last."""
        self._answered: TTLCache[_Key, float] = TTLCache(
            settings.max_entries, settings.ttl, timer=clock
        )
        self._absent: TTLCache[_Key, None] = TTLCache(
            settings.max_entries, settings.negative_ttl, timer=clock
        )
        self._missing: TTLCache[tuple[str, Shape], None] = TTLCache(
            _MAX_ROUTES, settings.ttl, timer=clock
        )
        self._missing_behind: TTLCache[_Key, frozenset[Shape]] = TTLCache(
            settings.max_entries, settings.ttl, timer=clock
        )

    def note_missing_route(self, upstream: str, shape: Shape) -> None:
        """Note that an upstream has no route for a shape, and answered at another endpoint."""
        self._missing[upstream, shape] = None

    def missing_routes(self, upstream: str) -> frozenset[Shape]:
        """Return the shapes for which an upstream has no route, as it has shown recently."""
        if not self._missing:
            return frozenset()
        return frozenset(shape for name, shape in self._missing if name == upstream)

    def note_missing_route_behind(self, scope: CacheScope, model: str, shape: Shape) -> None:
        """Note that the server of a model, behind a front, has no route for a shape."""
        self._missing_behind[scope, model] = self.missing_routes_behind(scope, model) | {shape}

    def missing_routes_behind(self, scope: CacheScope, model: str) -> frozenset[Shape]:
        """Return the shapes for which the server of a model, behind a front, has no route."""
        return self._missing_behind.get((scope, model), frozenset())

    def has_route(self, upstream: str, shape: Shape) -> bool:
        """Whether an upstream has answered at a shape's route within `memory.negative_ttl`."""
        at = self._routes.get((upstream, shape))
        return at is not None and self._clock() - at < self._soon

    def note_answer(self, scope: CacheScope, model: str, shape: Shape) -> None:
        """Note that an upstream has just answered for a model at a shape's route."""
        key = (scope, model)
        now = self._routes[scope.upstream, shape] = self._clock()
        noted_at = self._answered.get(key)
        # Called for every request for such a name: a recent note is good enough.
        if noted_at is None or now - noted_at > self._refresh_after:
            self._answered[key] = now
        if self._absent:
            self._absent.pop(key, None)

    def has_answered(self, scope: CacheScope, model: str) -> bool:
        """Whether a model has answered, and was not denied since."""
        return (scope, model) in self._answered

    def note_denial(self, scope: CacheScope, model: str) -> None:
        """Note that a model was denied at its endpoint: it waits for look-ups again."""
        self._answered.pop((scope, model), None)

    def note_absence(self, scope: CacheScope, model: str) -> None:
        """Note that every endpoint has denied a model."""
        self._absent[scope, model] = None

    def is_absent(self, scope: CacheScope, model: str) -> bool:
        """Whether every endpoint has denied a model recently."""
        return (scope, model) in self._absent
