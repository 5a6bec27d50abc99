"""Who calls the emulator, and what that key may see.

Model lists, job records and generation are all scoped to the bearer key, as OpenAI's are to the
organisation: what one key sees proves nothing for another. Keys that see the same share an account,
and with it the jobs that were started and the models that came of them or were deleted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gateway.demo import refusals
from gateway.demo.kept_items import KeptItems
from gateway.demo.models import (
    ALL_MODELS,
    FINISHED_JOBS,
    PRIVATE_KEY,
    PRIVATE_MODELS,
    RETIRED_MODELS,
    VARIATIONS_MODEL,
    DemoModel,
    Endpoint,
    Job,
    failed_jobs,
)

MOST_JOBS = 1_000
_UNLISTED = {VARIATIONS_MODEL.id: VARIATIONS_MODEL}


@dataclass(slots=True)
class Account:
    """What one key sees: its models by id, and its jobs, newest first.

    `started` counts the jobs that were ever started, `items` are those of its responses.
    """

    models: dict[str, DemoModel]
    jobs: tuple[Job, ...]
    started: int = 0
    items: KeptItems = field(default_factory=KeptItems)

    def model_for(self, model: str, endpoint: Endpoint) -> DemoModel:
        """Return the model if it lives at `endpoint`.

        Raises `Refused` in OpenAI's words: no such model, retired, or at another endpoint.
        """
        found = self.models.get(model) or _UNLISTED.get(model)
        if found is None:
            if model in RETIRED_MODELS:
                raise refusals.model_retired(model)
            if endpoint is Endpoint.RESPONSES:
                raise refusals.responses_model_missing(model)
            raise refusals.model_not_found(model)
        refusal = found.refusal_at(endpoint)
        if refusal is not None:
            raise refusal
        return found

    def job(self, job_id: str) -> Job:
        """Return one of the account's own jobs; raises `Refused` for any other id."""
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise refusals.Refused(
            404,
            f"Could not find fine tune: {job_id}",
            param="fine_tune_id",
            code="fine_tune_not_found",
        )

    def start(self, job: Job) -> None:
        """Add a job; the oldest are forgotten beyond `MOST_JOBS`."""
        self.started += 1
        self.jobs = (job, *self.jobs)[:MOST_JOBS]

    def update(self, changed: Job) -> None:
        """Put what became of a job in its place."""
        self.jobs = tuple(changed if job.id == changed.id else job for job in self.jobs)


class Accounts:
    """All keys of one emulator.

    `keys` maps each accepted key to the ids of the models that it sees. Without it any key that
    begins with `sk-` is accepted and sees the public and acme's models; `PRIVATE_KEY` sees the
    private one as well. `earlier_jobs` is the number of failed jobs listed before the useful ones:
    20 of them fill OpenAI's first page.
    """

    def __init__(
        self, keys: Mapping[str, Collection[str]] | None = None, earlier_jobs: int = 20
    ) -> None:
        self._keys = None if keys is None else {key: frozenset(ids) for key, ids in keys.items()}
        self._earlier_jobs = tuple(failed_jobs(earlier_jobs))
        self._known: dict[frozenset[str], Account] = {}

    def authenticate(self, authorization: str | None) -> Account:
        """Return the account behind an Authorization header; raises `Refused` (401)."""
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise refusals.no_key()
        visible = self._visible_to(key)
        if visible not in self._known:
            self._known[visible] = self._account(visible)
        return self._known[visible]

    def _visible_to(self, key: str) -> frozenset[str]:
        if self._keys is not None:
            if key not in self._keys:
                raise refusals.wrong_key(key)
            return self._keys[key]
        if not key.startswith("sk-"):
            raise refusals.wrong_key(key)
        hidden = () if key == PRIVATE_KEY else PRIVATE_MODELS
        return frozenset(model.id for model in ALL_MODELS if model not in hidden)

    def _account(self, visible: frozenset[str]) -> Account:
        models = {model.id: model for model in ALL_MODELS if model.id in visible}
        finished = tuple(job for job in FINISHED_JOBS if job.fine_tuned_model in visible)
        owns_jobs = any(job.owner == "acme" for job in finished)
        return Account(models, (self._earlier_jobs if owns_jobs else ()) + finished)
