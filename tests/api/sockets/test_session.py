"""The session of a socket: its turns, its limits, its end."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.api.sockets.client_events import Create
from gateway.api.sockets.queues import Bounds
from gateway.api.sockets.session import Limits, ResponsesSession, Timer, call_later
from gateway.api.sockets.turn_writer import TurnWriter
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply, event_stream_reply
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.sockets.relays import ClientRelays
from gateway.exchange.sockets.relays import Create as RelayedCreate
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from gateway.sockets import ABNORMAL_CLOSURE, NORMAL_CLOSURE, SERVICE_RESTART, Leaving
from gateway.translate.stream.sse import encode_events
from tests.api.sockets.fake_socket import FakeSocket

CREATE = {"type": "response.create", "model": "m", "input": "Hi"}
DONE = event_stream_reply(
    encode_events(Shape.RESPONSES, [{"type": "response.completed", "response": {"id": "resp_1"}}])
)


class Serving:
    """Serves turns: each waits until it may go on."""

    def __init__(self) -> None:
        self.begun: list[Create] = []
        self.cancelled = 0
        self.going_on = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, create: Create, turn: Turn, writer: TurnWriter) -> None:
        self.begun.append(create)
        try:
            await self.going_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        await writer.write(DONE, Decision())


class Clock:
    """Makes the calls that are due once the time has come."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.calls.append((seconds, call))
        return self

    def cancel(self) -> None:
        self.cancelled += 1


class Relaying(ClientRelays):
    """Takes events for an upstream's socket, if there is one."""

    def __init__(self, beside: Callable[[bytes], bool], *, is_open: bool) -> None:
        self.beside = beside
        self.is_open = is_open
        self.messages: list[bytes] = []
        self.steered: list[str] = []
        self.is_closed = False

    async def turn(
        self, call: GenerationRequest, decision: Decision, create: RelayedCreate
    ) -> ClientReply | None:
        raise NotImplementedError

    def forward(self, message: bytes, response_id: str) -> bool:
        self.messages.append(message)
        self.steered.append(response_id)
        return self.is_open

    async def aclose(self) -> None:
        self.is_closed = True


class Open:
    """A session on a socket, with what serves its turns."""

    def __init__(self, serving: Serving, clock: Clock, **more: Any) -> None:
        self.serving = serving
        self.clock = clock
        self.refused: list[int] = []
        """The statuses of what was recorded as refused."""
        self.session = ResponsesSession(serving, self.refuse, later=clock.later, **more)
        self.socket = FakeSocket()

    def refuse(self, error: GatewayError) -> None:
        self.refused.append(error.status)

    def begin(self, count: int) -> Coroutine[Any, Any, None]:
        return reached(lambda: len(self.serving.begun) == count)

    @property
    def types(self) -> list[str]:
        return self.socket.types

    @property
    def codes(self) -> list[str]:
        return [frame["error"]["code"] for frame in self.socket.frames if "error" in frame]


async def reached(condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError


@asynccontextmanager
async def opened(**more: Any) -> AsyncIterator[Open]:
    made = Open(Serving(), Clock(), **more)
    running = asyncio.create_task(made.session.run(made.socket))
    await reached(lambda: made.socket.user is not None)
    try:
        yield made
        made.socket.leave()
        await running
    finally:
        running.cancel()
        await asyncio.wait({running})
        await made.session.aclose()


def test_a_create_is_served_and_its_events_are_frames() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.say(CREATE)
            at.serving.going_on.set()
            await at.socket.until(lambda: "response.completed" in at.types)
            assert at.session.kind == "responses"

    asyncio.run(run())


def test_what_is_refused_gets_an_error_and_the_socket_stays_open() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.say({"type": "response.cancel", "stream_id": "a"})
            at.socket.say(b"{")
            at.socket.say({"type": "response.steer", "input": "Hi"})
            at.socket.say({"type": "response.processed", "response_id": "resp_1"})
            assert [frame.get("stream_id") for frame in at.socket.frames] == ["a", None, None]
            assert {frame["status"] for frame in at.socket.frames} == {400}
            assert at.serving.begun == []
            assert at.socket.code == 0

    asyncio.run(run())


def test_beyond_the_bounds_there_is_an_error() -> None:
    async def run() -> None:
        async with opened(limits=Limits(Bounds(waiting=1))) as at:
            for _ in range(3):
                at.socket.say({**CREATE, "stream_id": "a"})
            (frame,) = at.socket.frames
            assert (frame["status"], frame["stream_id"]) == (429, "a")
            assert frame["error"]["headers"] == {"retry-after": "1"}
            assert at.refused == [429]

    asyncio.run(run())


def test_creates_that_are_refused_are_recorded_and_other_events_are_not() -> None:
    async def run() -> None:
        async with opened(limits=Limits(Bounds(queues=1))) as at:
            for said in ({**CREATE, "generate": 3}, {**CREATE, "stream_id": 3}):
                at.socket.say(said)
            at.socket.say({**CREATE, "background": True})
            assert at.refused == [400, 400, 400]
            for kind in ("response.dance", "response.steer", "response.processed", None):
                at.socket.say({**CREATE, "type": kind})
            at.socket.say(CREATE)
            at.socket.say({**CREATE, "stream_id": "other"})
            assert at.refused == [400, 400, 400, 429]
            assert len(at.socket.frames) == 7

    asyncio.run(run())


def test_a_client_that_does_not_read_its_errors_is_not_read_either() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.is_slow = True
            states = []
            for _ in range(2):  # the second one had been read already
                at.socket.say({"type": "response.dance"})
                states.append(at.socket.is_paused)
            for _ in range(2):
                at.socket.read_again()
                states.append(at.socket.is_paused)
            at.socket.say({"type": "response.dance"})
            assert [*states, at.socket.is_paused] == [True, True, False, False, False]

    asyncio.run(run())


def test_a_turn_that_has_ended_stays_so_when_the_client_leaves_without_reading() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.is_slow = True
            at.serving.going_on.set()
            at.socket.say(CREATE)
            await at.socket.until(lambda: "response.completed" in at.types)
        assert at.serving.cancelled == 0

    asyncio.run(run())


@pytest.mark.parametrize("code", [NORMAL_CLOSURE, ABNORMAL_CLOSURE])
def test_all_turns_are_cancelled_when_the_client_leaves(code: int) -> None:
    async def run() -> None:
        async with opened() as at:
            for stream_id in ("a", "b", "b"):
                at.socket.say({**CREATE, "stream_id": stream_id})
            await at.begin(2)
            at.socket.leave(code)
        assert at.serving.cancelled == 2
        assert len(at.serving.begun) == 2
        assert at.types == []
        assert at.clock.cancelled == 1

    asyncio.run(run())


def test_a_session_that_is_cancelled_tells_its_client() -> None:
    async def run() -> None:
        serving, clock = Serving(), Clock()
        at = Open(serving, clock)
        running = asyncio.create_task(at.session.run(at.socket))
        await reached(lambda: at.socket.user is not None)
        for name in ("a", "a", "b"):
            at.socket.say({**CREATE, "stream_id": name, "user": name})
        await at.begin(2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        told = [(frame["status"], frame["stream_id"]) for frame in at.socket.frames]
        assert told == [(503, "a"), (503, "b"), (503, "a")]
        # The others had begun, and are recorded by who serves them.
        assert at.refused == [503]
        assert serving.cancelled == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("a bug"), 500), (OSError(errno.EMFILE, "a bug"), 503)]
)
def test_a_failure_inside_is_an_error_and_logged(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with opened() as at:
            at.serving.error = error
            at.serving.going_on.set()
            at.socket.say(CREATE)
            at.socket.say(CREATE)
            await at.socket.until(lambda: len(at.types) == 2)
            assert {frame["status"] for frame in at.socket.frames} == {status}
            assert "a bug" not in str(at.socket.frames)

    asyncio.run(run())
    assert "a bug" in caplog.text


@pytest.mark.parametrize("leaving", Leaving)
def test_draining_serves_what_has_come_and_refuses_what_comes(leaving: Leaving) -> None:
    async def run() -> None:
        async with opened() as at:
            for stream_id in ("a", "a", "b", None, None):
                at.socket.say({**CREATE, "stream_id": stream_id})
            await at.begin(3)
            at.session.drain(leaving)
            at.socket.say(CREATE)
            at.socket.say({**CREATE, "stream_id": "new"})
            assert at.codes == ["shutting_down"] * 2
            assert at.refused == [503] * 2
            assert [frame.get("stream_id") for frame in at.socket.frames] == [None, "new"]
            error = at.socket.frames[0]["error"]
            assert (error["headers"], error["message"]) == ({"retry-after": "1"}, leaving.value)
            assert at.socket.code == 0
            at.serving.going_on.set()
            await at.socket.until(lambda: at.socket.code == SERVICE_RESTART)
            assert at.socket.reason == leaving.value
            assert at.types[2:] == ["response.completed"] * 5

    asyncio.run(run())


def test_a_process_that_ends_says_so_also_after_a_reload() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.say(CREATE)
            await at.begin(1)
            at.session.drain(Leaving.RELOADED)
            at.session.drain(Leaving.STOPPING)
            at.serving.going_on.set()
            await at.socket.until(lambda: at.socket.code == SERVICE_RESTART)
            assert at.socket.reason == Leaving.STOPPING.value

    asyncio.run(run())


def test_draining_closes_a_socket_without_turns_at_once() -> None:
    async def run() -> None:
        async with opened() as at:
            at.session.drain(Leaving.RELOADED)
            assert at.socket.code == SERVICE_RESTART
            at.session.drain(Leaving.STOPPING)
            assert at.socket.reason == Leaving.RELOADED.value

    asyncio.run(run())


def test_a_session_that_is_drained_before_it_runs_ends_at_once() -> None:
    async def run() -> None:
        made = Open(Serving(), Clock())
        made.session.drain(Leaving.STOPPING)
        await made.session.run(made.socket)
        assert made.socket.code == SERVICE_RESTART

    asyncio.run(run())


LIMIT = "websocket_connection_limit_reached"


def test_after_an_hour_an_idle_socket_is_closed() -> None:
    async def run() -> None:
        async with opened() as at:
            ((seconds, grow_too_old),) = at.clock.calls
            assert seconds == 3600
            grow_too_old()
            (frame,) = at.socket.frames
            assert (frame["status"], frame["error"]["code"]) == (400, LIMIT)
            assert "(60 minutes). Create a new websocket" in frame["error"]["message"]
            assert at.socket.code == NORMAL_CLOSURE

    asyncio.run(run())


def test_after_an_hour_a_turn_may_still_end() -> None:
    async def run() -> None:
        async with opened() as at:
            at.socket.say(CREATE)
            await at.begin(1)
            at.clock.calls[0][1]()
            at.socket.say({**CREATE, "stream_id": "late"})
            assert at.codes == [LIMIT]
            assert at.socket.frames[0]["stream_id"] == "late"
            at.serving.going_on.set()
            await at.socket.until(lambda: at.socket.code == NORMAL_CLOSURE)
            assert at.types == ["error", "response.completed", "error"]

    asyncio.run(run())


def test_the_event_loop_is_the_usual_clock() -> None:
    async def run() -> None:
        called = asyncio.Event()
        call_later(0, called.set)
        await called.wait()

    asyncio.run(run())


@pytest.mark.parametrize("is_open", [True, False])
def test_steering_goes_to_the_upstreams_socket(*, is_open: bool) -> None:
    async def run() -> None:
        made: list[Relaying] = []

        def relays(beside: Callable[[bytes], bool]) -> ClientRelays:
            made.append(Relaying(beside, is_open=is_open))
            return made[0]

        async with opened(relays=relays) as at:
            at.socket.say({"type": "response.steer", "previous_response_id": "r1", "input": "Hi"})
            at.socket.say({"type": "response.cancel", "previous_response_id": "r1"})
            at.socket.say({"type": "response.steer", "input": "Hi"})
            assert made[0].steered == ["r1"]
            refused = ["invalid_value", "steering_not_supported"]
            assert at.codes == refused if is_open else ["steering_not_supported", *refused]
            assert made[0].beside(b'{"type":"response.steer.accepted"}')
            assert at.types[-1] == "response.steer.accepted"
        assert made[0].is_closed

    asyncio.run(run())


def test_before_there_is_a_socket_nothing_is_passed_on() -> None:
    async def run() -> None:
        made: list[Relaying] = []

        def relays(beside: Callable[[bytes], bool]) -> ClientRelays:
            made.append(Relaying(beside, is_open=True))
            return made[0]

        session = ResponsesSession(Serving(), lambda _: None, relays)
        assert made[0].beside(b"{}")
        await session.aclose()

    asyncio.run(run())
