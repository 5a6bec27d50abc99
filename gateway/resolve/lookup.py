"""Fetches what an upstream says about its models: the model list, what tells more, and the jobs.

The network is handed in as `Send`; the payloads are read by `metadata` and `jobs`. Every answer is
cached per (upstream, credential fingerprint), because lists are scoped to the key.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.config.settings import Kind, MemorySettings, Settings, UpstreamSettings
from gateway.resolve.asking import Answer, ask
from gateway.resolve.further_metadata import Further, load_description, load_further
from gateway.resolve.lineages import Lineage, load_checkpoints, load_jobs
from gateway.resolve.lookup_cache import Found, LookupCache, LookupFailed
from gateway.resolve.lookup_paths import further_calls, model_list
from gateway.resolve.memory import Clock, Owner
from gateway.resolve.metadata import ModelCard, merged, read_models, recognise
from gateway.shapes import RawHeaders, Send

Value = TypeVar("Value")

Fingerprint = Callable[[str, RawHeaders], str]
"""(upstream name, client headers) → a keyed hash of the credential the upstream would see."""

Caller = Callable[[RawHeaders], Hashable]
"""Client headers → what tells apart all callers whom any upstream may tell different things."""


@dataclass(frozen=True, slots=True)
class ModelList:
    """One upstream's model list as one credential sees it, and the kind of server that wrote it."""

    cards: Mapping[str, ModelCard] = field(default_factory=dict)
    kind: Kind = Kind.OTHER


class Lookup:
    """The cached metadata of all upstreams.

    Every look-up waits for `timeouts.metadata` of its upstream at most, counted from `since` (loop
    time) where that is given: what one request needs, it asks for with the same `since`, and waits
    for once. A look-up that nobody waits for any more goes on, and serves the next request.
    """

    def __init__(
        self,
        settings: Settings,
        send: Send,
        fingerprint: Fingerprint,
        clock: Clock,
        caller: Caller | None = None,
    ) -> None:
        self.clock = clock
        self._settings = settings
        self._send = send
        self._fingerprint = fingerprint
        self.caller = caller or self._fingerprints
        self.version = 0
        """How often a look-up has brought something."""
        memory: MemorySettings = settings.memory
        self._lists: LookupCache[ModelList] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.cards) // 100
        )
        self._lineages: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self._checkpoints: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self._further: LookupCache[Further] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.cards) // 100
        )
        self._descriptions: LookupCache[ModelCard] = LookupCache(memory, clock)
        self._kinds: dict[str, Kind] = {}
        self._caches = (
            *(self._lists, self._further, self._descriptions),
            *(self._lineages, self._checkpoints),
        )
        for cache in self._caches:
            cache.on_filled = self._changed

    def owner(self, upstream: str, headers: RawHeaders) -> Owner:
        """Return whose knowledge a look-up with these client headers is."""
        return Owner(upstream, self._fingerprint(upstream, headers))

    def kind(self, upstream: UpstreamSettings) -> Kind:
        """Return the upstream's kind: configured, else recognised, else `AUTO` (not yet known)."""
        if upstream.kind is not Kind.AUTO:
            return upstream.kind
        return self._kinds.get(upstream.name, Kind.AUTO)

    def known_card(self, owner: Owner, model: str) -> ModelCard | None:
        """Return a model's card if its list is here already; nobody is asked."""
        found = self._lists.peek(owner)
        if found is None or not isinstance(found.value, ModelList):
            return None
        return found.value.cards.get(model)

    async def models(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        *,
        wanted: str | None = None,
        since: float | None = None,
    ) -> Found[ModelList]:
        """Return the model list; asked again if `wanted` is not in a list older than a minute."""
        return await self._recent(
            self._lists,
            self.owner(upstream.name, headers),
            lambda: self._load_models(upstream, headers),
            upstream,
            lambda listed: wanted is not None and wanted not in listed.cards,
            since,
        )

    async def card(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        listed: ModelList,
        model: str,
        *,
        since: float | None = None,
    ) -> ModelCard | None:
        """Return all that the upstream says about a model: in its list, and at further paths.

        A further look-up that fails changes nothing.
        """
        owner, kind = self.owner(upstream.name, headers), listed.kind
        card = listed.cards.get(model)
        calls = further_calls(upstream, kind, model)
        if calls.model:
            described = await self._descriptions.get(
                (owner, model),
                lambda: load_description(self._send, upstream, kind, headers, model),
                patience=upstream.timeouts.metadata,
                since=since,
            )
            if isinstance(described.value, ModelCard):
                card = merged(card, described.value)
        if calls.lists or calls.server:
            further = await self._recent(
                self._further,
                owner,
                lambda: load_further(self._send, upstream, kind, headers),
                upstream,
                lambda known: not known.tells_of(model),
                since,
            )
            if isinstance(further.value, Further):
                card = further.value.complete(card, model)
        return card

    async def lineage(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        *,
        wanted: str,
        since: float | None = None,
    ) -> Found[Lineage]:
        """Return the job records, all pages; asked again like `models`."""
        return await self._recent(
            self._lineages,
            self.owner(upstream.name, headers),
            lambda: load_jobs(self._send, upstream.name, headers),
            upstream,
            lambda lineage: wanted not in lineage.bases,
            since,
        )

    async def checkpoints(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        lineage: Lineage,
        *,
        since: float | None = None,
    ) -> Found[Lineage]:
        """Return the checkpoints of the newest jobs, as models with a base of their own."""
        return await self._checkpoints.get(
            self.owner(upstream.name, headers),
            lambda: load_checkpoints(self._send, upstream.name, headers, lineage),
            patience=upstream.timeouts.metadata,
            since=since,
        )

    async def aclose(self) -> None:
        """Stop the look-ups under way."""
        for cache in self._caches:
            await cache.aclose()

    def _changed(self) -> None:
        self.version += 1

    def _fingerprints(self, headers: RawHeaders) -> Hashable:
        return tuple([self._fingerprint(each.name, headers) for each in self._settings.upstreams])

    async def _recent(
        self,
        cache: LookupCache[Value],
        owner: Owner,
        load: Callable[[], Awaitable[Value | LookupFailed]],
        upstream: UpstreamSettings,
        lacks: Callable[[Value], bool],
        since: float | None,
    ) -> Found[Value]:
        """Return what is cached, asked again if it is older than a minute and lacks something."""
        known = cache.peek(owner)
        lacking = (
            known is not None and not isinstance(known.value, LookupFailed) and lacks(known.value)
        )
        return await cache.get(
            owner,
            load,
            patience=upstream.timeouts.metadata,
            since=since,
            max_age=self._settings.memory.negative_ttl if lacking else None,
        )

    async def _load_models(
        self, upstream: UpstreamSettings, headers: RawHeaders
    ) -> ModelList | LookupFailed:
        answer = await ask(self._send, upstream.name, model_list(upstream.kind), headers)
        if isinstance(answer, LookupFailed):
            return answer
        kind = upstream.kind
        if kind is Kind.AUTO:
            kind = self._recognised(upstream.name, answer)
        return ModelList({card.id: card for card in read_models(answer.payload, kind)}, kind)

    def _recognised(self, upstream: str, answer: Answer) -> Kind:
        """Return what the upstream turned out to be; an empty list can tell nothing yet."""
        known = self._kinds.get(upstream, Kind.OTHER)
        if known is Kind.OTHER:
            known = recognise(answer.payload, answer.headers) or Kind.OTHER
            self._kinds[upstream] = known
        return known
