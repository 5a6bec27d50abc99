"""Evidence from the upstream itself: its model list, further metadata, and the job records."""

from gateway.envelopes.json_fields import quoted
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.cache import NO_WAIT, Found, LookupFailed
from gateway.resolve.metadata.lineage import Lineage
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.names import model_ids
from gateway.resolve.names.name_evidence import NameEvidence
from gateway.resolve.resolution import MAX_LINEAGE, ORDER, Resolution
from gateway.servers import AUTO
from gateway.shapes import Shape


class UpstreamEvidence:
    """Collects evidence from metadata and, for the bases that metadata names, from `names`."""

    def __init__(self, lookup: Lookup, learned: LearnedEndpoints, names: NameEvidence) -> None:
        self._lookup = lookup
        self._learned = learned
        self._names = names

    async def gather(self, resolution: Resolution) -> None:
        """Add what the model list, further metadata and the job records say to a resolution."""
        headers, wait = resolution.query.headers, resolution.wait
        if wait.is_on:
            await self._begin(resolution)
        found = await self._lookup.models(
            resolution.upstream, headers, wanted=resolution.model, wait=wait
        )
        self._recognise(resolution)
        models = found.value
        if isinstance(models, LookupFailed):
            models = ModelList(kind=resolution.kind)
        resolution.card = await self._lookup.card(
            resolution.upstream, headers, models, resolution.model, wait=wait
        )
        resolution.unreadable = resolution.card is None and not models.cards
        resolution.looked_up = True
        self._add_metadata(resolution, found)
        if _could_be_a_jobs(resolution):
            await self._ask_jobs(resolution, models)
        if resolution.card is not None and resolution.card.base:
            base = resolution.card.base
            self._add_lineage(resolution, Source.PARENT, "its model card names", base, models)

    async def _begin(self, resolution: Resolution) -> None:
        """Start the look-ups that do not depend on the list, so that all run concurrently."""
        if resolution.kind is AUTO:
            return
        headers = resolution.query.headers
        models = self._lookup.known_list(resolution.scope)
        if isinstance(models, ModelList):
            if models.card(resolution.model) is not None:
                return  # a list that has the model is not waited for
        else:
            if models is None:
                await self._lookup.models(resolution.upstream, headers, wait=NO_WAIT)
            models = ModelList(kind=resolution.kind)
        resolution.card = await self._lookup.card(
            resolution.upstream, headers, models, resolution.model, wait=NO_WAIT
        )
        if _could_be_a_jobs(resolution):
            await self._lookup.lineage(
                resolution.upstream, headers, wanted=resolution.model, wait=NO_WAIT
            )

    def _recognise(self, resolution: Resolution) -> None:
        """Note the kind of server that the list shows.

        Only on some kinds do OpenAI's names mean OpenAI's models. So if that has changed, the
        evidence from names is collected again.
        """
        before, resolution.kind = resolution.kind, self._lookup.kind(resolution.upstream)
        if resolution.kind is before or not (
            before.has_openai_names or resolution.kind.has_openai_names
        ):
            return
        name_evidence = (Source.ID, Source.CATALOGUE)
        resolution.evidence = [
            piece for piece in resolution.evidence if piece.source not in name_evidence
        ]
        self._names.collect(resolution)

    def _add_metadata(self, resolution: Resolution, found: Found[ModelList]) -> None:
        """Add what the list and further metadata say."""
        card, age = resolution.card, found.age
        if isinstance(found.value, LookupFailed):
            detail = f"the model list could not be read ({found.value.reason})"
            resolution.evidence.append(Evidence(Source.CAPABILITY, detail, age=age))
        elif card is None:
            pattern = found.value.pattern_of(resolution.model)
            detail = f"matches {quoted(pattern)} in the model list" if pattern else ""
            detail = detail or _absence(len(found.value.cards))
            resolution.evidence.append(Evidence(Source.CAPABILITY, detail, age=age))
        if card is not None:
            detail = card.detail or "in the model list, which does not say at which endpoint"
            resolution.evidence.append(
                Evidence(Source.CAPABILITY, detail, _shapes(resolution), exists=True, age=age)
            )

    async def _ask_jobs(self, resolution: Resolution, models: ModelList) -> None:
        headers, wait = resolution.query.headers, resolution.wait
        found = await self._lookup.lineage(
            resolution.upstream, headers, wanted=resolution.model, wait=wait
        )
        if isinstance(found.value, LookupFailed):
            detail = f"the job records could not be read ({found.value.reason})"
            resolution.evidence.append(Evidence(Source.JOB, detail, age=found.age))
            return
        base = found.value.bases.get(resolution.model)
        what = "the record of its fine-tuning job names"
        if base is None and resolution.base is None and found.value.jobs:
            checkpoints = await self._lookup.checkpoints(
                resolution.upstream,
                headers,
                found.value,
                wanted=resolution.model,
                wait=wait,
            )
            if isinstance(checkpoints.value, Lineage):
                base = checkpoints.value.bases.get(resolution.model)
                what = "it is a checkpoint of a job that names"
        if base is not None:
            self._add_lineage(resolution, Source.JOB, what, base, models, age=found.age)

    def _add_lineage(
        self,
        resolution: Resolution,
        source: Source,
        what: str,
        base: str,
        models: ModelList,
        *,
        age: float | None = None,
    ) -> None:
        """Follow bases, one to the next, until the endpoints of one are known; add the evidence."""
        trail, shapes = [base], self._shapes_of(resolution, base, models)
        while not shapes and len(trail) < MAX_LINEAGE:
            card = models.card(trail[-1])
            following = (card and card.base) or model_ids.base_of(trail[-1])
            if not following or following in trail:
                break
            trail.append(following)
            shapes = self._shapes_of(resolution, following, models)
        resolution.base = trail[-1]
        self._names.remember_entry(resolution, trail[-1])
        detail = f"{what} {' → '.join(trail)}"
        resolution.evidence.append(
            Evidence(source, detail, shapes, base=trail[-1], exists=True, age=age)
        )

    def _shapes_of(
        self, resolution: Resolution, model: str, models: ModelList
    ) -> tuple[Shape, ...]:
        card = models.card(model)
        if card is not None and card.shapes:
            return card.shapes
        learned = self._learned.recall(resolution.scope, model, resolution.query.features)
        if learned is not None:
            return (learned.shape,)
        return self._names.endpoints(resolution, model)


def _absence(listed: int) -> str:
    """Return the words for a model's absence from a list that has so many other models."""
    if listed > 1:
        return f"not among the {listed} models that this key sees"
    return "not the one model that this key sees" if listed else "the model list is empty"


def _shapes(resolution: Resolution) -> tuple[Shape, ...]:
    """Return the endpoints that the model's card names, unless it is silent on the client's own."""
    card, client = resolution.card, resolution.query.shape
    if card is None or client in card.silent_on:
        return ()
    if client is Shape.MESSAGES and resolution.upstream.messages_url is not None:
        # The list is served at `base_url`, and says nothing about the API at `messages_url`.
        return ()
    return card.shapes


def _could_be_a_jobs(resolution: Resolution) -> bool:
    """Whether job records could show where the model lives, and nothing stronger does."""
    strongest = min((ORDER[p.source] for p in resolution.evidence if p.shapes), default=99)
    return strongest > ORDER[Source.JOB] and not _shapes(resolution) and resolution.kind.has_jobs
