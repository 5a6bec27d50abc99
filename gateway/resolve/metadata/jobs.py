"""Reads fine-tuning job records: which model was made from which. Pure, and never raises.

Read alike: OpenAI's and Azure's /fine_tuning/jobs (openai-openapi, FineTuningJob), Mistral's, the
/v1/fine-tunes of 2021 to 2024, and Together's /fine-tunes, where the result is `model_output_name`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.envelopes.json_fields import batches, is_list, last_object
from gateway.envelopes.slices import Work
from gateway.resolve.names.model_ids import model_name
from gateway.shapes import Json

_RESULT_KEYS = ("fine_tuned_model", "model_output_name", "x_model_output_name")


@dataclass(frozen=True, slots=True)
class JobsPage:
    """One page of job records."""

    bases: dict[str, str] = field(default_factory=dict)
    """Fine-tuned model → the model it was made from, which may be a fine-tune itself."""
    after: str | None = None
    """The cursor of the next page, `?after=`; None on the last."""
    jobs: dict[str, str] = field(default_factory=dict)
    """Job id → the model that it trained from, for the checkpoints of jobs that have a result."""


def read_jobs(payload: object) -> Work[JobsPage]:
    """Read a page of jobs, or a single job.

    A job without a result (queued, running, failed) does not count. The cursor is the last job's
    id: these lists carry no `last_id`.
    """
    bases: dict[str, str] = {}
    jobs: dict[str, str] = {}
    for number, batch in enumerate(_records(payload)):
        if number:
            yield
        for job in batch:
            base = model_name(job, "model")
            result = model_name(job, *_RESULT_KEYS)
            if base is None or result is None or result == base:
                continue
            bases.setdefault(result, base)
            if (job_id := model_name(job, "id")) is not None:
                jobs[job_id] = base
    return JobsPage(bases=bases, after=_next_page(payload), jobs=jobs)


def read_checkpoints(payload: object, base: str) -> Work[dict[str, str]]:
    """Read the first page of one job's checkpoints: checkpoint model → base.

    `base` is what the job says; checkpoint records do not repeat it.
    """
    bases: dict[str, str] = {}
    for number, batch in enumerate(_records(payload)):
        if number:
            yield
        names = (model_name(record, "fine_tuned_model_checkpoint") for record in batch)
        bases |= {name: base for name in names if name and name != base}
    return bases


def _records(payload: object) -> Iterator[list[Json]]:
    if isinstance(payload, dict):
        listed = payload.get("data")
        return batches(listed if is_list(listed) else [payload])
    return batches(payload)


def _next_page(payload: object) -> str | None:
    if not isinstance(payload, dict) or payload.get("has_more") is not True:
        return None
    if (last := model_name(payload, "last_id")) is not None:
        return last
    listed = payload.get("data")
    last_record = last_object(listed) if is_list(listed) else None
    return None if last_record is None else model_name(last_record, "id")
