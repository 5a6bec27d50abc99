"""Which endpoint does this model live on? Ordered evidence, strongest first.

1. config: a rule names the endpoint
2. learned: this upstream accepted this model there, after a refusal elsewhere
3. capability: a field of the upstream's own model list says so
4. job: the record of the fine-tuning job names the base, and the base's endpoints are known
5. parent: so does the model card
6. id: so does the id (`ft:davinci-002:…`)
7. catalogue: a known family, on an upstream that serves it
8. default: the client's own shape; the upstream's answer then teaches

What needs no network is asked first; the upstream is asked only where that could change the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from gateway.config.settings import Kind, ModelRule, Settings, UpstreamSettings
from gateway.resolve import model_ids
from gateway.resolve.catalogue import Catalogue, CatalogueEntry, describes
from gateway.resolve.evidence import Evidence, Route, Source
from gateway.resolve.features import fitting
from gateway.resolve.lineages import Lineage, may_have_jobs
from gateway.resolve.lookup import Lookup, ModelList
from gateway.resolve.memory import Features, Found, LearnedEndpoints, LookupFailed, Owner
from gateway.resolve.metadata import ModelCard
from gateway.resolve.preference import by_preference
from gateway.resolve.rules import Rules
from gateway.shapes import RawHeaders, Shape

MAX_LINEAGE = 8
MAX_COMPARED_IDS = 1000

_ORDER = {source: position for position, source in enumerate(Source)}


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be resolved: a model, for a client that speaks a shape, with one credential."""

    model: str
    shape: Shape
    features: Features = frozenset()
    headers: RawHeaders = ()


@dataclass(slots=True)
class _Inquiry:
    """The state of one resolution: the question, where it goes, what was found."""

    question: Question
    upstream: UpstreamSettings
    kind: Kind
    model: str
    owner: Owner
    rule: ModelRule | None
    evidence: list[Evidence]
    entry: CatalogueEntry | None = None
    base: str | None = None
    card: ModelCard | None = None

    @property
    def decided(self) -> bool:
        return any(piece.shapes for piece in self.evidence)


class Resolver:
    """Decides routes. Holds no request state; safe to use from many tasks of one loop."""

    def __init__(
        self, settings: Settings, lookup: Lookup, learned: LearnedEndpoints, catalogue: Catalogue
    ) -> None:
        self._settings = settings
        self._lookup = lookup
        self._learned = learned
        self._catalogue = catalogue
        self._rules = Rules(settings)

    async def resolve(self, question: Question, *, explain: bool = False) -> Route:
        """Return the route; with `explain`, after gathering every piece of evidence there is."""
        inquiry = await self._open(question)
        inquiry.evidence.extend(self._rules.evidence(question.model, inquiry.model))
        self._ask_memory(inquiry)
        if not inquiry.decided or explain:
            self._ask_names(inquiry)
            if explain or self._could_change(inquiry):
                await self._ask_upstream(inquiry)
        self._note_catalogue(inquiry, inquiry.model)
        if inquiry.card is None:
            # Not for the endpoint, which is known: for the shutdown date and the context length.
            inquiry.card = self._lookup.known_card(inquiry.owner, inquiry.model)
        return self._decide(inquiry)

    def assumed(self, model: str, home: Shape, kind: Kind) -> Route:
        """Return the route that a model would have if it lived at `home`, from names alone.

        For showing a translation without asking anybody: the rule and the quirks are the real ones.
        """
        served = self.redirected(model) or model
        rule = self.rule_for(served)
        sent = (rule and rule.model) or served
        entry = None
        if describes(kind):
            entry = self._catalogue.lookup(sent, kind)
            entry = entry or self._catalogue.lookup(self._root_of(sent), kind)
        root = self._root_of(sent)
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
        return _with_facts(route, entry, None)

    def rule_for(self, model: str) -> ModelRule | None:
        """Return the first rule that matches: exact names and globs in the order as written."""
        return self._rules.rule_for(model)

    def redirected(self, model: str) -> str | None:
        """Return the name that the configuration puts in a retired model's place, if one is."""
        return self._rules.redirected(model)

    def owner(self, route: Route, headers: RawHeaders) -> Owner:
        """Return whose knowledge this route's upstream answers with these headers are."""
        return self._lookup.owner(route.upstream, headers)

    async def nearest(self, route: Route, headers: RawHeaders) -> list[str]:
        """Return up to three ids that this credential can see and that resemble the one asked."""
        upstream = self._settings.upstream(route.upstream)
        found = await self._lookup.models(upstream, headers)
        visible = list(found.value.cards) if isinstance(found.value, ModelList) else []
        names = [*self._rules.names, *visible][:MAX_COMPARED_IDS]
        near = get_close_matches(route.model_asked[:128], names, n=4, cutoff=0.7)
        return [name for name in near if name != route.model_asked][:3]

    async def aclose(self) -> None:
        """Stop the look-ups under way."""
        await self._lookup.aclose()

    async def _open(self, question: Question) -> _Inquiry:
        asked = self.redirected(question.model) or question.model
        rule = self.rule_for(asked)
        model = (rule and rule.model) or asked
        upstream = await self._upstream_for(rule, model, question.headers)
        return _Inquiry(
            question,
            upstream,
            self._lookup.kind(upstream),
            model,
            self._lookup.owner(upstream.name, question.headers),
            rule,
            [],
        )

    async def _upstream_for(
        self, rule: ModelRule | None, model: str, headers: RawHeaders
    ) -> UpstreamSettings:
        default = self._settings.upstreams[0]
        if rule is not None and rule.upstream is not None:
            return self._settings.upstream(rule.upstream)
        if len(self._settings.upstreams) == 1 or self._named(model, self._lookup.kind(default)):
            return default
        for upstream in self._settings.upstreams:
            found = await self._lookup.models(upstream, headers, wanted=model)
            if isinstance(found.value, ModelList) and model in found.value.cards:
                return upstream
        return default

    def _named(self, model: str, kind: Kind) -> bool:
        """Whether the name alone says that a server of this kind is where the model lives."""
        if not describes(kind):
            return False
        return self._catalogue.lookup(self._root_of(model), kind) is not None

    @staticmethod
    def _root_of(model: str) -> str:
        for _ in range(MAX_LINEAGE):
            derived = model_ids.derive(model)
            if derived is None or derived.base == model:
                break
            model = derived.base
        return model

    def _ask_memory(self, inquiry: _Inquiry) -> None:
        question = inquiry.question
        known = self._learned.recall(
            inquiry.owner, inquiry.model, question.features, question.shape
        )
        if known is not None:
            inquiry.evidence.append(
                Evidence(
                    Source.LEARNED,
                    f"{inquiry.upstream.name} answered for it at {known.shape.endpoint}",
                    (known.shape,),
                    exists=True,
                    age=self._learned.age(known),
                )
            )

    def _ask_names(self, inquiry: _Inquiry) -> None:
        """Ask the id grammars and the catalogue: pure, so always first."""
        root = self._root_of(inquiry.model)
        if root != inquiry.model:
            entry = self._entry(root, inquiry.kind)
            inquiry.evidence.append(
                Evidence(
                    Source.ID,
                    f"its id says that it derives from {root}",
                    _endpoints(entry, inquiry),
                    base=root,
                )
            )
            inquiry.base = inquiry.base or root
        entry = self._entry(inquiry.model, inquiry.kind)
        if entry is not None and (entry.endpoints or entry.other_endpoints):
            served = ", ".join([*entry.endpoints, *entry.other_endpoints])
            endpoints = _endpoints(entry, inquiry)
            moved = "" if endpoints == entry.endpoints else "; this request at responses only"
            inquiry.evidence.append(
                Evidence(
                    Source.CATALOGUE,
                    f"known as {entry.pattern!r}, served at {served}{moved}",
                    endpoints,
                )
            )

    def _entry(self, model: str, kind: Kind) -> CatalogueEntry | None:
        return self._catalogue.lookup(model, kind) if describes(kind) else None

    def _note_catalogue(self, inquiry: _Inquiry, model: str) -> None:
        """Keep the catalogue's entry of the model, or of its base, for quirks and dates."""
        inquiry.entry = (
            inquiry.entry
            or self._entry(model, inquiry.kind)
            or self._entry(self._root_of(model), inquiry.kind)
        )

    def _could_change(self, inquiry: _Inquiry) -> bool:
        """Whether the upstream's metadata could change what the names say.

        On OpenAI the list says nothing of endpoints, so a known name needs no look-up; on other
        servers a name proves nothing, and the list may have a capability field.
        """
        return not (inquiry.decided and describes(inquiry.kind))

    async def _ask_upstream(self, inquiry: _Inquiry) -> None:
        headers = inquiry.question.headers
        found = await self._lookup.models(inquiry.upstream, headers, wanted=inquiry.model)
        was_unknown = inquiry.kind is Kind.AUTO
        inquiry.kind = self._lookup.kind(inquiry.upstream)
        if was_unknown and describes(inquiry.kind):
            inquiry.evidence = [
                piece
                for piece in inquiry.evidence
                if piece.source not in (Source.ID, Source.CATALOGUE)
            ]
            self._ask_names(inquiry)
        models = found.value if isinstance(found.value, ModelList) else ModelList()
        inquiry.card = await self._lookup.card(inquiry.upstream, headers, models, inquiry.model)
        self._ask_list(inquiry, found)
        strongest = min((_ORDER[p.source] for p in inquiry.evidence if p.shapes), default=99)
        if strongest > _ORDER[Source.JOB] and may_have_jobs(inquiry.kind):
            await self._ask_jobs(inquiry, models)
        if inquiry.card is not None and inquiry.card.base:
            base = inquiry.card.base
            self._add_lineage(inquiry, Source.PARENT, "its model card names", base, models)

    def _ask_list(self, inquiry: _Inquiry, found: Found[ModelList]) -> None:
        if isinstance(found.value, LookupFailed):
            detail = f"the model list could not be read ({found.value.reason})"
            inquiry.evidence.append(Evidence(Source.CAPABILITY, detail, age=found.age))
        elif inquiry.card is None:
            detail = f"not among the {len(found.value.cards)} models that this key sees"
            inquiry.evidence.append(Evidence(Source.CAPABILITY, detail, age=found.age))
        else:
            card = inquiry.card
            silent = inquiry.question.shape in card.silent_on
            inquiry.evidence.append(
                Evidence(
                    Source.CAPABILITY,
                    card.detail or "in the model list, which does not say at which endpoint",
                    () if silent else card.shapes,
                    exists=True,
                    age=found.age,
                )
            )

    async def _ask_jobs(self, inquiry: _Inquiry, models: ModelList) -> None:
        headers = inquiry.question.headers
        found = await self._lookup.lineage(inquiry.upstream, headers, wanted=inquiry.model)
        if isinstance(found.value, LookupFailed):
            detail = f"the job records could not be read ({found.value.reason})"
            inquiry.evidence.append(Evidence(Source.JOB, detail, age=found.age))
            return
        base = found.value.bases.get(inquiry.model)
        what = "the record of its fine-tuning job names"
        if base is None and inquiry.base is None and found.value.jobs:
            checkpoints = await self._lookup.checkpoints(inquiry.upstream, headers, found.value)
            if isinstance(checkpoints.value, Lineage):
                base = checkpoints.value.bases.get(inquiry.model)
                what = "it is a checkpoint of a job that names"
        if base is not None:
            self._add_lineage(inquiry, Source.JOB, what, base, models, age=found.age)

    def _add_lineage(
        self,
        inquiry: _Inquiry,
        source: Source,
        what: str,
        base: str,
        models: ModelList,
        *,
        age: float | None = None,
    ) -> None:
        """Follow base to base until one's endpoints are known."""
        trail, shapes = [base], self._shapes_of(inquiry, base, models)
        while not shapes and len(trail) < MAX_LINEAGE:
            card = models.cards.get(trail[-1])
            derived = model_ids.derive(trail[-1])
            following = (card and card.base) or (derived and derived.base)
            if not following or following in trail:
                break
            trail.append(following)
            shapes = self._shapes_of(inquiry, following, models)
        inquiry.base = trail[-1]
        self._note_catalogue(inquiry, trail[-1])
        detail = f"{what} {' → '.join(trail)}"
        inquiry.evidence.append(
            Evidence(source, detail, shapes, base=trail[-1], exists=True, age=age)
        )

    def _shapes_of(self, inquiry: _Inquiry, model: str, models: ModelList) -> tuple[Shape, ...]:
        card = models.cards.get(model)
        if card is not None and card.shapes:
            return card.shapes
        learned = self._learned.recall(inquiry.owner, model, inquiry.question.features)
        if learned is not None:
            return (learned.shape,)
        return _endpoints(self._entry(model, inquiry.kind), inquiry)

    def _decide(self, inquiry: _Inquiry) -> Route:
        question = inquiry.question
        evidence: Sequence[Evidence] = sorted(
            inquiry.evidence, key=lambda piece: _ORDER[piece.source]
        )
        decisive = next((piece for piece in evidence if piece.shapes), None)
        if decisive is None:
            decisive = Evidence(
                Source.DEFAULT,
                "nothing says where it lives: the client's own endpoint, and the answer teaches",
                (question.shape,),
            )
            evidence = [*evidence, decisive]
        shapes = by_preference(question.shape, decisive.shapes)
        route = Route(
            upstream=inquiry.upstream.name,
            model_asked=question.model,
            model_sent=inquiry.model,
            kind=inquiry.kind,
            shape=shapes[0],
            shapes=shapes,
            resolved_by=decisive.source,
            evidence=tuple(evidence),
            base=inquiry.base,
            owner=inquiry.owner,
            rule=inquiry.rule,
            redirected_to=self.redirected(question.model),
        )
        return _with_facts(route, inquiry.entry, inquiry.card)


def _endpoints(entry: CatalogueEntry | None, inquiry: _Inquiry) -> tuple[Shape, ...]:
    """Return where the catalogue says that this request is served."""
    if entry is None:
        return ()
    return fitting(entry.endpoints, entry.quirks, inquiry.question.features)


def _with_facts(route: Route, entry: CatalogueEntry | None, card: ModelCard | None) -> Route:
    """Add what the catalogue and the model card know beside the endpoint."""
    if entry is not None:
        retired = entry.retired.isoformat() if entry.retired else None
        route = replace(route, quirks=entry.quirks, retired=retired, replacement=entry.replacement)
    if card is not None:
        shutdown = card.shutdown_date.isoformat() if card.shutdown_date else route.retired
        route = replace(route, retired=shutdown, context_length=card.context_length)
    return route
