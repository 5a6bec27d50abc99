"""Upstream streams side by side: what is known of them when, and how each ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from gateway.exchange.calls.streams import Streams
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, UpstreamCall
from tests.fakes import (
    EVENT_STREAM,
    JSON,
    Answer,
    FakeReply,
    FakeUpstream,
    error_reply,
    json_reply,
    stream_reply,
)
from tests.waiting import PATIENCE

SENT = [UpstreamCall("openai", "POST", f"/call/{number}") for number in range(4)]


def late(failure: ErrorReply) -> UpstreamError:
    """Return the error of a call that is refused when others have been answered."""
    return UpstreamError(f"refused with status {failure.status}", upstream_status=failure.status)


class Recorder:
    """Receives all that there is, of each call only as many pieces as `most`."""

    def __init__(self, most: int = 1000) -> None:
        self.begun: dict[int, RawHeaders] = {}
        self.pieces: dict[int, list[bytes]] = {}
        self.finished: list[int] = []
        self.errors: list[Exception] = []
        self.on_error: Callable[[], None] = lambda: None
        self._most = most

    def begin(self, call: int, headers: RawHeaders) -> None:
        self.begun[call] = headers

    def feed(self, call: int, data: bytes) -> bool:
        pieces = self.pieces.setdefault(call, [])
        pieces.append(data)
        return len(pieces) < self._most

    def finish(self, call: int) -> None:
        self.finished.append(call)

    def fail(self, call: int, error: Exception) -> None:
        self.errors.append(error)
        self.on_error()


def each(*answers: Answer) -> FakeUpstream:
    """An upstream that answers call number n with the nth answer."""
    return FakeUpstream(lambda call: answers[int(call.path.rpartition("/")[2])])


def large(status: int) -> FakeReply:
    size = MAX_ERROR_BYTES + 1
    return FakeReply(status, (*JSON, (b"content-length", b"%d" % size)), (b"x" * size,))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(in_a_task())


def test_streams_and_small_whole_replies_arrive_each_with_its_end() -> None:
    network = each(stream_reply({"a": 1}, done=False), json_reply({"b": 2}))

    async def scenario() -> None:
        streams, seen = Streams(network.send, SENT[:2], 2, 60, late), Recorder()
        streams.start(seen)
        assert await streams.opened() is None
        await streams.settled()
        await streams.settled()
        assert seen.pieces == {0: [b'data: {"a":1}\n\n'], 1: [b'{"b":2}']}
        assert sorted(seen.finished) == [0, 1]
        assert seen.begun[0] == EVENT_STREAM
        assert isinstance(streams.replies[1], BufferedReply)
        await streams.aclose()

    run(scenario)


def test_a_refusal_among_the_first_calls_is_known_before_anything_is_sent() -> None:
    network = each(stream_reply({}), error_reply(404, "no"), stream_reply({}))

    async def scenario() -> None:
        streams = Streams(network.send, SENT[:3], 2, 60, late)
        streams.start(Recorder())
        failure = await streams.opened()
        assert isinstance(failure, ErrorReply)
        assert (failure.call, failure.status) == (1, 404)
        await streams.aclose()

    run(scenario)


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (error_reply(404, "no"), "status 404"),
        (large(500), "status 500"),
        (UpstreamUnavailable("no connection"), "no connection"),
        (FakeReply(200, EVENT_STREAM, (b"data: {}\n\n",), UpstreamTimeout("silent")), "silent"),
    ],
)
def test_a_later_call_that_fails_is_received_as_its_error(failing: Answer, message: str) -> None:
    network = each(stream_reply({}), failing)

    async def scenario() -> None:
        streams, seen = Streams(network.send, SENT[:2], 1, 60, late), Recorder()
        streams.start(seen)
        assert await streams.opened() is None
        await streams.settled()
        (error,) = seen.errors
        assert isinstance(error, UpstreamError)
        assert message in error.message
        assert seen.finished == [0]
        await streams.aclose()

    run(scenario)


def test_a_network_error_among_the_first_calls_is_raised() -> None:
    network = each(stream_reply({}), UpstreamUnavailable("no connection"))

    async def scenario() -> None:
        streams = Streams(network.send, SENT[:2], 2, 60, late)
        streams.start(Recorder())
        with pytest.raises(UpstreamUnavailable):
            await streams.opened()
        await streams.aclose()

    run(scenario)


def test_a_stream_that_breaks_while_others_open_stops_them_once_they_are_open() -> None:
    answered = asyncio.Event()
    endless = FakeReply(200, EVENT_STREAM, [b"data: {}\n\n"] * 1000)

    async def send(call: UpstreamCall) -> FakeReply:
        if call is SENT[0]:
            return FakeReply(200, EVENT_STREAM, (), UpstreamTimeout("silent"))
        await answered.wait()
        return endless

    async def scenario() -> None:
        streams, seen = Streams(send, SENT[:2], 2, 60, late), Recorder(most=1)

        def stop() -> None:
            streams.stop()
            answered.set()

        seen.on_error = stop
        streams.start(seen)
        assert await streams.opened() is None
        await streams.settled()
        assert endless.closed
        await streams.aclose()

    run(scenario)


@pytest.mark.parametrize("after", [0, 0.001])
def test_an_abandoned_stream_is_closed_and_the_others_go_on(after: float) -> None:
    endless = FakeReply(200, EVENT_STREAM, [b"data: {}\n\n"] * 1000)
    network = each(endless, stream_reply({}, {}))

    async def scenario() -> None:
        streams, seen = Streams(network.send, SENT[:2], 2, 60, late), Recorder(most=1)
        streams.start(seen)
        await streams.opened()
        streams.abandon(0, after)
        while 1 not in seen.finished:
            streams.replies[1].resume_reading()  # type: ignore[union-attr]
            await asyncio.sleep(0)
        await streams.settled()
        assert seen.finished == [1]
        await streams.aclose()

    run(scenario)
    assert endless.closed
    assert endless.delivered < 10


def test_a_stream_that_is_here_as_a_whole_is_not_waited_for() -> None:
    network = each(json_reply({}))

    async def scenario() -> None:
        streams = Streams(network.send, SENT[:1], 1, 60, late)
        streams.start(Recorder())
        await streams.opened()
        streams.abandon(0, 60)
        await streams.settled()
        await streams.aclose()

    run(scenario)


def test_streams_that_nobody_reads_wait_and_are_all_closed_in_the_end() -> None:
    replies = [FakeReply(200, EVENT_STREAM, [b"data: {}\n\n"] * 1000) for _ in SENT]
    network = each(*replies)

    async def scenario() -> None:
        streams = Streams(network.send, SENT, 2, 60, late)
        streams.start(Recorder(most=1))
        await streams.opened()
        for _ in range(99):
            await asyncio.sleep(0)
        await streams.aclose()
        await streams.aclose()

    run(scenario)
    assert [reply.closed for reply in replies[:2]] == [True, True]
    assert all(reply.delivered < 10 for reply in replies)
    assert len(network.calls) == 2


@pytest.mark.parametrize("reply", [stream_reply({}), error_reply(404, "no")])
def test_an_answer_to_who_has_just_left_is_closed(reply: FakeReply) -> None:
    answered = asyncio.Event()

    async def send(_: UpstreamCall) -> FakeReply:
        await answered.wait()
        return reply

    async def scenario() -> None:
        streams = Streams(send, SENT[:1], 1, 60, late)
        streams.start(Recorder(most=1))
        opening = asyncio.create_task(streams.opened())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        opening.cancel()
        answered.set()
        await asyncio.wait([opening])
        for _ in range(20):
            await asyncio.sleep(0)
        assert opening.cancelled()
        await streams.aclose()
        assert reply.closed

    run(scenario)


def test_what_is_too_deep_to_be_worked_on_is_the_upstreams_error() -> None:
    class Shallow(Recorder):
        def feed(self, call: int, data: bytes) -> bool:
            raise RecursionError("maximum recursion depth exceeded")

    async def scenario() -> None:
        receiver = Shallow()
        streams = Streams(each(stream_reply(b"data: 1\n\n")).send, SENT[:1], 1, 0, late)
        streams.start(receiver)
        await streams.settled()
        await streams.aclose()
        (error,) = receiver.errors
        assert isinstance(error, UpstreamError)
        assert "nested too deeply" in error.message

    run(scenario)
