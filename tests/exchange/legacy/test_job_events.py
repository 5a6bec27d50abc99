"""The events of a job on their way to a client: kept alive, and no faster than it reads."""

import asyncio
from typing import Any

import pytest

from gateway.exchange.decision import Decision
from gateway.exchange.legacy.job_events import JobEvents
from gateway.request import Request
from gateway.translate.stream.sse import KEEPALIVE
from tests.exchange.legacy.test_fine_tunes import PATH, RUNNING, Jobs
from tests.exchange.legacy_scene import AS_JSON, LegacyScene
from tests.translate.legacy.test_fine_tune_events import job_event


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
        await body.aclose()

    asyncio.run(scenario())
