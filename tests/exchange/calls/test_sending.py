"""Sending the calls of one attempt: answers, refusals, and streams side by side."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import UpstreamUnavailable
from gateway.exchange.calls.sending import send_whole
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.shapes import UpstreamCall
from tests.fakes import (
    JSON,
    Answer,
    FakeReply,
    FakeUpstream,
    error_reply,
    json_reply,
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
