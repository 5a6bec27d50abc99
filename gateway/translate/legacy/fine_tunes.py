"""Clients of /v1/fine-tunes on /v1/fine_tuning/jobs.

OpenAI shut /v1/fine-tunes down in January 2024. The client's requests and objects are those of
openai-openapi 1.3.0 (`CreateFineTuneRequest`, `FineTune`), the upstream's those of 2026
(`CreateFineTuningJobRequest`, `FineTuningJob`). Ids are opaque: clients get `ftjob-…` for `ft-…`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter, UpstreamError
from gateway.shapes import Json
from gateway.translate.legacy.fine_tune_events import failure_event, seconds, status_from_job
from gateway.translate.parts.fields import finite_number
from gateway.translate.schema.checks import (
    Array,
    Boolean,
    Check,
    Integer,
    Number,
    String,
    check,
    extensions,
)
from gateway.translate.schema.errors import missing

DEFAULT_MODEL = "curie"
DEFAULT_EPOCHS = 4
DEFAULT_PROMPT_LOSS_WEIGHT = 0.01
MAX_SUFFIX = 40

SUCCESSORS: Mapping[str, str] = {
    "ada": "babbage-002",
    "babbage": "babbage-002",
    "curie": "davinci-002",
    "davinci": "davinci-002",
}
"""The base models of 2021 and their replacements (platform.openai.com, deprecations).

They cannot be fine-tuned under their own names any more, so they are always replaced."""

TABLE: Mapping[str, Check] = {
    "training_file": String(),
    "validation_file": String(),
    "model": String(),
    "n_epochs": Integer(1),
    "batch_size": Integer(1),
    "learning_rate_multiplier": Number(0),
    "prompt_loss_weight": Number(),
    "compute_classification_metrics": Boolean(),
    "classification_n_classes": Integer(),
    "classification_positive_class": String(),
    "classification_betas": Array(Number()),
    "suffix": String(MAX_SUFFIX),
}
"""Every parameter of `POST /v1/fine-tunes`."""

JOB_ID = "fine_tune_id"
"""The name of a fine-tune's id in errors; OpenAI's errors still use it for a job's id."""

_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")
_OF_CLASSIFICATION = (
    "classification_n_classes",
    "classification_positive_class",
    "classification_betas",
)
_NESTED = re.compile(r"(?:hyperparameters|method\.\w+\.hyperparameters)\.(\w+)\Z")
_FILE_FIELDS: Mapping[str, tuple[type, object]] = {
    "bytes": (int, 0),
    "created_at": (int, 0),
    "filename": (str, ""),
    "purpose": (str, "fine-tune"),
}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The body for `POST /v1/fine_tuning/jobs`, and the facts to report about it."""

    body: Json
    dropped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    warning: str = ""


def model_of(body: Json) -> str:
    """Return the base model of a request; raises `InvalidRequest`."""
    model = body.get("model")
    name = DEFAULT_MODEL if model is None else String().accept(model, "model")
    if not name:
        raise InvalidRequest("'model' must not be empty.", param="model", code="invalid_value")
    return name


def request_to_job(
    body: Json, settings: TranslationSettings, *, alias: str | None = None
) -> JobRequest:
    """Return the job request for a fine-tune request.

    `alias` is the configured alias of its model. Hyperparameters go to the top level, where all
    versions of the API read them. Raises `InvalidRequest` for a wrong request, and
    `UnsupportedParameter` for a parameter without an equivalent.
    """
    checked = check(body, TABLE)
    _refuse_unknown(checked)
    if not checked.get("training_file"):
        raise missing("training_file")
    model = model_of(checked)
    dropped = _dropped(checked, settings)
    parameters = {n: checked[n] for n in _HYPERPARAMETERS if n in checked}
    successor = None if alias else SUCCESSORS.get(model)
    changed = (f"model:{model}->{successor}",) if successor else ()
    job: Json = {
        "model": alias or successor or model,
        "training_file": checked["training_file"],
        # Always sent: the default of a job is chosen by the upstream.
        "hyperparameters": {"n_epochs": DEFAULT_EPOCHS, **parameters},
    }
    job |= {name: checked[name] for name in ("validation_file", "suffix") if checked.get(name)}
    warning = ""
    if "learning_rate_multiplier" in checked:
        warning = "learning_rate_multiplier is sent unchanged, but its scale may have changed"
    return JobRequest(job, tuple(dropped), changed, warning)


def client_param(param: str | None) -> str | None:
    """Return the client's name of a job parameter; None if a fine-tune does not have it."""
    nested = _NESTED.match(param) if param else None
    name = nested[1] if nested else param
    return name if name in TABLE or name == JOB_ID else None


def file_ids(job: Json) -> list[str]:
    """Return the ids of the files that a job used or made, each once."""
    named = [*_ids(job.get("training_file")), *_ids(job.get("validation_file"))]
    return list(dict.fromkeys([*named, *_ids(job.get("result_files"))]))


def fine_tune_from_job(
    job: object, events: Sequence[Json] | None = None, files: Mapping[str, object] | None = None
) -> Json:
    """Return a job as a fine-tune.

    `events` are events of a fine-tune, oldest first; None leaves them out, as in a list. `files`
    are file objects by id; missing ones are made from their ids. Raises `UpstreamError` for a job
    without an id.
    """
    if not isinstance(job, dict) or not isinstance(job.get("id"), str):
        raise UpstreamError("The upstream's fine-tuning job has no id.")
    known = files or {}
    fine_tune: Json = {
        "id": job["id"],
        "object": "fine-tune",
        "created_at": seconds(job.get("created_at")) or 0,
        "updated_at": _updated_at(job, events or ()),
        "model": _text(job, "model"),
        "fine_tuned_model": _text(job, "fine_tuned_model") or None,
        "organization_id": _text(job, "organization_id"),
        "status": status_from_job(job),
        "hyperparams": _hyperparams(job),
        "training_files": _files(job, "training_file", known),
        "validation_files": _files(job, "validation_file", known),
        "result_files": _files(job, "result_files", known),
    }
    if events is not None:
        failure = failure_event(job, [event["message"] for event in events])
        fine_tune["events"] = [*events, *([failure] if failure else [])]
    return fine_tune


def fine_tunes_from_jobs(jobs: Sequence[object]) -> Json:
    """Return jobs as a list of fine-tunes, in their order; entries without id are left out."""
    named = [job for job in jobs if isinstance(job, dict) and isinstance(job.get("id"), str)]
    return {"object": "list", "data": [fine_tune_from_job(job) for job in named]}


def entries_of(page: Json) -> list[Any]:
    """Return the entries of a page of jobs or events; raises `UpstreamError` for other objects."""
    entries = page.get("data")
    if not isinstance(entries, list):
        raise UpstreamError("The upstream's list has no 'data'.")
    return entries


def next_cursor(page: Json) -> str | None:
    """Return `after` for the next page; None on the last one. The lists have no `last_id`."""
    entries = page.get("data")
    if page.get("has_more") is not True or not isinstance(entries, list) or not entries:
        return None
    last = entries[-1].get("id") if isinstance(entries[-1], dict) else None
    return last if isinstance(last, str) and last else None


def _refuse_unknown(body: Json) -> None:
    for name in extensions(body, TABLE):
        raise InvalidRequest(
            f"Unrecognized request argument supplied: {name[:100]}. /v1/fine-tunes does not have "
            "it; remove it, or call /v1/fine_tuning/jobs.",
            param=name[:100],
            code="unknown_parameter",
        )


def _dropped(body: Json, settings: TranslationSettings) -> list[str]:
    """Return the dropped parameters; raises `UnsupportedParameter` for those that matter."""
    if body.get("compute_classification_metrics"):
        raise UnsupportedParameter(
            "'compute_classification_metrics' is not supported: fine-tuning jobs do not compute "
            "them. Remove it, and evaluate the model on the validation file yourself.",
            param="compute_classification_metrics",
        )
    dropped = [name for name in _OF_CLASSIFICATION if name in body]
    weight = body.get("prompt_loss_weight", DEFAULT_PROMPT_LOSS_WEIGHT)
    if weight == DEFAULT_PROMPT_LOSS_WEIGHT:
        return dropped
    if settings.on_unsupported == "drop":
        return ["prompt_loss_weight", *dropped]
    raise UnsupportedParameter(
        "'prompt_loss_weight' is not supported: fine-tuning jobs have no equivalent. Remove it, or "
        "ask the gateway's operator to drop it (on_unsupported: drop).",
        param="prompt_loss_weight",
    )


def _hyperparams(job: Json) -> Json:
    """Return the hyperparameters; null means that the upstream chooses the value."""
    method = job.get("method")
    kind = method.get("type") if isinstance(method, dict) else None
    details = method.get(kind) if isinstance(method, dict) and isinstance(kind, str) else None
    nested = details.get("hyperparameters") if isinstance(details, dict) else None
    given = nested if isinstance(nested, dict) else job.get("hyperparameters")
    values = given if isinstance(given, dict) else {}
    return {
        "batch_size": finite_number(values.get("batch_size")),
        "learning_rate_multiplier": finite_number(values.get("learning_rate_multiplier")),
        "n_epochs": finite_number(values.get("n_epochs")),
        "prompt_loss_weight": None,
    }


def _updated_at(job: Json, events: Sequence[Json]) -> int:
    newest = max((event["created_at"] for event in events), default=0)
    return seconds(job.get("finished_at")) or newest or seconds(job.get("created_at")) or 0


def _files(job: Json, key: str, known: Mapping[str, object]) -> list[Json]:
    return [_file(file_id, known.get(file_id)) for file_id in _ids(job.get(key))]


def _file(file_id: str, known: object) -> Json:
    """Return a file object with all fields, each of its type, whatever is known."""
    fetched = known if isinstance(known, dict) else {}
    file: Json = {"id": file_id, "object": "file"}
    for name, (kind, unknown) in _FILE_FIELDS.items():
        value = fetched.get(name)
        number = seconds(value) if kind is int else value
        file[name] = number if isinstance(number, kind) else unknown
    if isinstance(fetched.get("status"), str):
        file["status"] = fetched["status"]
    return file


def _ids(value: object) -> list[str]:
    """Return the file ids in a field of a job: an id, a list of ids, or of file objects."""
    listed = value if isinstance(value, list) else [value]
    named = (entry.get("id") if isinstance(entry, dict) else entry for entry in listed)
    return [entry for entry in named if isinstance(entry, str) and entry]


def _text(job: Json, key: str) -> str:
    value = job.get(key)
    return value if isinstance(value, str) else ""
