"""The parameters that an endpoint was seen to refuse for a model, and how each was mended."""

from cachetools import TTLCache

from gateway.config.settings import MemorySettings
from gateway.resolve.memory import Clock, Owner
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

Fixes = tuple[ParameterFix, ...]


class KnownFixes:
    """Fixes that worked, per (upstream, credential, model, endpoint), with expiry."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._fixes: TTLCache[tuple[Owner, str, Shape], Fixes] = TTLCache(
            settings.max_entries, settings.ttl, timer=clock
        )
        self._ever = False
        """Whether anything was remembered yet; mostly nothing ever is."""

    def recall(self, owner: Owner, model: str, shape: Shape) -> Fixes:
        """Return what has to be fixed in a request to this endpoint."""
        return self._fixes.get((owner, model, shape), ()) if self._ever else ()

    def remember(self, owner: Owner, model: str, shape: Shape, fixes: Fixes) -> None:
        """Keep fixes that led to success."""
        self._fixes[owner, model, shape] = fixes
        self._ever = True

    def add(self, owner: Owner, model: str, shape: Shape, fix: ParameterFix) -> None:
        """Keep one more."""
        known = self.recall(owner, model, shape)
        self.remember(owner, model, shape, tuple(dict.fromkeys((*known, fix))))

    def forget(self, owner: Owner, model: str, shape: Shape) -> None:
        """Drop what is known: the endpoint now refuses the fixed request."""
        self._fixes.pop((owner, model, shape), None)
