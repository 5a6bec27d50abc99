"""/v1/fine_tuning/jobs: jobs can be started, retrieved and cancelled; nothing is trained.

There is no clock here. Each `GET` of a job by its id advances it by one step (`validating_files`,
`queued`, `running`, `succeeded`); listing jobs or events does not. A job that has succeeded adds a
model, which answers at the endpoints of its base.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from gateway.demo.call import RequestContext
from gateway.demo.generation.answer import Json
from gateway.demo.models import FINE_TUNABLE, DemoModel, Job
from gateway.demo.refusals.models import job_is_over, not_fine_tunable
from gateway.demo.rules import checks, shared
from gateway.demo.rules.checks import Check, nullable, string

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
    """The jobs of one emulator, which its accounts hold. `created` is in unix seconds."""

    def __init__(self, created: int) -> None:
        self._created = created

    async def create(self, context: RequestContext) -> None:
        """POST /v1/fine_tuning/jobs; the files need not exist."""
        body = await context.call.json()
        _check(body)
        if body["model"] not in FINE_TUNABLE & context.account.models.keys():
            raise not_fine_tunable(body["model"])
        number = context.account.started
        digest = hashlib.sha256(f"{number}:{body['model']}:{body['training_file']}".encode())
        job_id = f"ftjob-{digest.hexdigest()[:24]}"
        job = Job(
            job_id,
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
                f"Created fine-tuning job: {job_id}",
                f"Validating training file: {body['training_file']}",
            ),
        )
        context.account.start(job)
        await context.call.reply_json(job.record())

    async def retrieve(self, context: RequestContext) -> None:
        """GET /v1/fine_tuning/jobs/{job}: the job, which then advances by one step."""
        job = context.account.job(context.path["job"])
        await context.call.reply_json(job.record())
        if job.status in _NEXT:
            self._advance(context, job)

    async def cancel(self, context: RequestContext) -> None:
        """POST /v1/fine_tuning/jobs/{job}/cancel."""
        job = context.account.job(context.path["job"])
        if job.status not in _NEXT:
            raise job_is_over(job.status)
        cancelled = replace(
            job, status="cancelled", messages=(*job.messages, "Fine-tuning job cancelled")
        )
        context.account.update(cancelled)
        await context.call.reply_json(cancelled.record())

    def _advance(self, context: RequestContext, job: Job) -> None:
        status = _NEXT[job.status]
        if status != "succeeded":
            moved = "Files validated, moving job to queued state"
            message = moved if status == "queued" else "Fine-tuning job started"
            context.account.update(replace(job, status=status, messages=(*job.messages, message)))
            return
        model = _model_of(job, context.account.models[job.model])
        context.account.models[model.id] = model
        messages = (
            *job.messages,
            f"New fine-tuned model created: {model.id}",
            "The job has successfully completed",
        )
        context.account.update(
            replace(job, status=status, fine_tuned_model=model.id, messages=messages)
        )


def _check(body: Json) -> None:
    shared.requested_model(body)
    shared.check_known(_JOB, body)
    shared.check_required(("training_file",), body)
    shared.check_members(_JOB, body)


def _model_of(job: Job, base: DemoModel) -> DemoModel:
    """Return the model that a job makes; it lives where its base lives."""
    name = f"ft:{job.model}:{OWNER}:{job.suffix or ''}:{job.id.removeprefix('ftjob-')[:8]}"
    return replace(base, id=name, owner=OWNER, created=job.created, shutdown_date=None)
