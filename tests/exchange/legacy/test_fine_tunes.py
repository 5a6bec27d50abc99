"""Fine-tunes as the old library asks for them, made at an upstream that only knows jobs."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    TranslationSettings,
    UpstreamSettings,
)
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    PermissionDenied,
    TruncatedStream,
    UpstreamError,
    UpstreamUnavailable,
)
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.fine_tunes import MAX_JOBS
from gateway.exchange.legacy.fine_tuning_calls import MAX_EVENTS, MAX_PAGES
from gateway.exchange.legacy.job_events import MAX_FAILED_POLLS
from gateway.exchange.reply.body import ReplyBody
from gateway.request import Request
from gateway.shapes import UpstreamCall
from tests import kinds
from tests.exchange.legacy_scene import AS_JSON, LegacyScene, queries
from tests.exchange.scene import OPENAI
from tests.fakes import Answer, FakeReply, error_reply, json_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.test_fine_tune_events import job_event
from tests.translate.legacy.test_fine_tunes import JOB, TRAINING
from tests.translate.legacy.upstream_json import ANY_JSON, almost

TOGETHER = UpstreamSettings("together", "https://api.together.xyz/v1", kinds.TOGETHER)
VLLM = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
RUNNING = {**JOB, "status": "running", "finished_at": None, "fine_tuned_model": None}
PATH = "/fine-tunes/ftjob-abc123"
JOB_PATH = "/fine_tuning/jobs/ftjob-abc123"


@dataclass
class Jobs:
    """An upstream with one job, whose events are listed newest first in pages of `limit`."""

    job: dict[str, Any] = field(default_factory=lambda: dict(JOB))
    events: list[Any] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=lambda: {"file-train": TRAINING})
    jobs: list[Any] = field(default_factory=list)
    page_size: int = 100
    broken: Mapping[str, Callable[[], Answer]] = field(default_factory=dict)
    """What is answered instead, by the end of the path."""

    def __call__(self, call: UpstreamCall) -> Answer:
        for ending, answer in self.broken.items():
            if call.path.endswith(ending):
                return answer()
        if call.path == "/fine_tuning/jobs" and call.method == "POST":
            assert isinstance(call.body, bytes)
            self.job |= {"training_file": msgspec.json.decode(call.body)["training_file"]}
            return json_reply(self.job)
        if call.path == "/fine_tuning/jobs":
            return self.page(self.jobs, call)
        if call.path.endswith("/events"):
            return self.page(self.events, call)
        if call.path.startswith("/files/"):
            found = self.files.get(call.path.removeprefix("/files/"))
            return json_reply(found) if found else error_reply(404, "No such File object")
        if call.path.startswith(JOB_PATH):
            return json_reply(self.job)
        return error_reply(404, "Could not find fine tune", param="fine_tune_id", code="no_job")

    def page(self, entries: list[Any], call: UpstreamCall) -> Answer:
        query = parse_qs(call.query.decode())
        assert query["limit"] == ["100"]
        ids = [entry["id"] for entry in entries]
        start = ids.index(query["after"][0]) + 1 if "after" in query else 0
        page = entries[start : start + self.page_size]
        return json_reply({"data": page, "has_more": start + self.page_size < len(entries)})


def refused(scene: LegacyScene, method: str, path: str, body: Any = None, **more: Any) -> Any:
    with pytest.raises(GatewayError) as caught:
        scene.ask(method, path, body, **more)
    return caught.value


def test_a_fine_tune_is_created_as_a_job() -> None:
    upstream = Jobs(RUNNING, [job_event(1, "Created")])
    scene = LegacyScene(upstream)
    told = scene.ask("POST", "/fine-tunes", {"training_file": "file-train"})
    check_legacy("FineTune", told.json)
    assert told.json["status"] == "running"
    assert told.json["training_files"][0]["filename"] == "my-data-train.jsonl"
    assert told.json["events"][0]["message"] == "Created 1"
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
    decision = told.decision
    assert (decision.upstream, decision.endpoint) == ("openai", "/v1/fine_tuning/jobs")
    assert decision.translation == (
        "from=fine-tunes; to=fine_tuning/jobs; changed=model:curie->davinci-002"
    )
    assert decision.attempts == len(scene.network.calls) == 4
    shown = dict(told.reply.headers)
    assert shown[b"deprecation"] == b"@1692662400"
    assert shown[b"link"] == b'</v1/fine_tuning/jobs>; rel="successor-version"'


def test_what_a_job_has_no_place_for_is_refused_or_dropped_as_configured() -> None:
    body = {"training_file": "file-train", "prompt_loss_weight": 0.5, "model": "gpt-4o-mini"}
    assert refused(LegacyScene(Jobs()), "POST", "/fine-tunes", body).param == "prompt_loss_weight"
    dropping = TranslationSettings(on_unsupported="drop")
    everywhere = LegacyScene(Jobs(), translation=dropping)
    here = LegacyScene(Jobs(), rules=(ModelRule("gpt-4o-mini", translation=dropping),))
    for scene in (everywhere, here):
        told = scene.ask("POST", "/fine-tunes", body)
        assert told.decision.translation.endswith("; dropped=prompt_loss_weight")


def test_an_alias_names_the_model_to_train() -> None:
    scene = LegacyScene(Jobs(), rules=(ModelRule("curie", model="gpt-4o-mini"),))
    told = scene.ask("POST", "/fine-tunes", {"training_file": "f", "learning_rate_multiplier": 2})
    assert scene.network.bodies()[0]["model"] == "gpt-4o-mini"
    assert "learning_rate_multiplier" in told.decision.warning


def test_a_model_that_lives_elsewhere_cannot_be_trained_here() -> None:
    scene = LegacyScene(Jobs(), OPENAI, VLLM, rules=(ModelRule("llama", upstream="vllm"),))
    error = refused(scene, "POST", "/fine-tunes", {"training_file": "f", "model": "llama"})
    assert (error.param, scene.network.calls) == ("model", [])
    here = LegacyScene(Jobs(), OPENAI, VLLM, rules=(ModelRule("llama", upstream="openai"),))
    here.ask("POST", "/fine-tunes", {"training_file": "f", "model": "llama"})


def test_a_client_may_train_its_own_models_only() -> None:
    client = ClientSettings("team", "0" * 64, ("gpt-*",))
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


def test_an_upstreams_refusal_names_the_fine_tunes_parameter() -> None:
    reply = error_reply(400, "Too many.", param="hyperparameters.n_epochs", code="invalid")
    scene = LegacyScene(Jobs(broken={"/jobs": lambda: reply}))
    error = refused(scene, "POST", "/fine-tunes", {"training_file": "f", "n_epochs": 99})
    assert (error.status, error.param, error.code) == (400, "n_epochs", "invalid")
    assert "(upstream parameter: hyperparameters.n_epochs)." in error.message


def test_a_job_that_was_made_is_told_even_if_its_events_and_files_fail() -> None:
    broken = {"/events": lambda: error_reply(500, "x"), "/files/file-train": lambda: FakeReply(500)}
    for method, path in (("POST", "/fine-tunes"), ("POST", f"{PATH}/cancel")):
        scene = LegacyScene(Jobs(broken=broken))
        told = scene.ask(method, path, {"training_file": "file-train"})
        check_legacy("FineTune", told.json)
        assert (told.json["id"], told.json["events"]) == ("ftjob-abc123", [])
        assert told.json["training_files"][0]["filename"] == ""
        assert told.decision.warning == "the events could not be read (status 502)"
    assert refused(LegacyScene(Jobs(broken=broken)), "GET", PATH).status == 502


def test_all_pages_of_jobs_are_one_list() -> None:
    jobs = [{**JOB, "id": f"ftjob-{n}"} for n in range(250)]
    scene = LegacyScene(Jobs(jobs=jobs))
    told = scene.ask("GET", "/fine-tunes", query=b"limit=3&api-version=1&after=x")
    check_legacy("ListFineTunesResponse", told.json)
    assert [each["id"] for each in told.json["data"]] == [job["id"] for job in jobs]
    assert queries(scene.network) == [
        "GET /fine_tuning/jobs?api-version=1&limit=100",
        "GET /fine_tuning/jobs?api-version=1&limit=100&after=ftjob-99",
        "GET /fine_tuning/jobs?api-version=1&limit=100&after=ftjob-199",
    ]
    assert told.decision.warning == ""


@pytest.mark.parametrize(("count", "size"), [(MAX_JOBS, 100), (MAX_JOBS + 1, 100), (1201, 90)])
def test_very_many_jobs_are_listed_in_part_with_a_warning(count: int, size: int) -> None:
    jobs = [{**JOB, "id": f"ftjob-{n}"} for n in range(count)]
    told = LegacyScene(Jobs(jobs=jobs, page_size=size)).ask("GET", "/fine-tunes")
    assert len(told.json["data"]) == MAX_JOBS
    assert ("only the first 1000" in told.decision.warning) is (count > MAX_JOBS)


def test_a_list_that_never_ends_is_left() -> None:
    same = LegacyScene(lambda _: json_reply({"data": [JOB], "has_more": True}))
    assert len(same.ask("GET", "/fine-tunes").json["data"]) == 2
    count = iter(range(10_000))
    endless = LegacyScene(
        lambda _: json_reply({"data": [{**JOB, "id": f"ftjob-{next(count)}"}], "has_more": True})
    )
    told = endless.ask("GET", "/fine-tunes")
    assert len(told.json["data"]) == len(endless.network.calls) == MAX_PAGES


def test_a_fine_tune_is_a_job_with_its_events_and_files() -> None:
    scene = LegacyScene(Jobs(events=[job_event(n) for n in (3, 2, 1)], page_size=2))
    told = scene.ask("GET", PATH)
    check_legacy("FineTune", told.json)
    assert [event["message"] for event in told.json["events"]] == ["Step 1", "Step 2", "Step 3"]
    assert told.json["result_files"][0]["id"] == "file-results"
    assert queries(scene.network) == [
        f"GET {JOB_PATH}",
        f"GET {JOB_PATH}/events?limit=100",
        f"GET {JOB_PATH}/events?limit=100&after=ftevent-2",
        "GET /files/file-train",
        "GET /files/file-results",
    ]
    assert told.decision.endpoint == f"/v1{JOB_PATH}"
    assert b"content-type" not in dict(scene.network.calls[0].client_headers)


def test_ids_are_opaque_and_quoted_anew() -> None:
    scene = LegacyScene(Jobs())
    error = refused(scene, "GET", "/fine-tunes/ft-a+b%2F..%3Fc")
    assert scene.network.paths == ["GET /fine_tuning/jobs/ft-a%20b%2F..%3Fc"]
    assert isinstance(error, InvalidRequest)
    assert (error.status, error.param, error.code) == (404, "fine_tune_id", "no_job")
    assert "No such fine-tune: ft-a b/..?c" in error.message


def test_a_fine_tune_is_cancelled() -> None:
    scene = LegacyScene(Jobs({**RUNNING, "status": "cancelled"}))
    told = scene.ask("POST", f"{PATH}/cancel", b"")
    assert told.json["status"] == "cancelled"
    check_legacy("FineTune", told.json)
    assert scene.network.paths[0] == f"POST {JOB_PATH}/cancel"
    assert scene.network.calls[0].body == b""


def test_events_come_oldest_first() -> None:
    scene = LegacyScene(Jobs(events=[job_event(n) for n in (3, 2, 1)], page_size=2))
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=false")
    check_legacy("ListFineTuneEventsResponse", told.json)
    assert [event["message"] for event in told.json["data"]] == ["Step 1", "Step 2", "Step 3"]
    many = [job_event(n) for n in range(MAX_EVENTS + 5, 0, -1)]
    told = LegacyScene(Jobs(events=many)).ask("GET", f"{PATH}/events")
    assert len(told.json["data"]) == MAX_EVENTS
    assert told.json["data"][-1]["message"] == f"Step {MAX_EVENTS + 5}"
    assert "only the last" in told.decision.warning


def looks(*steps: tuple[dict[str, Any], list[Any]]) -> Callable[[UpstreamCall], Answer]:
    """Answer each look at the job with the next of these (job, events), the last for ever."""
    left = list(steps)
    upstream = Jobs(*left[0])

    def answer(call: UpstreamCall) -> Answer:
        if call.path == JOB_PATH and left:
            upstream.job, upstream.events = left.pop(0)
        return upstream(call)

    return answer


def test_events_are_followed_until_the_job_is_over() -> None:
    first, second, third = (job_event(n) for n in (1, 2, 3))
    scene = LegacyScene(
        looks(
            (RUNNING, [first]),
            (RUNNING, [second, first]),
            (RUNNING, [second, first]),
            (dict(JOB), [third, second, first]),
        )
    )
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    *events, done = told.events
    assert done == "[DONE]"
    assert [event["message"] for event in events] == ["Step 1", "Step 2", "Step 3"]
    for event in events:
        check_legacy("FineTuneEvent", event)
    assert scene.waits == [5.0, 7.5, 11.25]
    headers = dict(told.reply.headers)
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert told.body.count(b"data:") == told.body.count(b"\n\n") == 4


def test_a_job_that_is_over_is_told_at_once_from_the_first_event() -> None:
    events = [job_event(n) for n in range(250, 0, -1)]
    scene = LegacyScene(Jobs(events=events))
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len(told.events) == 251
    assert (told.events[0]["message"], told.events[-1]) == ("Step 1", "[DONE]")
    assert scene.waits == []


def test_of_very_many_events_the_newest_are_followed() -> None:
    events = [job_event(n) for n in range(MAX_EVENTS + 100, 0, -1)]
    told = LegacyScene(Jobs(events=events)).ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len(told.events) == MAX_EVENTS + 1
    assert told.events[0]["message"] == "Step 101"


def test_only_new_pages_are_asked_for_again() -> None:
    old = [job_event(n) for n in range(250, 0, -1)]
    scene = LegacyScene(looks((RUNNING, old), (dict(JOB), [job_event(251), *old])))
    scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len([path for path in scene.network.paths if path.endswith("/events")]) == 3 + 1


def test_a_failed_job_ends_with_its_reason() -> None:
    failed = {**JOB, "status": "failed", "error": {"message": "Bad file"}}
    told = LegacyScene(Jobs(failed)).ask("GET", f"{PATH}/events", query=b"stream=True")
    assert [told.events[0]["message"], told.events[1]] == ["Bad file", "[DONE]"]
    assert told.events[0]["level"] == "error"


def test_a_job_that_is_not_there_is_a_plain_error() -> None:
    error = refused(LegacyScene(Jobs()), "GET", "/fine-tunes/x/events", query=b"stream=true")
    assert (error.status, error.param) == (404, "fine_tune_id")


def flaky(*answers: Answer | None) -> LegacyScene:
    """A scene whose job is looked at with these answers in turn; None is the job, running."""
    left = list(answers)
    upstream = Jobs(RUNNING, [job_event(1)])

    def answer(call: UpstreamCall) -> Answer:
        if call.path == JOB_PATH:
            if not left:
                upstream.job = dict(JOB)
            elif (instead := left.pop(0)) is not None:
                return instead
        return upstream(call)

    return LegacyScene(answer)


def test_looks_that_fail_now_and_then_are_borne() -> None:
    trouble: list[Answer | None] = [UpstreamUnavailable("Gone."), error_reply(503, "Busy.")]
    more: list[Answer | None] = [error_reply(429, "Slow down."), error_reply(500, "Broken.")]
    scene = flaky(None, *trouble, None, *more, FakeReply(200, pieces=(b"<p>",)), None)
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=1")
    assert [told.events[0]["message"], *told.events[1:]] == ["Step 1", "[DONE]"]


def test_a_stream_whose_looks_keep_failing_ends_in_an_error_without_a_terminator() -> None:
    scene = flaky(None, *(error_reply(500, "Broken.") for _ in range(MAX_FAILED_POLLS)))
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert [event.get("message") for event in told.events] == ["Step 1", None]
    assert told.events[1]["error"]["message"] == "Broken."
    assert len(scene.waits) == MAX_FAILED_POLLS


def test_a_stream_whose_job_vanishes_ends_at_once() -> None:
    scene = flaky(None, error_reply(404, "Gone."))
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert told.events[-1]["error"]["param"] == "fine_tune_id"
    assert len(scene.waits) == 1


def test_a_job_that_never_ends_is_left_after_a_day() -> None:
    scene = LegacyScene(Jobs(RUNNING))
    told = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    (event,) = told.events
    assert "not over after 24 hours" in event["error"]["message"]
    assert sum(scene.waits) <= 24 * 3600


def test_a_client_that_leaves_ends_the_following() -> None:
    async def scenario() -> None:
        scene = LegacyScene(Jobs(RUNNING, [job_event(1)]))
        paused = asyncio.Event()

        async def pause(_: float) -> None:
            paused.set()
            await asyncio.Event().wait()

        scene.tunes._sleep = pause
        _, handler = scene.router.find("GET", f"/v1{PATH}/events")
        call = Request("GET", f"{PATH}/events", b"stream=true", AS_JSON)
        reply = await handler(call, Decision())
        assert isinstance(reply.body, ReplyBody)
        chunks = aiter(reply.body)
        await anext(chunks)
        waiting = asyncio.ensure_future(anext(chunks))
        await paused.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await reply.body.aclose()
        assert len(scene.network.calls) == 2

    asyncio.run(scenario())


def test_a_stream_that_is_never_read_is_closed() -> None:
    async def scenario() -> None:
        scene = LegacyScene(Jobs(RUNNING))
        _, handler = scene.router.find("GET", f"/v1{PATH}/events")
        call = Request("GET", f"{PATH}/events", b"stream=true", AS_JSON)
        reply = await handler(call, Decision())
        assert isinstance(reply.body, ReplyBody)
        await reply.body.aclose()
        assert all(answer.closed for answer in scene.network.replies)

    asyncio.run(scenario())


def test_the_gateways_own_key_refused_is_not_shown() -> None:
    own = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("k"))
    scene = LegacyScene(lambda _: error_reply(401, "Incorrect API key: sk-o*wn"), own)
    assert refused(scene, "GET", "/fine-tunes").code == "upstream_auth_error"
    theirs = LegacyScene(lambda _: error_reply(401, "Incorrect key", code="invalid_api_key"))
    assert refused(theirs, "GET", "/fine-tunes").status == 401


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
            told = LegacyScene(answer).ask(method, path, {"training_file": "f"}, query=query)
        except GatewayError:
            continue
        assert told.reply.status == 200
        if dict(told.reply.headers)[b"content-type"].startswith(b"text/event-stream"):
            assert told.body.endswith(b"\n\n")
        else:
            check_legacy(schema, told.json)
