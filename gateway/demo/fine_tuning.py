"""/v1/fine_tuning/jobs: jobs that are started, looked at and cancelled; nothing is ever trained.

There is no clock here. A job that was started moves one step on whenever it is looked at by its id
(`validating_files`, `queued`, `running`, `succeeded`); listing jobs or events leaves it where it
is. When it has succeeded there is a model, which answers wherever its base does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from gateway.demo import checks, refusals, sampling
from gateway.demo.answer import Json
from gateway.demo.checks import Check, nullable, string
from gateway.demo.models import FINE_TUNABLE, DemoModel, Job
from gateway.demo.visit import Visit

OWNER = "acme"
_NEXT = {"validating_files": "queued", "queued": "running", "running": "succeeded"}


def _auto_or(check: Check) -> Check:
    def either(path: str, value: object) -> None:
        if value != "auto":
            check(path, value)

    return either


_HYPERPARAMETERS: Mapping[str, Check] = {
    "n_epochs": _auto_or(checks.integer(1, 50)),
    "batch_size": _auto_or(checks.integer(1, 256)),
    "learning_rate_multiplier": _auto_or(checks.number(0, 100)),
}
_JOB: Mapping[str, Check] = {
    "model": string,
    "training_file": string,
    "validation_file": nullable(string),
    "hyperparameters": checks.record({}, _HYPERPARAMETERS, open_=False),
    "suffix": nullable(checks.short_string(64)),
    "seed": nullable(checks.integer()),
    "metadata": nullable(checks.mapping),
}


class FineTuning:
    """The jobs of one emulator; whose they are, the account says. `created` is in unix seconds."""

    def __init__(self, created: int) -> None:
        self._created = created

    async def create(self, visit: Visit) -> None:
        """POST /v1/fine_tuning/jobs; the files are not asked for."""
        body = await visit.call.json()
        _check(body)
        if body["model"] not in FINE_TUNABLE & visit.account.models.keys():
            raise refusals.not_fine_tunable(body["model"])
        number = visit.account.started
        digest = hashlib.sha256(f"{number}:{body['model']}:{body['training_file']}".encode())
        made_by = f"ftjob-{digest.hexdigest()[:24]}"
        job = Job(
            made_by,
            body["model"],
            None,
            "validating_files",
            self._created + number,
            OWNER,
            training_file=body["training_file"],
            validation_file=body.get("validation_file"),
            hyperparameters={"n_epochs": "auto", **body.get("hyperparameters", {})},
            suffix=body.get("suffix"),
            messages=(
                f"Created fine-tuning job: {made_by}",
                f"Validating training file: {body['training_file']}",
            ),
        )
        visit.account.start(job)
        await visit.call.reply_json(job.record())

    async def look(self, visit: Visit) -> None:
        """GET /v1/fine_tuning/jobs/{job}: the job, which then moves one step on."""
        job = visit.account.job(visit.path["job"])
        await visit.call.reply_json(job.record())
        if job.status in _NEXT:
            self._advance(visit, job)

    async def cancel(self, visit: Visit) -> None:
        """POST /v1/fine_tuning/jobs/{job}/cancel."""
        job = visit.account.job(visit.path["job"])
        if job.status not in _NEXT:
            raise refusals.job_is_over(job.status)
        cancelled = replace(
            job, status="cancelled", messages=(*job.messages, "Fine-tuning job cancelled")
        )
        visit.account.update(cancelled)
        await visit.call.reply_json(cancelled.record())

    def _advance(self, visit: Visit, job: Job) -> None:
        status = _NEXT[job.status]
        if status != "succeeded":
            moved = "Files validated, moving job to queued state"
            message = moved if status == "queued" else "Fine-tuning job started"
            visit.account.update(replace(job, status=status, messages=(*job.messages, message)))
            return
        model = _model_of(job, visit.account.models[job.model])
        visit.account.models[model.id] = model
        messages = (
            *job.messages,
            f"New fine-tuned model created: {model.id}",
            "The job has successfully completed",
        )
        visit.account.update(
            replace(job, status=status, fine_tuned_model=model.id, messages=messages)
        )


def _check(body: Json) -> None:
    sampling.requested_model(body)
    for name in body:
        if name not in _JOB:
            raise refusals.unknown_parameter(name)
    sampling.check_required(("training_file",), body)
    sampling.check_members(_JOB, body)


def _model_of(job: Job, base: DemoModel) -> DemoModel:
    """Return the model that a job makes: it lives where its base lives."""
    name = f"ft:{job.model}:{OWNER}:{job.suffix or ''}:{job.id.removeprefix('ftjob-')[:8]}"
    return replace(base, id=name, owner=OWNER, created=job.created, shutdown_date=None)
