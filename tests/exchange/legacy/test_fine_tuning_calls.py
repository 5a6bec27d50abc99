"""The upstream calls of one request: all pages, files, and errors with the old names."""

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.errors import (
    InvalidRequest,
)
from gateway.exchange.legacy.fine_tuning_calls import MAX_EVENTS, MAX_PAGES
from tests import kinds
from tests.exchange.legacy.jobs import JOB_PATH, PATH, RUNNING, Jobs, polls
from tests.exchange.legacy_scene import LegacyScene, queries, refused
from tests.fakes import FakeReply, error_reply, json_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.test_fine_tune_events import job_event
from tests.translate.legacy.test_fine_tunes import JOB

ID = (b"x-request-id", b"up-1")


def test_an_upstreams_refusal_names_the_fine_tunes_parameter() -> None:
    reply = error_reply(400, "Too many.", param="hyperparameters.n_epochs", code="invalid")
    scene = LegacyScene(Jobs(broken={"/jobs": lambda: reply}))
    error = refused(scene, "POST", "/fine-tunes", {"training_file": "f", "n_epochs": 99})
    assert (error.status, error.param, error.code) == (400, "n_epochs", "invalid")
    assert "(upstream parameter: hyperparameters.n_epochs)." in error.message


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (FakeReply(200, (ID,), (b"[]",)), 502),
        (FakeReply(302, (ID, (b"location", b"http://elsewhere/"))), 502),
        (FakeReply(404, (ID,), (b"no such job",)), 404),
        (FakeReply(500, (ID,), (b'{"error": {"message": "down"}}',)), 502),
    ],
    ids=["no object", "redirect", "no job", "error"],
)
def test_an_error_about_a_reply_has_its_id(reply: FakeReply, status: int) -> None:
    error = refused(LegacyScene(Jobs(broken={JOB_PATH: lambda: reply})), "GET", PATH)
    assert (error.status, error.headers[0]) == (status, ("x-request-id", "up-1"))


def test_a_job_that_was_made_is_returned_even_if_its_events_and_files_fail() -> None:
    broken = {"/events": lambda: error_reply(500, "x"), "/files/file-train": lambda: FakeReply(500)}
    for method, path in (("POST", "/fine-tunes"), ("POST", f"{PATH}/cancel")):
        scene = LegacyScene(Jobs(broken=broken))
        result = scene.ask(method, path, {"training_file": "file-train"})
        check_legacy("FineTune", result.json)
        assert (result.json["id"], result.json["events"]) == ("ftjob-abc123", [])
        assert result.json["training_files"][0]["filename"] == ""
        assert result.decision.warning == "the events could not be read (status 502)"
    assert refused(LegacyScene(Jobs(broken=broken)), "GET", PATH).status == 502


def test_warnings_of_one_call_are_all_kept() -> None:
    scene = LegacyScene(Jobs(broken={"/events": lambda: error_reply(500, "x")}))
    body = {"training_file": "file-train", "learning_rate_multiplier": 2}
    warning = scene.ask("POST", "/fine-tunes", body).decision.warning
    assert "learning_rate_multiplier" in warning
    assert warning.endswith("; the events could not be read (status 502)")


def test_all_pages_of_jobs_are_one_list() -> None:
    jobs = [{**JOB, "id": f"ftjob-{n}"} for n in range(250)]
    scene = LegacyScene(Jobs(jobs=jobs))
    result = scene.ask("GET", "/fine-tunes", query=b"limit=3&api-version=1&after=x")
    check_legacy("ListFineTunesResponse", result.json)
    assert [each["id"] for each in result.json["data"]] == [job["id"] for job in jobs]
    assert queries(scene.network) == [
        "GET /fine_tuning/jobs?api-version=1&limit=100",
        "GET /fine_tuning/jobs?api-version=1&limit=100&after=ftjob-99",
        "GET /fine_tuning/jobs?api-version=1&limit=100&after=ftjob-199",
    ]
    assert result.decision.warning == ""


def test_a_list_without_an_end_is_read_in_part() -> None:
    same = LegacyScene(lambda _: json_reply({"data": [JOB], "has_more": True}))
    assert len(same.ask("GET", "/fine-tunes").json["data"]) == 2
    count = iter(range(10_000))
    endless = LegacyScene(
        lambda _: json_reply({"data": [{**JOB, "id": f"ftjob-{next(count)}"}], "has_more": True})
    )
    result = endless.ask("GET", "/fine-tunes")
    assert len(result.json["data"]) == len(endless.network.calls) == MAX_PAGES


def test_ids_are_opaque_and_quoted_again() -> None:
    scene = LegacyScene(Jobs())
    error = refused(scene, "GET", "/fine-tunes/ft-a+b%2F..%3Fc")
    assert scene.network.paths == ["GET /fine_tuning/jobs/ft-a%20b%2F..%3Fc"]
    assert isinstance(error, InvalidRequest)
    assert (error.status, error.param, error.code) == (404, "fine_tune_id", "no_job")
    assert "No such fine-tune: ft-a b/..?c" in error.message
    assert "upstream parameter" not in error.message


@pytest.mark.parametrize("status", [401, 400])
def test_the_gateways_own_key_refused_is_not_shown(status: int) -> None:
    own = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("k"))
    scene = LegacyScene(lambda _: error_reply(status, "Incorrect API key: sk-o*wn"), own)
    assert refused(scene, "GET", "/fine-tunes").code == "upstream_auth_error"
    theirs = LegacyScene(lambda _: error_reply(401, "Incorrect key", code="invalid_api_key"))
    assert refused(theirs, "GET", "/fine-tunes").status == 401


def test_of_very_many_events_the_newest_are_followed() -> None:
    events = [job_event(n) for n in range(MAX_EVENTS + 100, 0, -1)]
    result = LegacyScene(Jobs(events=events)).ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len(result.events) == MAX_EVENTS + 1
    assert result.events[0]["message"] == "Step 101"


def test_only_new_pages_are_asked_for_again() -> None:
    old = [job_event(n) for n in range(250, 0, -1)]
    scene = LegacyScene(polls((RUNNING, old), (dict(JOB), [job_event(251), *old])))
    scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len([path for path in scene.network.paths if path.endswith("/events")]) == 3 + 1


def test_a_job_that_is_not_there_is_an_error_and_not_a_stream() -> None:
    error = refused(LegacyScene(Jobs()), "GET", "/fine-tunes/x/events", query=b"stream=true")
    assert (error.status, error.param) == (404, "fine_tune_id")
