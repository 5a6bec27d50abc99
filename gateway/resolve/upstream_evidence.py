"""What the upstream itself tells of a model: its list, further metadata, and the job records."""

from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.inquiry import MAX_LINEAGE, ORDER, Inquiry
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.cache import Found, LookupFailed
from gateway.resolve.metadata.lineage import Lineage
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.names import model_ids
from gateway.resolve.names.by_name import Names
from gateway.servers import AUTO
from gateway.shapes import Shape


class UpstreamEvidence:
    """Evidence from metadata; `names` are asked again where it tells of a base."""

    def __init__(self, lookup: Lookup, learned: LearnedEndpoints, names: Names) -> None:
        self._lookup = lookup
        self._learned = learned
        self._names = names

    async def gather(self, inquiry: Inquiry) -> None:
        """Add what the model list, further metadata and the job records say to an inquiry."""
        headers, since, wait = inquiry.question.headers, inquiry.since, inquiry.wait
        if wait:
            await self._begin(inquiry)
        found = await self._lookup.models(
            inquiry.upstream, headers, wanted=inquiry.model, since=since, wait=wait
        )
        self._recognise(inquiry)
        models = found.value
        if isinstance(models, LookupFailed):
            models = ModelList(kind=inquiry.kind)
        inquiry.card = await self._lookup.card(
            inquiry.upstream, headers, models, inquiry.model, since=since, wait=wait
        )
        inquiry.unreadable = inquiry.card is None and not models.cards
        inquiry.asked = True
        self._add_metadata(inquiry, found)
        if _could_be_a_jobs(inquiry):
            await self._ask_jobs(inquiry, models)
        if inquiry.card is not None and inquiry.card.base:
            base = inquiry.card.base
            self._add_lineage(inquiry, Source.PARENT, "its model card names", base, models)

    async def _begin(self, inquiry: Inquiry) -> None:
        """Start what does not depend on the list, so that all of it is waited for at once."""
        if inquiry.kind is AUTO:
            return
        headers, since = inquiry.question.headers, inquiry.since
        models = self._lookup.known_list(inquiry.scope)
        if isinstance(models, ModelList):
            if inquiry.model in models.cards:
                return  # nobody waits for a list that has the model
        else:
            if models is None:
                await self._lookup.models(inquiry.upstream, headers, since=since, wait=False)
            models = ModelList(kind=inquiry.kind)
        inquiry.card = await self._lookup.card(
            inquiry.upstream, headers, models, inquiry.model, since=since, wait=False
        )
        if _could_be_a_jobs(inquiry):
            await self._lookup.lineage(
                inquiry.upstream, headers, wanted=inquiry.model, since=since, wait=False
            )

    def _recognise(self, inquiry: Inquiry) -> None:
        """Take note of the upstream's kind as its list tells it: names mean something at some."""
        before, inquiry.kind = inquiry.kind, self._lookup.kind(inquiry.upstream)
        if inquiry.kind is before or not (before.has_openai_names or inquiry.kind.has_openai_names):
            return
        by_name = (Source.ID, Source.CATALOGUE)
        inquiry.evidence = [piece for piece in inquiry.evidence if piece.source not in by_name]
        self._names.ask(inquiry)

    def _add_metadata(self, inquiry: Inquiry, found: Found[ModelList]) -> None:
        """Add what the list and further metadata say."""
        card, age = inquiry.card, found.age
        if isinstance(found.value, LookupFailed):
            detail = f"the model list could not be read ({found.value.reason})"
            inquiry.evidence.append(Evidence(Source.CAPABILITY, detail, age=age))
        elif card is None:
            count = len(found.value.cards)
            among = f"not among the {count} models that this key sees"
            detail = among if count else "the model list is empty"
            inquiry.evidence.append(Evidence(Source.CAPABILITY, detail, age=age))
        if card is not None:
            detail = card.detail or "in the model list, which does not say at which endpoint"
            inquiry.evidence.append(
                Evidence(Source.CAPABILITY, detail, _shapes(inquiry), exists=True, age=age)
            )

    async def _ask_jobs(self, inquiry: Inquiry, models: ModelList) -> None:
        headers, since, wait = inquiry.question.headers, inquiry.since, inquiry.wait
        found = await self._lookup.lineage(
            inquiry.upstream, headers, wanted=inquiry.model, since=since, wait=wait
        )
        if isinstance(found.value, LookupFailed):
            detail = f"the job records could not be read ({found.value.reason})"
            inquiry.evidence.append(Evidence(Source.JOB, detail, age=found.age))
            return
        base = found.value.bases.get(inquiry.model)
        what = "the record of its fine-tuning job names"
        if base is None and inquiry.base is None and found.value.jobs:
            checkpoints = await self._lookup.checkpoints(
                inquiry.upstream,
                headers,
                found.value,
                wanted=inquiry.model,
                since=since,
                wait=wait,
            )
            if isinstance(checkpoints.value, Lineage):
                base = checkpoints.value.bases.get(inquiry.model)
                what = "it is a checkpoint of a job that names"
        if base is not None:
            self._add_lineage(inquiry, Source.JOB, what, base, models, age=found.age)

    def _add_lineage(
        self,
        inquiry: Inquiry,
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
        self._names.note(inquiry, trail[-1])
        detail = f"{what} {' → '.join(trail)}"
        inquiry.evidence.append(
            Evidence(source, detail, shapes, base=trail[-1], exists=True, age=age)
        )

    def _shapes_of(self, inquiry: Inquiry, model: str, models: ModelList) -> tuple[Shape, ...]:
        card = models.cards.get(model)
        if card is not None and card.shapes:
            return card.shapes
        learned = self._learned.recall(inquiry.scope, model, inquiry.question.features)
        if learned is not None:
            return (learned.shape,)
        return self._names.endpoints(inquiry, model)


def _shapes(inquiry: Inquiry) -> tuple[Shape, ...]:
    """Return where the model's card says that it lives, as far as that means this request."""
    card = inquiry.card
    if card is None or inquiry.question.shape in card.silent_on:
        return ()
    return card.shapes


def _could_be_a_jobs(inquiry: Inquiry) -> bool:
    """Whether job records could tell where the model lives, and nothing stronger does."""
    strongest = min((ORDER[p.source] for p in inquiry.evidence if p.shapes), default=99)
    return strongest > ORDER[Source.JOB] and not _shapes(inquiry) and inquiry.kind.has_jobs
