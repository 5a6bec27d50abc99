"""The emulator's callers, and what each key may see.

Model lists, job records and generation are all scoped to the bearer key, as OpenAI's are to the
organisation. Keys that see the same models share an account, and with it the jobs that were
started, the models that these made, and deletions.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gateway.demo.kept_items import KeptItems
from gateway.demo.kept_responses import KeptResponses
from gateway.demo.messages_models import MESSAGES_MODELS, MessagesModel
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
from gateway.demo.refusals import Refused
from gateway.demo.refusals.models import model_not_found, model_retired, responses_model_missing
from gateway.demo.refusals.service import no_key, wrong_key

MOST_JOBS = 1_000
_UNLISTED = {VARIATIONS_MODEL.id: VARIATIONS_MODEL}


@dataclass(slots=True)
class Account:
    """What one key sees: its models by id, and its jobs, newest first.

    `started` counts all jobs started so far; `items` are the output items of its responses, which
    are stored themselves in `responses`.
    `messages_models` are Anthropic's, which have a list of their own.
    """

    models: dict[str, DemoModel]
    jobs: tuple[Job, ...]
    started: int = 0
    items: KeptItems = field(default_factory=KeptItems)
    responses: KeptResponses = field(default_factory=KeptResponses)
    messages_models: dict[str, MessagesModel] = field(default_factory=dict)

    def model_for(self, model: str, endpoint: Endpoint) -> DemoModel:
        """Return the model if it lives at `endpoint`.

        Raises `Refused` in OpenAI's words: unknown, retired, or served at another endpoint.
        """
        found = self.models.get(model) or _UNLISTED.get(model)
        if found is None:
            if model in RETIRED_MODELS:
                raise model_retired(model)
            if endpoint is Endpoint.RESPONSES:
                raise responses_model_missing(model)
            raise model_not_found(model)
        refusal = found.refusal_at(endpoint)
        if refusal is not None:
            raise refusal
        return found

    def job(self, job_id: str) -> Job:
        """Return one of the account's own jobs; raises `Refused` for any other id."""
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise Refused(
            404,
            f"Could not find fine tune: {job_id}",
            param="fine_tune_id",
            code="fine_tune_not_found",
        )

    def start(self, job: Job) -> None:
        """Add a job; beyond `MOST_JOBS` the oldest are dropped."""
        self.started += 1
        self.jobs = (job, *self.jobs)[:MOST_JOBS]

    def update(self, changed: Job) -> None:
        """Replace a job by its new state."""
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
            raise no_key()
        visible = self._visible_to(key)
        if visible not in self._known:
            self._known[visible] = self._account(visible)
        return self._known[visible]

    def _visible_to(self, key: str) -> frozenset[str]:
        if self._keys is not None:
            if key not in self._keys:
                raise wrong_key(key)
            return self._keys[key]
        if not key.startswith("sk-"):
            raise wrong_key(key)
        hidden = () if key == PRIVATE_KEY else PRIVATE_MODELS
        ids = [model.id for model in ALL_MODELS if model not in hidden]
        return frozenset([*ids, *(model.id for model in MESSAGES_MODELS)])

    def _account(self, visible: frozenset[str]) -> Account:
        models = {model.id: model for model in ALL_MODELS if model.id in visible}
        finished = tuple(job for job in FINISHED_JOBS if job.fine_tuned_model in visible)
        owns_jobs = any(job.owner == "acme" for job in finished)
        return Account(
            models,
            (self._earlier_jobs if owns_jobs else ()) + finished,
            messages_models={each.id: each for each in MESSAGES_MODELS if each.id in visible},
        )
