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
"""The most fixes kept for one model at one endpoint. Clients can invent parameters and values, so
only the newest are kept."""

ANY_MODEL = ""
"""Stands for the model in the key of fixes that a server needs whatever the model."""


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
    """Yield each fix to remember after a success, and the model to remember it for.

    A model of None is the one that was asked. `fixed` are the names that were fixed for this
    request, and `effort` is its effort. `is_here`: the model has refused one of the names, not only
    the server's schema.
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
        """How often fixes were remembered or adopted: earlier decisions may need them. Often 0."""

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
        """Remember a fix that led to success."""
        key = (scope, model, shape)
        known = self._of(*key)
        fixes = tuple(dict.fromkeys((*known, fix)))
        worked = Worked(fixes[-MAX_FIXES:], self._clock())
        self.adopt(key, worked)
        if self.journal is not None:
            self.journal.fixes(key, worked)

    def forget(self, scope: CacheScope, model: str, shape: Shape) -> None:
        """Forget the fixes of a model at an endpoint, which now refuses the fixed request."""
        for name in (model, ANY_MODEL):
            key = (scope, name, shape)
            if self._entries.pop(key, None) is not None and self.journal is not None:
                self.journal.fixes(key, None)

    def _of(self, scope: CacheScope, model: str, shape: Shape) -> Fixes:
        worked = self._entries.get((scope, model, shape))
        return () if worked is None else worked.fixes

    def adopt(self, key: FixesKey, worked: Worked | None) -> None:
        """Adopt the fixes that worked for another process; None: they no longer work."""
        if worked is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = worked
            self.version += 1

    def entries(self) -> Iterator[tuple[FixesKey, Worked]]:
        """Yield what is remembered at the moment."""
        yield from list(self._entries.items())
