"""Fine-tunes as the old library asks for them, made at an upstream that only knows jobs."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import (
    GatewayError,
    PermissionDenied,
    TruncatedStream,
    UpstreamError,
)
from gateway.exchange.legacy.fine_tunes import MAX_JOBS
from gateway.exchange.legacy.fine_tuning_calls import MAX_EVENTS
from gateway.shapes import UpstreamCall
from tests import kinds
from tests.exchange.legacy.jobs import JOB_PATH, PATH, RUNNING, Jobs
from tests.exchange.legacy_scene import LegacyScene, queries, refused
from tests.exchange.scene import OPENAI
from tests.fakes import Answer, FakeReply, json_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.test_fine_tune_events import job_event
from tests.translate.legacy.test_fine_tunes import JOB
from tests.translate.legacy.upstream_json import ANY_JSON, almost

TOGETHER = UpstreamSettings("together", "https://api.together.xyz/v1", kinds.TOGETHER)
VLLM = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)


def test_a_fine_tune_is_created_as_a_job() -> None:
    upstream = Jobs(RUNNING, [job_event(1, "Created")])
    scene = LegacyScene(upstream)
    result = scene.ask("POST", "/fine-tunes", {"training_file": "file-train"})
    check_legacy("FineTune", result.json)
    assert result.json["status"] == "running"
    assert result.json["training_files"][0]["filename"] == "my-data-train.jsonl"
    assert result.json["events"][0]["message"] == "Created 1"
    assert scene.network.bodies() == [
        {
            "model": "davinci-002",
            "training_file": "file-train",
            "hyperparameters": {"n_epochs": 4},
        }
    ]
    headers = dict(scene.network.calls[0].client_headers)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"authorization"] == b"Bearer alice"
    decision = result.decision
    assert (decision.upstream, decision.endpoint) == ("openai", "/v1/fine_tuning/jobs")
    assert decision.translation == (
        "from=fine-tunes; to=fine_tuning/jobs; changed=model:curie->davinci-002"
    )
    assert decision.attempts == len(scene.network.calls) == 4
    shown = dict(result.reply.headers)
    assert shown[b"deprecation"] == b"@1692662400"
    assert shown[b"link"] == b'</v1/fine_tuning/jobs>; rel="successor-version"'


def test_what_a_job_has_no_place_for_is_refused_or_dropped_as_configured() -> None:
    body = {"training_file": "file-train", "prompt_loss_weight": 0.5, "model": "gpt-4o-mini"}
    assert refused(LegacyScene(Jobs()), "POST", "/fine-tunes", body).param == "prompt_loss_weight"
    dropping = TranslationSettings(on_unsupported="drop")
    everywhere = LegacyScene(Jobs(), translation=dropping)
    here = LegacyScene(Jobs(), rules=(ModelRule("gpt-4o-mini", translation=dropping),))
    for scene in (everywhere, here):
        result = scene.ask("POST", "/fine-tunes", body)
        assert result.decision.translation.endswith("; dropped=prompt_loss_weight")


def test_an_alias_names_the_model_to_train() -> None:
    scene = LegacyScene(Jobs(), rules=(ModelRule("curie", model="gpt-4o-mini"),))
    result = scene.ask("POST", "/fine-tunes", {"training_file": "f", "learning_rate_multiplier": 2})
    assert scene.network.bodies()[0]["model"] == "gpt-4o-mini"
    assert "learning_rate_multiplier" in result.decision.warning


@pytest.mark.parametrize(
    ("model", "trained"),
    [
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("openai/curie", "davinci-002"),
        ("openai/", "openai/"),
    ],
)
def test_a_rewritten_name_trains_the_model_that_it_stands_for(model: str, trained: str) -> None:
    scene = LegacyScene(Jobs(), rules=(ModelRule("openai/*", model="*"),))
    result = scene.ask("POST", "/fine-tunes", {"training_file": "f", "model": model})
    assert scene.network.bodies()[0]["model"] == trained
    assert (f"model:curie->{trained}" in result.decision.translation) is (model == "openai/curie")


def test_a_model_that_lives_elsewhere_cannot_be_trained_here() -> None:
    scene = LegacyScene(Jobs(), OPENAI, VLLM, rules=(ModelRule("llama", upstream="vllm"),))
    error = refused(scene, "POST", "/fine-tunes", {"training_file": "f", "model": "llama"})
    assert (error.param, scene.network.calls) == ("model", [])
    here = LegacyScene(Jobs(), OPENAI, VLLM, rules=(ModelRule("llama", upstream="openai"),))
    here.ask("POST", "/fine-tunes", {"training_file": "f", "model": "llama"})


def test_a_client_may_train_its_own_models_only() -> None:
    client = ClientSettings("team", ("0" * 64,), ("gpt-*",))
    body = {"training_file": "f"}
    error = refused(LegacyScene(Jobs()), "POST", "/fine-tunes", body, client=client)
    assert isinstance(error, PermissionDenied)


def test_jobs_are_looked_for_where_there_can_be_some() -> None:
    scene = LegacyScene(Jobs(), VLLM, OPENAI)
    assert scene.ask("GET", PATH).decision.upstream == "openai"
    alone = LegacyScene(Jobs(), VLLM)
    assert alone.ask("GET", PATH).decision.upstream == "vllm"
    second = LegacyScene(Jobs(), OPENAI, TOGETHER)
    assert second.ask("GET", PATH).decision.upstream == "openai"


def test_an_upstream_with_fine_tunes_of_its_own_is_left_alone() -> None:
    scene = LegacyScene(Jobs(), TOGETHER, OPENAI)
    assert scene.router.find("GET", "/v1/fine-tunes")[0].path.pattern == "/v1/.*"
    assert scene.router.find("POST", "/v1/edits")[0].path.pattern == "/v1/edits"


@pytest.mark.parametrize(("count", "size"), [(MAX_JOBS, 100), (MAX_JOBS + 1, 100), (1201, 90)])
def test_very_many_jobs_are_listed_in_part_with_a_warning(count: int, size: int) -> None:
    jobs = [{**JOB, "id": f"ftjob-{n}"} for n in range(count)]
    result = LegacyScene(Jobs(jobs=jobs, page_size=size)).ask("GET", "/fine-tunes")
    assert len(result.json["data"]) == MAX_JOBS
    assert ("only the first 1000" in result.decision.warning) is (count > MAX_JOBS)


def test_a_fine_tune_is_a_job_with_its_events_and_files() -> None:
    scene = LegacyScene(Jobs(events=[job_event(n) for n in (3, 2, 1)], page_size=2))
    result = scene.ask("GET", PATH)
    check_legacy("FineTune", result.json)
    assert [event["message"] for event in result.json["events"]] == ["Step 1", "Step 2", "Step 3"]
    assert result.json["result_files"][0]["id"] == "file-results"
    assert queries(scene.network) == [
        f"GET {JOB_PATH}",
        f"GET {JOB_PATH}/events?limit=100",
        f"GET {JOB_PATH}/events?limit=100&after=ftevent-2",
        "GET /files/file-train",
        "GET /files/file-results",
    ]
    assert result.decision.endpoint == f"/v1{JOB_PATH}"
    assert b"content-type" not in dict(scene.network.calls[0].client_headers)


def test_a_fine_tune_is_cancelled() -> None:
    scene = LegacyScene(Jobs({**RUNNING, "status": "cancelled"}))
    result = scene.ask("POST", f"{PATH}/cancel", b"")
    assert result.json["status"] == "cancelled"
    check_legacy("FineTune", result.json)
    assert scene.network.paths[0] == f"POST {JOB_PATH}/cancel"
    assert scene.network.calls[0].body == b""


def test_events_come_oldest_first() -> None:
    scene = LegacyScene(Jobs(events=[job_event(n) for n in (3, 2, 1)], page_size=2))
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=false")
    check_legacy("ListFineTuneEventsResponse", result.json)
    assert [event["message"] for event in result.json["data"]] == ["Step 1", "Step 2", "Step 3"]
    many = [job_event(n) for n in range(MAX_EVENTS + 5, 0, -1)]
    result = LegacyScene(Jobs(events=many)).ask("GET", f"{PATH}/events")
    assert len(result.json["data"]) == MAX_EVENTS
    assert result.json["data"][-1]["message"] == f"Step {MAX_EVENTS + 5}"
    assert "only the last" in result.decision.warning


@pytest.mark.parametrize(
    "answer",
    [
        json_reply({"object": "fine_tuning.job"}),
        json_reply({"data": 5, "id": 5}),
        json_reply([1]),
        FakeReply(200, pieces=(b"<p>",)),
        FakeReply(200, pieces=(b"",)),
        FakeReply(500, pieces=(b"<p>",)),
        FakeReply(200, pieces=(b"{}",), error=TruncatedStream("Cut.")),
    ],
)
def test_whatever_the_upstream_says_the_client_gets_an_error_of_the_gateway(
    answer: FakeReply,
) -> None:
    for method, path in (
        ("POST", "/fine-tunes"),
        ("GET", "/fine-tunes"),
        ("GET", PATH),
        ("POST", f"{PATH}/cancel"),
        ("GET", f"{PATH}/events"),
    ):
        answer = replace(answer, closed=False)
        error = refused(
            LegacyScene(lambda _, reply=answer: reply), method, path, {"training_file": "f"}
        )
        assert isinstance(error, UpstreamError)
        assert answer.closed


ANY_REPLY = ANY_JSON | almost(
    *("data", "id", "has_more", "status", "error", "training_file", "result_files"),
    inner=ANY_JSON | st.lists(almost("id", "created_at", "message", "level")),
)


@given(
    st.lists(st.tuples(st.sampled_from([200, 400, 404, 409, 500]), ANY_REPLY), min_size=1),
    st.sampled_from([b"", b"stream=true"]),
)
def test_any_upstream_json_gives_a_valid_reply_or_an_error(
    replies: list[tuple[int, Any]], query: bytes
) -> None:
    for method, path, schema in (
        ("POST", "/fine-tunes", "FineTune"),
        ("GET", "/fine-tunes", "ListFineTunesResponse"),
        ("GET", PATH, "FineTune"),
        ("GET", f"{PATH}/events", "ListFineTuneEventsResponse"),
    ):
        turns = cycle(replies)

        def answer(_: UpstreamCall, turns: Iterator[tuple[int, Any]] = turns) -> Answer:
            status, body = next(turns)
            try:
                return json_reply(body, status)
            except OverflowError:
                return FakeReply(status, pieces=(b"{}",))

        try:
            result = LegacyScene(answer).ask(method, path, {"training_file": "f"}, query=query)
        except GatewayError:
            continue
        assert result.reply.status == 200
        if dict(result.reply.headers)[b"content-type"].startswith(b"text/event-stream"):
            assert result.body.endswith(b"\n\n")
        else:
            check_legacy(schema, result.json)
