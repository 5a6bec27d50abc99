"""What has been looked up so far. It outlives the settings: a reload keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cachetools import TTLCache

from gateway.config.globs import Globs
from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import CacheScope, Clock
from gateway.resolve.metadata.cache import LookupCache
from gateway.resolve.metadata.lineage import Lineage
from gateway.resolve.metadata.model_details import Further
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.servers import OTHER, Profile


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ModelList:
    """One upstream's model list as one credential sees it, and the kind of server that wrote it.

    Compared by identity: its index of names (`suggestions.py`) lives as long as it does.
    """

    cards: Mapping[str, ModelCard] = field(default_factory=dict)
    kind: Profile = OTHER
    has_more: bool = False
    """Whether it is one page of a longer list."""
    patterns: Sequence[str] = field(init=False)
    """Listed names that stand for all that they match: LiteLLM's `openai/*`, or `*`."""
    _globs: Globs = field(init=False, repr=False)

    def __post_init__(self) -> None:
        patterns = [name for name in self.cards if "*" in name]
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "_globs", Globs(enumerate(patterns)))

    def pattern_of(self, model: str) -> str | None:
        """Return the first pattern that matches a model."""
        found = self._globs.first(model)
        return None if found is None else self.patterns[found]

    def has(self, model: str) -> bool:
        """Whether it has a model, or a pattern that matches it."""
        return self.card(model) is not None or self.pattern_of(model) is not None

    def card(self, model: str) -> ModelCard | None:
        """Return a model's card, which the list may have by another name (`Profile.listed_as`)."""
        card = self.cards.get(model)
        listed = self.kind.listed_as(model) if card is None else None
        return card if listed is None else self.cards.get(listed)


class LookupCaches:
    """The caches of `Lookup`, by scope, and the recognised kinds, by upstream and address."""

    def __init__(self, memory: MemorySettings, clock: Clock) -> None:
        self.version = 0
        """How often a look-up has brought a value."""
        self.lists: LookupCache[ModelList] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.cards) // 100
        )
        self.lineages: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self.checkpoints: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self.further: LookupCache[Further] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.cards) // 100
        )
        self.descriptions: LookupCache[ModelCard] = LookupCache(memory, clock)
        self.silent: TTLCache[CacheScope, None] = TTLCache(
            memory.max_entries, memory.negative_ttl, timer=clock
        )
        """Scopes in which a request has waited for a model's description without getting it."""
        self.kinds: dict[tuple[str, str], Profile] = {}
        self._caches = (
            *(self.lists, self.further, self.descriptions),
            *(self.lineages, self.checkpoints),
        )
        for cache in self._caches:
            cache.on_filled = self._changed

    async def settled(self) -> None:
        """Wait for the look-ups that are in progress now."""
        for cache in self._caches:
            await cache.settled()

    async def aclose(self) -> None:
        """Cancel the look-ups in progress."""
        for cache in self._caches:
            await cache.aclose()

    def _changed(self) -> None:
        self.version += 1
