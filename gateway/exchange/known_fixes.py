"""The parameters that an endpoint was seen to refuse for a model, and how each was mended."""

from cachetools import TTLCache

from gateway.config.settings import MemorySettings
from gateway.resolve.memory import CacheScope, Clock
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

Fixes = tuple[ParameterFix, ...]


class KnownFixes:
    """Fixes that worked, per (upstream, credential, model, endpoint), with expiry."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._fixes: TTLCache[tuple[CacheScope, str, Shape], Fixes] = TTLCache(
            settings.max_entries, settings.ttl, timer=clock
        )
        self._ever = False
        """Whether anything was remembered yet; mostly nothing ever is."""

    def recall(self, scope: CacheScope, model: str, shape: Shape) -> Fixes:
        """Return what has to be fixed in a request to this endpoint."""
        return self._fixes.get((scope, model, shape), ()) if self._ever else ()

    def add(self, scope: CacheScope, model: str, shape: Shape, fix: ParameterFix) -> None:
        """Keep one more that led to success."""
        known = self.recall(scope, model, shape)
        self._fixes[scope, model, shape] = tuple(dict.fromkeys((*known, fix)))
        self._ever = True

    def forget(self, scope: CacheScope, model: str, shape: Shape) -> None:
        """Drop what is known: the endpoint now refuses the fixed request."""
        self._fixes.pop((scope, model, shape), None)
