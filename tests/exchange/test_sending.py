"""Sending the calls of one attempt: answers, refusals, and streams side by side."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.exchange.sending import send_whole
from gateway.exchange.sub_streams import Arrival, SubStreams
from gateway.replies import BufferedReply
from gateway.shapes import UpstreamCall
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

SENT = [UpstreamCall("openai", "POST", f"/call/{number}") for number in range(4)]


def each(*answers: Answer) -> FakeUpstream:
    """An upstream that answers call number n with the nth answer."""
    return FakeUpstream(lambda call: answers[int(call.path.rpartition("/")[2])])


def large(status: int, size: int = MAX_ERROR_BYTES + 1) -> FakeReply:
    length = (b"content-length", str(size).encode())
    return FakeReply(status, (*JSON, length), (b"x" * size,))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        await scenario()

    asyncio.run(in_a_task())


# --- whole replies side by side ---------------------------------------------------------------


def test_all_replies_come_back_in_the_order_of_their_calls() -> None:
    network = each(json_reply({"n": 0}), json_reply({"n": 1, "pad": "x" * 4000}))

    async def scenario() -> None:
        answers = await send_whole(network.send, SENT[:2], 1)
        assert not isinstance(answers, ErrorReply)
        assert [answer.body[:6] for answer in answers] == [b'{"n":0', b'{"n":1']

    run(scenario)


@pytest.mark.parametrize("failing", [error_reply(500, "no"), large(500)])
def test_a_failure_stands_for_all(failing: FakeReply) -> None:
    network = each(json_reply({"n": 0}), failing)

    async def scenario() -> None:
        answer = await send_whole(network.send, SENT[:2], 2)
        assert isinstance(answer, ErrorReply)
        assert (answer.call, answer.status) == (1, 500)

    run(scenario)


def test_an_error_of_the_network_is_raised_and_the_rest_cancelled() -> None:
    waiting = asyncio.Event()
    cancelled: list[str] = []

    async def send(call: UpstreamCall) -> FakeReply:
        if call is SENT[0]:
            await waiting.wait()
            raise UpstreamUnavailable("no connection")
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(call.path)
            raise
        raise AssertionError("unreachable")

    async def scenario() -> None:
        with pytest.raises(UpstreamUnavailable):
            await send_whole(send, SENT[:2], 2)

    run(scenario)
    assert cancelled == ["/call/1"]


# --- streams side by side ---------------------------------------------------------------------


async def arrivals_of(streams: SubStreams) -> list[Arrival]:
    try:
        return [arrival async for arrival in streams.arrivals()]
    finally:
        await streams.aclose()


def of(arrivals: list[Arrival], call: int) -> list[bytes | Exception | None]:
    return [arrival.what for arrival in arrivals if arrival.call == call]


def test_streams_and_small_whole_replies_arrive_each_with_its_end() -> None:
    network = each(stream_reply({"a": 1}, done=False), json_reply({"b": 2}))

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:2], 2, 60)
        assert await streams.opened() is None
        arrivals = await arrivals_of(streams)
        assert of(arrivals, 0) == [b'data: {"a":1}\n\n', None]
        assert of(arrivals, 1) == [b'{"b":2}', None]
        assert isinstance(streams.replies[1], BufferedReply)

    run(scenario)


def test_a_refusal_among_the_first_calls_is_known_before_anything_is_sent() -> None:
    network = each(stream_reply({}), error_reply(404, "no"), stream_reply({}))

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:3], 2, 60)
        failure = await streams.opened()
        assert failure is not None
        assert (failure.call, failure.status) == (1, 404)
        await streams.aclose()

    run(scenario)


def test_a_refusal_of_a_later_call_arrives_as_an_error() -> None:
    network = each(stream_reply({}), error_reply(404, "no"))

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:2], 1, 60)
        assert await streams.opened() is None
        (error,) = of(await arrivals_of(streams), 1)
        assert isinstance(error, UpstreamError)
        assert "status 404" in error.message

    run(scenario)


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (large(500), "status 500"),
        (UpstreamUnavailable("no connection"), "no connection"),
        (FakeReply(200, EVENT_STREAM, (b"data: {}\n\n",), UpstreamTimeout("silent")), "silent"),
    ],
)
def test_a_call_that_fails_arrives_as_its_error(failing: Answer, message: str) -> None:
    network = each(stream_reply({}), failing)

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:2], 1, 60)
        last = of(await arrivals_of(streams), 1)[-1]
        assert isinstance(last, UpstreamError)
        assert message in last.message

    run(scenario)


def test_a_network_error_among_the_first_calls_is_raised() -> None:
    network = each(stream_reply({}), UpstreamUnavailable("no connection"))

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:2], 2, 60)
        with pytest.raises(UpstreamUnavailable):
            await streams.opened()
        await streams.aclose()

    run(scenario)


def test_an_abandoned_stream_is_closed_and_its_end_still_arrives() -> None:
    endless = FakeReply(200, EVENT_STREAM, [b"data: {}\n\n"] * 1000)
    network = each(endless, stream_reply({}))

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT[:2], 2, 60)
        await streams.opened()
        streams.abandon(0)
        arrivals = await arrivals_of(streams)
        assert of(arrivals, 0)[-1] is None
        assert of(arrivals, 1)[-1] is None

    run(scenario)
    assert endless.closed
    assert endless.delivered < 10


def test_streams_that_nobody_reads_wait_and_are_all_closed_in_the_end() -> None:
    replies = [FakeReply(200, EVENT_STREAM, [b"data: {}\n\n"] * 1000) for _ in SENT]
    network = each(*replies)

    async def scenario() -> None:
        streams = SubStreams(network.send, SENT, 2, 60)
        await streams.opened()
        await streams.aclose()
        await streams.aclose()

    run(scenario)
    assert [reply.closed for reply in replies[:2]] == [True, True]
    assert all(reply.delivered < 10 for reply in replies)
    assert len(network.calls) == 2
