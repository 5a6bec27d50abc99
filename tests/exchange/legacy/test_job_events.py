"""The events of a job as a stream: to its end, kept alive, and no faster than the client reads."""

import asyncio
from typing import Any

import pytest

from gateway.errors import ShuttingDown, UpstreamUnavailable
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.job_events import MAX_FAILED_POLLS, JobEvents
from gateway.exchange.reply.body import ReplyBody
from gateway.request import Request
from gateway.shapes import UpstreamCall
from gateway.translate.stream.sse import KEEPALIVE
from tests.exchange.legacy.jobs import JOB_PATH, PATH, RUNNING, Jobs, polls
from tests.exchange.legacy_scene import AS_JSON, LegacyScene
from tests.fakes import Answer, FakeReply, error_reply
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.test_fine_tune_events import job_event
from tests.translate.legacy.test_fine_tunes import JOB


def flaky(*answers: Answer | None) -> LegacyScene:
    """A scene whose polls get these answers in turn; None is the job, running."""
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


class Sink:
    """A client that reads on after each piece, or does not."""

    def __init__(self, *, ready: bool) -> None:
        self._ready = ready
        self.pieces: list[bytes] = []
        self.got_one = asyncio.Event()

    def __call__(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        self.got_one.set()
        return self._ready

    async def next(self) -> bytes:
        await self.got_one.wait()
        self.got_one.clear()
        return self.pieces[-1]


@pytest.mark.parametrize("ready", [False, True])
def test_a_silent_job_is_kept_alive_and_a_slow_client_waited_for(*, ready: bool) -> None:
    async def scenario() -> None:
        scene = LegacyScene(Jobs(RUNNING, [job_event(1)]))
        going_on = asyncio.Event()

        async def pause(_: float) -> Any:
            await going_on.wait()

        scene.tunes._sleep = pause
        _, handler = scene.router.find("GET", f"/v1{PATH}/events")
        call = Request("GET", f"{PATH}/events", b"stream=true", AS_JSON)
        body = (await handler(call, Decision())).body
        assert isinstance(body, JobEvents)
        body._interval = 0.001
        sink = Sink(ready=ready)
        piping = asyncio.create_task(body.pipe(sink))
        assert (await sink.next()).startswith(b"data: ")
        if not ready:
            body.resume()
        assert await sink.next() == KEEPALIVE
        assert body.failure is None
        piping.cancel()
        await asyncio.wait([piping])
        assert b'"code":"shutting_down"' in body.cut_off(ShuttingDown("stopping"))
        await body.aclose()

    asyncio.run(scenario())


def test_events_are_followed_until_the_job_is_over() -> None:
    first, second, third = (job_event(n) for n in (1, 2, 3))
    scene = LegacyScene(
        polls(
            (RUNNING, [first]),
            (RUNNING, [second, first]),
            (RUNNING, [second, first]),
            (dict(JOB), [third, second, first]),
        )
    )
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    *events, done = result.events
    assert done == "[DONE]"
    assert [event["message"] for event in events] == ["Step 1", "Step 2", "Step 3"]
    for event in events:
        check_legacy("FineTuneEvent", event)
    assert scene.waits == [5.0, 7.5, 11.25]
    headers = dict(result.reply.headers)
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert result.body.count(b"data:") == result.body.count(b"\n\n") == 4


def test_an_ended_job_is_sent_at_once_from_its_first_event() -> None:
    events = [job_event(n) for n in range(250, 0, -1)]
    scene = LegacyScene(Jobs(events=events))
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert len(result.events) == 251
    assert (result.events[0]["message"], result.events[-1]) == ("Step 1", "[DONE]")
    assert scene.waits == []


def test_a_failed_job_ends_with_its_reason() -> None:
    failed = {**JOB, "status": "failed", "error": {"message": "Bad file"}}
    result = LegacyScene(Jobs(failed)).ask("GET", f"{PATH}/events", query=b"stream=True")
    assert [result.events[0]["message"], result.events[1]] == ["Bad file", "[DONE]"]
    assert result.events[0]["level"] == "error"


def test_polls_that_fail_now_and_then_are_repeated() -> None:
    trouble: list[Answer | None] = [UpstreamUnavailable("Gone."), error_reply(503, "Busy.")]
    more: list[Answer | None] = [error_reply(429, "Slow down."), error_reply(500, "Broken.")]
    scene = flaky(None, *trouble, None, *more, FakeReply(200, pieces=(b"<p>",)), None)
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=1")
    assert [result.events[0]["message"], *result.events[1:]] == ["Step 1", "[DONE]"]


def test_a_stream_whose_polls_keep_failing_ends_in_an_error_without_a_terminator() -> None:
    scene = flaky(None, *(error_reply(500, "Broken.") for _ in range(MAX_FAILED_POLLS)))
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert [event.get("message") for event in result.events] == ["Step 1", None]
    assert result.events[1]["error"]["message"] == "Broken."
    assert len(scene.waits) == MAX_FAILED_POLLS


def test_a_stream_whose_job_vanishes_ends_at_once() -> None:
    scene = flaky(None, error_reply(404, "Gone."))
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    assert result.events[-1]["error"]["param"] == "fine_tune_id"
    assert len(scene.waits) == 1


def test_a_job_that_never_ends_is_left_after_a_day() -> None:
    scene = LegacyScene(Jobs(RUNNING))
    result = scene.ask("GET", f"{PATH}/events", query=b"stream=true")
    (event,) = result.events
    assert "not ended within 24 hours" in event["error"]["message"]
    assert sum(scene.waits) <= 24 * 3600


def test_a_disconnect_ends_the_polling() -> None:
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
