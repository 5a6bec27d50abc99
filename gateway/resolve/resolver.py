"""At which endpoint does this model live? Ordered evidence, strongest first.

1. config: a rule names the endpoint
2. learned: this upstream accepted the model at this endpoint, after a refusal at another one
3. capability: a field of the upstream's own model list names the endpoint
4. job: the record of the fine-tuning job names the base, and the base's endpoints are known
5. parent: the model card names the base
6. id: the id names the base (`ft:davinci-002:…`)
7. catalogue: a known family, on an upstream that serves it
8. default: the client's own shape; the upstream's reply confirms or corrects it

Sources without network come first; the upstream is asked only if that could change the answer.
"""

import asyncio
import time
from collections.abc import Sequence

from gateway.config.settings import ModelRule, Settings
from gateway.resolve.discovery import Discovery, Place
from gateway.resolve.endpoint_order import assumption, by_preference, home_order
from gateway.resolve.evidence import Evidence, Route, Source
from gateway.resolve.facts import Facts
from gateway.resolve.memory import CacheScope, Features, LearnedEndpoints
from gateway.resolve.metadata.cache import NO_WAIT, Wait
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.model_notes import ModelNotes
from gateway.resolve.names.name_evidence import NameEvidence, root_of
from gateway.resolve.recent_routes import RecentRoutes
from gateway.resolve.resolution import ORDER, ModelQuery, Resolution
from gateway.resolve.rules import Rules
from gateway.resolve.stand_ins import StandIns
from gateway.resolve.suggested_models import SuggestedModels
from gateway.resolve.today import WallClock
from gateway.resolve.upstream_evidence import UpstreamEvidence
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape

__all__ = ["ModelQuery", "Resolver"]


class Resolver:
    """Decides routes. Holds no request state; safe to use from many tasks of one loop."""

    def __init__(
        self,
        settings: Settings,
        lookup: Lookup,
        learned: LearnedEndpoints,
        catalogue: Catalogue,
        wall_clock: WallClock = time.time,
        notes: ModelNotes | None = None,
    ) -> None:
        self._settings = settings
        self._lookup = lookup
        self._learned = learned
        self._names = NameEvidence(catalogue)
        self._facts = Facts(self._names, lookup, wall_clock)
        self.notes = notes or ModelNotes(settings.memory, lookup.clock)
        """What replies have shown about names that no metadata mentions."""
        self._discovery = Discovery(settings, lookup, self.notes, self._facts.lives)
        self._upstream_evidence = UpstreamEvidence(lookup, learned, self._names)
        self.rules = Rules(settings)
        self.stand_ins = StandIns(self._names, self._kind_of)
        """Where the model of a rule stands in for the names that the rule matches."""
        self.suggested = SuggestedModels(settings, lookup, self.rules)
        self.recent_routes = RecentRoutes(lookup.clock, learned, lookup.caches)

    async def explain(self, query: ModelQuery) -> Route:
        """Return the route, with all evidence that can be collected."""
        return await self._resolve(query, explain=True)

    async def resolve(self, query: ModelQuery) -> Route:
        """Return the route, after as little work as decides it."""
        route = self.recent(query.headers, query.model, query.shape, query.features)
        if route is None:
            moment = self.recent_routes.moment()
            route = await self._resolve(query, explain=False)
            key = (self._lookup.caller(query.headers), query.model, query.shape, query.features)
            self.recent_routes.keep(key, route, moment)
        return route

    def recent(
        self, headers: RawHeaders, model: str, shape: Shape, features: Features
    ) -> Route | None:
        """Return the recent route of the same query, if it is still valid."""
        return self.recent_routes.get((self._lookup.caller(headers), model, shape, features))

    async def _resolve(self, query: ModelQuery, *, explain: bool) -> Route:
        resolution = await self._open(query, explain=explain)
        resolution.evidence.extend(self.rules.evidence(query.model, resolution.model))
        self._recall(resolution)
        if not resolution.decided or explain:
            self._names.collect(resolution)
            if explain or self._could_change(resolution):
                await self._upstream_evidence.gather(resolution)
        self._names.remember_entry(resolution, resolution.model)
        if resolution.card is None:
            resolution.card = await self._further_card(resolution)
        return self._decide(resolution)

    async def _further_card(self, resolution: Resolution) -> ModelCard | None:
        """Return the card of a model whose endpoint is known without it.

        For the shutdown date and the context length in it, the upstream is not asked. But on some
        kinds of server the card also says what the model takes, which a translation needs: then
        the list is looked up.
        """
        query, kind = resolution.query, resolution.kind
        if kind.lists_abilities and not resolution.is_at_home and query.shape not in kind.routes:
            await self._lookup.models(
                resolution.upstream,
                query.headers,
                wanted=resolution.model,
                wait=resolution.wait,
            )
        return self._lookup.known_card(resolution.scope, resolution.model)

    def assumed(self, model: str, home: Shape, kind: Profile) -> Route:
        """Return the route that a model would have if it lived at `home`, from names alone.

        For showing a translation without any call: the rule and the quirks are the real ones.
        """
        rule = self.rule_for(self.redirected(model) or model)
        sent = self.rules.sent(model)
        entry = self._names.entry_of_model_or_root(sent, kind)
        root = root_of(sent)
        route = Route(
            upstream=(rule and rule.upstream) or self._settings.upstreams[0].name,
            model_asked=model,
            model_sent=sent,
            kind=kind,
            shape=home,
            shapes=(home,),
            resolved_by=Source.CONFIG,
            base=root if root != sent else None,
            rule=rule,
            redirected_to=self.redirected(model),
        )
        return self._facts.added(route, entry, None)

    def rule_for(self, model: str) -> ModelRule | None:
        """Return the first rule that matches, exact name or glob, in the order as written."""
        return self.rules.rule_for(model)

    def redirected(self, model: str) -> str | None:
        """Return the name that the configuration substitutes for a retired model, if any."""
        return self.rules.redirected(model)

    def scope(self, route: Route, headers: RawHeaders) -> CacheScope:
        """Return the cache scope of a route that was decided for these headers."""
        return route.scope or self._lookup.scope(route.upstream, headers)

    async def upstream_of(
        self, model: str, headers: RawHeaders, *shorter: str, as_named: bool = False
    ) -> str:
        """Return the name of the upstream that has a model: its rule's, or else by the model lists.

        If nothing is known of the model, the `shorter` names are tried in their order; the first
        one of which anything is known decides. If there is none, the default upstream is taken.
        Where lists can be read, the names of models are no evidence: the lists decide, because the
        caller has seen them. `as_named`: the model is sent under this name, whatever a rule says.
        """
        default = self._settings.upstreams[0].name
        if len(self._settings.upstreams) == 1:
            return default
        since = asyncio.get_running_loop().time()
        for name in (model, *shorter):
            served = self.redirected(name) or name
            rule = self.rule_for(served)
            if rule is not None and rule.upstream is not None:
                return rule.upstream
            sent = served
            if rule is not None and not as_named and self.stand_ins.replaces(rule, served):
                sent = rule.model_for(served) or served
            place = await self._discovery.find(sent, headers, since)
            if place.is_known:
                return place.upstream.name
        return default

    async def renew(self, route: Route, headers: RawHeaders) -> None:
        """Refresh, in the background, the metadata behind a route that the upstream denied."""
        upstream = self._settings.upstream(route.upstream)
        self._lookup.renew(self._lookup.scope(upstream.name, headers))
        await self._lookup.models(upstream, headers, wait=NO_WAIT)

    def _kind_of(self, rule: ModelRule) -> Profile:
        """Return the kind of the upstream that a rule names, or of the default one."""
        name = rule.upstream or self._settings.upstreams[0].name
        return self._lookup.kind(self._settings.upstream(name))

    async def aclose(self) -> None:
        """Cancel the look-ups in progress."""
        await self._lookup.aclose()

    async def _open(self, query: ModelQuery, *, explain: bool) -> Resolution:
        rule = self.rule_for(self.redirected(query.model) or query.model)
        model = self.rules.sent(query.model)
        since = asyncio.get_running_loop().time()
        place = await self._place(rule, model, query.headers, since, explain=explain)
        upstream = place.upstream
        scope = self._lookup.scope(upstream.name, query.headers)
        return Resolution(
            query,
            upstream,
            self._lookup.kind(upstream),
            model,
            scope,
            rule,
            list(place.evidence),
            Wait(since, explain or not self.notes.has_answered(scope, model)),
            looked_up=place.looked_up,
        )

    async def _place(
        self,
        rule: ModelRule | None,
        model: str,
        headers: RawHeaders,
        since: float,
        *,
        explain: bool,
    ) -> Place:
        default = self._settings.upstreams[0]
        if rule is not None and rule.upstream is not None:
            return Place(self._settings.upstream(rule.upstream))
        if len(self._settings.upstreams) == 1 or self._facts.lives(
            model, self._lookup.kind(default)
        ):
            return Place(default)
        return await self._discovery.find(model, headers, since, explain=explain)

    def _recall(self, resolution: Resolution) -> None:
        query = resolution.query
        known = self._learned.recall(
            resolution.scope, resolution.model, query.features, query.shape
        )
        if known is not None:
            resolution.evidence.append(
                Evidence(
                    Source.LEARNED,
                    f"{resolution.upstream.name} answered for it at {known.shape.endpoint}",
                    (known.shape,),
                    exists=True,
                    age=self._learned.age(known),
                )
            )

    def _could_change(self, resolution: Resolution) -> bool:
        """Whether the upstream's metadata could change what the names say.

        On OpenAI the list says nothing of endpoints, so a known name needs no look-up; on other
        servers names prove nothing, and the list may have a capability field.
        """
        return not (resolution.decided and resolution.kind.has_openai_names)

    def _decide(self, resolution: Resolution) -> Route:
        query = resolution.query
        evidence: Sequence[Evidence] = sorted(
            resolution.evidence, key=lambda piece: ORDER[piece.source]
        )
        decisive = resolution.decisive
        lacking = self._lacking(resolution)
        if decisive is None:
            first = home_order(query.shape, resolution.kind, lacking)[0]
            assumed = assumption(query.shape, first)
            decisive = Evidence(Source.DEFAULT, assumed, (first,))
            evidence = [*evidence, decisive]
        shapes = by_preference(query.shape, decisive.shapes, resolution.kind)
        route = Route(
            upstream=resolution.upstream.name,
            model_asked=query.model,
            model_sent=resolution.model,
            kind=resolution.kind,
            shape=shapes[0],
            shapes=shapes,
            resolved_by=decisive.source,
            evidence=tuple(evidence),
            base=resolution.base,
            scope=resolution.scope,
            rule=resolution.rule,
            redirected_to=self.redirected(query.model),
            unreadable=resolution.unreadable,
            lacking=lacking,
            unconfirmed=resolution.looked_up
            and (resolution.card is None or decisive.source is Source.DEFAULT),
        )
        return self._facts.added(route, resolution.entry, resolution.card)

    def _lacking(self, resolution: Resolution) -> frozenset[Shape]:
        """Return the endpoints that an upstream lacks, by its kind or by what it has answered."""
        upstream, lacking = resolution.upstream, resolution.kind.lacks
        if resolution.query.shape is Shape.MESSAGES:  # other clients notice when a route is back
            lacking |= self.notes.missing_routes(upstream.name)
        if resolution.kind.is_front:
            lacking |= self.notes.missing_routes_behind(resolution.scope, resolution.model)
        return lacking if upstream.messages_url is None else lacking - {Shape.MESSAGES}
