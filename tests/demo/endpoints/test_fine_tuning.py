"""Jobs that are started, looked at and cancelled; the model that comes of one."""

from typing import Any

import pytest
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from gateway.demo import emulator
from gateway.demo.emulator import Emulator
from gateway.demo.models import PRIVATE_KEY
from tests.demo.client import ask, post

JOBS = "/v1/fine_tuning/jobs"


@pytest.fixture
def app() -> Emulator:
    return emulator.build(earlier_jobs=0)


def start(app: Emulator, **more: Any) -> Any:
    body = {"model": "davinci-002", "training_file": "file-a", **more}
    return post(app, JOBS, **body).json()


def look(app: Emulator, job: Any) -> Any:
    return ask(app, "GET", f"{JOBS}/{job['id']}").json()


def messages(app: Emulator, job: Any) -> list[str]:
    events = ask(app, "GET", f"{JOBS}/{job['id']}/events").json()["data"]
    for event in events:
        FineTuningJobEvent.model_validate(event)
    return [event["message"] for event in reversed(events)]


def test_a_job_moves_on_whenever_it_is_looked_at(app: Emulator) -> None:
    job = start(app)
    FineTuningJob.model_validate(job)
    assert job["status"] == "validating_files"
    looks = [look(app, job) for _ in range(5)]
    statuses = [seen["status"] for seen in looks]
    assert statuses == ["validating_files", "queued", "running", "succeeded", "succeeded"]
    assert [seen["finished_at"] is None for seen in looks] == [True, True, True, False, False]
    assert messages(app, job) == [
        f"Created fine-tuning job: {job['id']}",
        "Validating training file: file-a",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
        f"New fine-tuned model created: {looks[-1]['fine_tuned_model']}",
        "The job has successfully completed",
    ]


@pytest.mark.parametrize(
    ("base", "path", "more"),
    [
        ("davinci-002", "/v1/completions", {"prompt": "x"}),
        (
            "gpt-3.5-turbo",
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "x"}]},
        ),
    ],
)
def test_the_model_of_a_job_answers_where_its_base_does_until_it_is_deleted(
    app: Emulator, base: str, path: str, more: dict[str, Any]
) -> None:
    job = start(app, model=base, suffix="bot")
    for _ in range(3):
        look(app, job)
    model = look(app, job)["fine_tuned_model"]
    assert model.startswith(f"ft:{base}:acme:bot:")
    assert post(app, path, model=model, **more).status == 200
    deleted = ask(app, "DELETE", f"/v1/models/{model}")
    assert deleted.json() == {"id": model, "object": "model", "deleted": True}
    assert post(app, path, model=model, **more).error()[3] == "model_not_found"
    assert ask(app, "DELETE", f"/v1/models/{model}").error()[0] == 404


def test_models_of_openai_cannot_be_deleted(app: Emulator) -> None:
    status, message, param, _ = ask(app, "DELETE", "/v1/models/davinci-002").error()
    assert (status, param) == (403, "model")
    assert "insufficient permissions" in message


def test_listing_jobs_and_events_leaves_them_where_they_are(app: Emulator) -> None:
    job = start(app)
    assert ask(app, "GET", JOBS).json()["data"][0] == job
    assert len(messages(app, job)) == len(messages(app, job)) == 2
    assert look(app, job)["status"] == "validating_files"


def test_a_job_can_be_cancelled_until_it_is_over(app: Emulator) -> None:
    job = start(app)
    path = f"{JOBS}/{job['id']}/cancel"
    cancelled = ask(app, "POST", path).json()
    assert (cancelled["status"], cancelled["fine_tuned_model"]) == ("cancelled", None)
    assert look(app, job) == look(app, job) == cancelled
    assert messages(app, job)[-1] == "Fine-tuning job cancelled"
    assert ask(app, "POST", path).error()[:2] == (
        400,
        "Job has already completed: its status is cancelled.",
    )
    assert ask(app, "POST", f"{JOBS}/ftjob-none/cancel").status == 404


def test_what_was_asked_for_is_in_the_job(app: Emulator) -> None:
    given = {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.1}
    job = start(app, validation_file="file-b", hyperparameters=given)
    assert (job["training_file"], job["validation_file"]) == ("file-a", "file-b")
    assert job["hyperparameters"] == job["method"]["supervised"]["hyperparameters"] == given
    assert start(app)["hyperparameters"] == {"n_epochs": "auto"}


def test_equal_requests_start_different_jobs(app: Emulator) -> None:
    assert start(app)["id"] != start(app)["id"]


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": "curie"}, "model", "model_not_available"),
        ({"model": "o1-pro"}, "model", "model_not_available"),
        ({"model": 1}, "model", "invalid_type"),
        ({"training_file": 1}, "training_file", "invalid_type"),
        ({"n_epochs": 1}, "n_epochs", "unknown_parameter"),
        (
            {"hyperparameters": {"n_epochs": 0}},
            "hyperparameters.n_epochs",
            "integer_below_min_value",
        ),
        ({"hyperparameters": {"x": 0}}, "hyperparameters.x", "unknown_parameter"),
        ({"suffix": "x" * 65}, "suffix", "string_above_max_length"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    app: Emulator, body: dict[str, Any], param: str, code: str
) -> None:
    given = {"model": "davinci-002", "training_file": "file-a", **body}
    assert post(app, JOBS, **given).error()[2:] == (param, code)


def test_a_training_file_is_required(app: Emulator) -> None:
    refusal = post(app, JOBS, model="davinci-002").error()
    assert refusal[2:] == ("training_file", "missing_required_parameter")


def test_a_key_fine_tunes_only_what_it_sees() -> None:
    app = emulator.build(keys={"one": ["acme-writer-v2"]})
    given = {"model": "davinci-002", "training_file": "file-a"}
    assert ask(app, "POST", JOBS, given, key="one").error()[3] == "model_not_available"


def test_jobs_are_seen_by_their_account_only(app: Emulator) -> None:
    job = start(app)
    path = f"{JOBS}/{job['id']}"
    assert ask(app, "GET", path, key="sk-another-of-acme").status == 200
    assert ask(app, "GET", path, key=PRIVATE_KEY).status == 404


def test_the_jobs_that_were_always_there_say_how_they_ended() -> None:
    app = emulator.build(earlier_jobs=1)
    assert messages(app, {"id": "ftjob-turbo"}) == ["The job is over: succeeded"]
    (event,) = ask(app, "GET", f"{JOBS}/ftjob-failed0000/events").json()["data"]
    assert event["level"] == "error"


def test_old_jobs_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch, app: Emulator) -> None:
    monkeypatch.setattr("gateway.demo.accounts.MOST_JOBS", 2)
    ids = [start(app)["id"] for _ in range(3)]
    assert [job["id"] for job in ask(app, "GET", JOBS).json()["data"]] == [ids[2], ids[1]]


def test_the_results_of_a_job_can_be_downloaded(app: Emulator) -> None:
    (results,) = look(app, {"id": "ftjob-turbo"})["result_files"]
    assert len(ask(app, "GET", f"/v1/files/{results}/content").body) == 64
