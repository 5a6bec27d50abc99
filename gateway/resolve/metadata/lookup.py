"""The cached metadata of upstreams: model lists, further descriptions, and job records.

The network is injected as `Send`. Every answer is cached per (upstream, credential fingerprint),
because lists are scoped to the key.
"""

from collections.abc import Callable, Hashable
from typing import TypeVar

from gateway.config.settings import Settings, UpstreamSettings
from gateway.envelopes.slices import Work
from gateway.resolve.memory import CacheScope, Clock
from gateway.resolve.metadata.cache import WAIT, Found, Load, LookupCache, LookupFailed, Wait
from gateway.resolve.metadata.fetch import Answer, Asker
from gateway.resolve.metadata.lineage import Lineage, load_checkpoints, load_jobs
from gateway.resolve.metadata.lookup_caches import LookupCaches, ModelList
from gateway.resolve.metadata.model_details import Further, load_description, load_further
from gateway.resolve.metadata.model_lists import (
    ModelCard,
    has_more,
    merged,
    read_models,
    recognise,
)
from gateway.resolve.metadata.requests import further_calls
from gateway.servers import AUTO, OTHER, Profile
from gateway.servers.anthropic import WHOLE_LIST
from gateway.servers.profile import MetadataCall
from gateway.shapes import RawHeaders, Send

__all__ = ["Lookup", "ModelList"]

Value = TypeVar("Value")

Fingerprint = Callable[[str, RawHeaders], str]
"""(upstream name, client headers) → a keyed hash of the credential sent to the upstream."""

Caller = Callable[[RawHeaders], Hashable]
"""Client headers → a key distinguishing callers that any upstream could answer differently."""


class Lookup:
    """The cached metadata of all upstreams.

    Every look-up waits for at most `timeouts.metadata` of its upstream: with one `Wait`, all
    look-ups of a request share that time. A look-up continues when its waiters have left, and
    serves the next request. `lookup_caches` is what is known already.
    """

    def __init__(
        self,
        settings: Settings,
        send: Send,
        fingerprint: Fingerprint,
        clock: Clock,
        caller: Caller | None = None,
        lookup_caches: LookupCaches | None = None,
    ) -> None:
        self.clock = clock
        self._settings = settings
        self._asker = Asker(send)
        self._fingerprint = fingerprint
        self.caller = caller or self._fingerprints
        self.caches = lookup_caches or LookupCaches(settings.memory, clock)

    def scope(self, upstream: str, headers: RawHeaders) -> CacheScope:
        """Return the cache scope of a look-up with these client headers."""
        return CacheScope(upstream, self._fingerprint(upstream, headers))

    def kind(self, upstream: UpstreamSettings) -> Profile:
        """Return the upstream's kind: configured, else recognised, else `AUTO` (not yet known)."""
        if upstream.kind is not AUTO:
            return upstream.kind
        return self.caches.kinds.get((upstream.name, upstream.base_url), AUTO)

    def known_list(self, scope: CacheScope) -> ModelList | LookupFailed | None:
        """Return the cached model list; None if it was never looked up. Makes no call."""
        found = self.caches.lists.peek(scope)
        return None if found is None else found.value

    def known_card(self, scope: CacheScope, model: str) -> ModelCard | None:
        """Return a model's card from the cached list, if any. Makes no call."""
        listed = self.known_list(scope)
        return listed.card(model) if isinstance(listed, ModelList) else None

    def renew(self, scope: CacheScope) -> None:
        """Refresh lists and job records in the background of the next request that needs them.

        For a scope in which a listed model turned out not to exist.
        """
        kind = self.kind(self._settings.upstream(scope.upstream))
        self.caches.lists.renew(scope)
        self.caches.lineages.renew(scope)
        self.caches.further.renew((scope, kind))

    async def models(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        *,
        wanted: str | None = None,
        wait: Wait = WAIT,
    ) -> Found[ModelList]:
        """Return the model list; refreshed if it lacks `wanted` and is older than a minute.

        A pattern in it that matches counts as having it.
        """
        return await self._recent(
            self.caches.lists,
            self.scope(upstream.name, headers),
            lambda: self._load_models(upstream, headers),
            upstream,
            lambda listed: wanted is not None and not listed.has(wanted),
            wait,
        )

    async def card(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        listed: ModelList,
        model: str,
        *,
        wait: Wait = WAIT,
    ) -> ModelCard | None:
        """Return what the upstream says about a model, in its list and at further paths.

        Failures of further look-ups are ignored.
        """
        scope, kind = self.scope(upstream.name, headers), listed.kind
        card = listed.card(model)
        calls = further_calls(upstream, kind, model)
        if calls.model and (
            described := await self._described(upstream, headers, kind, model, wait)
        ):
            card = merged(card, described)
        if calls.lists or calls.server:
            further = await self._recent(
                self.caches.further,
                (scope, kind),
                lambda: load_further(self._asker, upstream, kind, headers),
                upstream,
                lambda known: not known.describes(model),
                wait,
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
        wait: Wait = WAIT,
    ) -> Found[Lineage]:
        """Return all pages of the job records; refreshed like `models`."""
        return await self._recent(
            self.caches.lineages,
            self.scope(upstream.name, headers),
            lambda: load_jobs(self._asker, upstream, headers),
            upstream,
            lambda lineage: wanted not in lineage.bases,
            wait,
        )

    async def checkpoints(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        lineage: Lineage,
        *,
        wanted: str,
        wait: Wait = WAIT,
    ) -> Found[Lineage]:
        """Return the checkpoints of the newest jobs, with their bases; refreshed like `models`."""
        return await self._recent(
            self.caches.checkpoints,
            self.scope(upstream.name, headers),
            lambda: load_checkpoints(self._asker, upstream, headers, lineage),
            upstream,
            lambda checkpoints: wanted not in checkpoints.bases,
            wait,
        )

    async def aclose(self) -> None:
        """Cancel the look-ups in progress."""
        await self.caches.aclose()

    def _fingerprints(self, headers: RawHeaders) -> Hashable:
        return tuple([self._fingerprint(each.name, headers) for each in self._settings.upstreams])

    async def _described(
        self,
        upstream: UpstreamSettings,
        headers: RawHeaders,
        kind: Profile,
        model: str,
        wait: Wait,
    ) -> ModelCard | None:
        """Return the upstream's description of one model."""
        scope = self.scope(upstream.name, headers)
        if scope in self.caches.silent:
            wait = wait._replace(is_on=False)
        found = await self.caches.descriptions.get(
            (scope, kind, model),
            lambda: load_description(self._asker, upstream, kind, headers, model),
            patience=upstream.timeouts.metadata,
            wait=wait,
        )
        if isinstance(found.value, ModelCard):
            return found.value
        if wait.is_on and found.value.late:
            self.caches.silent[scope] = None
        return None

    async def _recent(
        self,
        cache: LookupCache[Value],
        key: Hashable,
        load: Load[Value],
        upstream: UpstreamSettings,
        lacks: Callable[[Value], bool],
        wait: Wait,
    ) -> Found[Value]:
        """Return the cached value, refreshed if it lacks something and is older than a minute."""
        known = cache.peek(key)
        lacking = (
            known is not None and not isinstance(known.value, LookupFailed) and lacks(known.value)
        )
        return await cache.get(
            key,
            load,
            patience=upstream.timeouts.metadata,
            max_age=self._settings.memory.negative_ttl if lacking else None,
            wait=wait,
        )

    async def _load_models(
        self, upstream: UpstreamSettings, headers: RawHeaders
    ) -> ModelList | LookupFailed:
        call = upstream.kind.model_list
        listed = await self._ask_models(upstream, headers, call)
        if isinstance(listed, ModelList) and listed.has_more and call != WHOLE_LIST:
            whole = await self._ask_models(upstream, headers, WHOLE_LIST)
            return whole if isinstance(whole, ModelList) else listed
        return listed

    async def _ask_models(
        self, upstream: UpstreamSettings, headers: RawHeaders, call: MetadataCall
    ) -> ModelList | LookupFailed:
        place = (upstream.name, upstream.base_url)

        def read(answer: Answer) -> Work[ModelList]:
            kind = upstream.kind
            if kind is AUTO:
                # A list without marks does not change what an earlier one has shown.
                known = self.caches.kinds.get(place, OTHER)
                kind = recognise(answer.payload, answer.headers) or known
            cards = yield from read_models(answer.payload, kind)
            return ModelList(cards, kind, has_more(answer.payload))

        listed = await self._asker.ask(upstream, call, headers, read)
        if isinstance(listed, ModelList):
            self.caches.kinds[place] = listed.kind
        return listed
