"""The parameters that an endpoint was seen to refuse for a model, and how each was fixed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from cachetools import TLRUCache

from gateway.config.store_settings import MemorySettings
from gateway.resolve.features import SAMPLING, effort_of
from gateway.resolve.memory import CacheScope, Clock, Features
from gateway.resolve.refusals.history.earlier_thinking import FOR_ONE_REQUEST
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

Fixes = tuple[ParameterFix, ...]


FixesKey = tuple[CacheScope, str, Shape]
"""A scope, a model as sent, and the endpoint that refused the parameters."""

MAX_FIXES: Final = 64
"""The most that are kept for one model at one endpoint, the newest: clients can invent parameters,
and values."""

ANY_MODEL = ""
"""In the place of a model: what a server refuses whatever the model."""


@dataclass(frozen=True, slots=True)
class Worked:
    """Fixes that led to success, and when the last one did (clock time)."""

    fixes: Fixes
    at: float


class FixesJournal(Protocol):
    """Records what worked and what no longer does, for other processes."""

    def fixes(self, key: FixesKey, worked: Worked | None) -> None:
        """Record a change; None: forgotten. Returns at once and raises nothing."""


def lessons(
    fixes: Fixes, fixed: Collection[str], effort: str, *, is_here: bool
) -> Iterator[tuple[ParameterFix, str | None]]:
    """Yield what is remembered of the fixes that led to success, and of which model.

    None: of the one that was asked. `fixed` are the names that were fixed for this request, with
    that `effort`. `is_here` is whether the model has refused one of them, not the server's schema.
    """
    for fix in fixes:
        is_for_one = fix.action == "fit" or (fix.once and fix.beside is None)
        if is_for_one or fix.name in FOR_ONE_REQUEST:
            continue
        # A server whose schema has no such role refuses it whatever the model.
        is_general = fix.action == "retell" and not is_here
        by_effort = is_here and fix.name in SAMPLING.intersection(fixed)
        known = replace(fix, effort=effort) if by_effort else fix
        yield known, ANY_MODEL if is_general else None


class KnownFixes:
    """Fixes that worked, per (upstream, credential, model, endpoint), with expiry."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._clock = clock
        self._entries: TLRUCache[FixesKey, Worked] = TLRUCache(
            settings.max_entries, lambda _, worked, __: worked.at + settings.ttl, timer=clock
        )
        self.journal: FixesJournal | None = None
        """Where changes are recorded; None: nowhere."""
        self.version = 0
        """How often anything was remembered; mostly nothing ever is."""

    def recall(self, scope: CacheScope, model: str, shape: Shape, features: Features) -> Fixes:
        """Return what has to be fixed in a request with these features to this endpoint."""
        if not self.version:
            return ()
        general, own = self._of(scope, ANY_MODEL, shape), self._of(scope, model, shape)
        known = (*general, *own)
        if not known:
            return ()
        effort = effort_of(features)
        return tuple(dict.fromkeys([fix for fix in known if fix.effort in (None, effort)]))

    def add(self, scope: CacheScope, model: str, shape: Shape, fix: ParameterFix) -> None:
        """Keep one more that led to success."""
        key = (scope, model, shape)
        known = self._of(*key)
        fixes = tuple(dict.fromkeys((*known, fix)))
        worked = Worked(fixes[-MAX_FIXES:], self._clock())
        self.adopt(key, worked)
        if self.journal is not None:
            self.journal.fixes(key, worked)

    def forget(self, scope: CacheScope, model: str, shape: Shape) -> None:
        """Drop what is known: the endpoint now refuses the fixed request."""
        for name in (model, ANY_MODEL):
            key = (scope, name, shape)
            if self._entries.pop(key, None) is not None and self.journal is not None:
                self.journal.fixes(key, None)

    def _of(self, scope: CacheScope, model: str, shape: Shape) -> Fixes:
        worked = self._entries.get((scope, model, shape))
        return () if worked is None else worked.fixes

    def adopt(self, key: FixesKey, worked: Worked | None) -> None:
        """Adopt what worked for another process, or no longer does (None)."""
        if worked is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = worked
            self.version += 1

    def entries(self) -> Iterator[tuple[FixesKey, Worked]]:
        """Yield what is remembered at the moment."""
        yield from list(self._entries.items())
