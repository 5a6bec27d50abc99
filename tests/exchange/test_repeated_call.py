"""A call that repeats a decision: in two parts without a task, and what a task goes on with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from gateway.errors import GatewayError, UpstreamReplied, UpstreamTimeout
from gateway.exchange import repeated_call
from gateway.exchange.answers import answer_at_once
from gateway.exchange.decision import Decision
from gateway.exchange.repeated_call import RepeatedCall
from gateway.exchange.repeats import Repeats
from gateway.request import GenerationRequest
from gateway.shapes import BegunReply, ClientHeaders, Shape, UpstreamCall, UpstreamReply
from tests.exchange.scene import ALICE, Scene
from tests.exchange.test_odd_replies import ASKED
from tests.exchange.test_repeats import answers, at
from tests.fakes import JSON, Answer, FakeReply, error_reply

pytestmark = pytest.mark.anyio

CLIENTS = pytest.mark.parametrize("client", [Shape.CHAT, Shape.COMPLETIONS])


class Begun(FakeReply):
    """A reply to a begun call; `arrive()` lets all of it be here."""

    taken_over = 0

    def take_over(self) -> None:
        self.taken_over += 1

    def arrive(self) -> "Begun":
        self._ahead = b"".join(self.pieces)
        self.ended = True
        return self


@dataclass
class TwoParts:
    """A `SendsAtOnce` whose replies the test chooses."""

    begun: BegunReply | None = None
    error: GatewayError | None = None
    calls: list[UpstreamCall] = field(default_factory=list)
    ended: int = 0

    def begin(self, call: UpstreamCall, notify: Callable[[], None]) -> BegunReply | None:
        del notify
        if self.begun is not None:
            self.calls.append(call)
        return self.begun

    async def end(self, call: UpstreamCall, begun: BegunReply) -> UpstreamReply:
        assert begun is self.begun
        self.ended += 1
        call.resends += 1
        if self.error is not None:
            raise self.error
        return begun


class Stage:
    """An exchange that knows what a request repeats."""

    def __init__(self, client: Shape, answer: Callable[[UpstreamCall], Answer] = answers) -> None:
        self.client = client
        self.scene = Scene(answer, rules=(at(Shape.CHAT),))
        self.two_parts = TwoParts()
        self.repeats = Repeats(self.scene.exchange, lambda _: self.two_parts)
        self.headers = ClientHeaders(ALICE)
        self.decision = Decision()

    async def repeated(self) -> RepeatedCall:
        """Return the second of two equal requests."""
        body = msgspec.json.encode(ASKED[self.client])
        call = GenerationRequest(
            "POST", self.client.path, b"", self.headers, body, shape=self.client
        )
        await self.repeats.run(call, Decision())
        repeated = self.repeats.repeated(call, self.decision)
        assert repeated is not None
        return repeated


def a_reply(answer: Answer | None = None) -> Begun:
    if answer is None:
        answer = answers(UpstreamCall("openai", "POST", Shape.CHAT.path, b""))
    assert isinstance(answer, FakeReply)
    return Begun(answer.status, (*JSON,), answer.pieces)


@CLIENTS
async def test_a_simple_reply_needs_no_second_part(client: Shape) -> None:
    stage = Stage(client)
    stage.two_parts.begun = begun = a_reply()
    repeated = await stage.repeated()
    assert repeated.begin(Mock())
    assert repeated.reply_now() is None  # nothing of it is here
    begun.arrive()
    reply = repeated.reply_now()
    assert reply is not None
    assert reply.status == 200
    assert (begun.taken_over, stage.two_parts.ended) == (1, 0)
    assert stage.decision.attempts == 1


@CLIENTS
async def test_without_a_connection_it_is_sent_as_any_other(client: Shape) -> None:
    stage = Stage(client)
    repeated = await stage.repeated()
    before = len(stage.scene.network.calls)
    assert not repeated.begin(Mock())
    assert repeated.reply_now() is None
    assert (await repeated.reply()).status == 200
    assert len(stage.scene.network.calls) == before + 1
    assert stage.two_parts.ended == 0


async def test_where_nothing_sends_in_two_parts_nothing_is_begun() -> None:
    stage = Stage(Shape.CHAT)
    stage.repeats = Repeats(stage.scene.exchange)
    assert not (await stage.repeated()).begin(Mock())


@CLIENTS
async def test_a_reply_that_comes_later_is_the_second_parts(client: Shape) -> None:
    stage = Stage(client)
    stage.two_parts.begun = begun = a_reply()
    repeated = await stage.repeated()
    assert repeated.begin(Mock())
    assert (await repeated.reply()).status == 200
    assert (begun.taken_over, stage.two_parts.ended) == (0, 1)
    assert stage.decision.resends == 1  # as the call says


@CLIENTS
async def test_an_error_is_the_loops(client: Shape) -> None:
    stage = Stage(client)
    refused = error_reply(400, "temperature must be less than 2", param="temperature")
    stage.two_parts.begun = begun = a_reply(refused).arrive()
    repeated = await stage.repeated()
    assert repeated.begin(Mock())
    assert repeated.reply_now() is None
    assert begun.taken_over == 0
    if client is Shape.CHAT:
        assert (await repeated.reply()).status == 400  # as it is
    else:
        with pytest.raises(UpstreamReplied, match="temperature must be less"):
            await repeated.reply()


async def test_what_is_not_simple_is_not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def counted(*arguments: Any) -> object:
        looks.append(arguments)
        return answer_at_once(*arguments)

    monkeypatch.setattr(repeated_call, "answer_at_once", counted)
    stage = Stage(Shape.COMPLETIONS)
    odd = FakeReply(200, JSON, (b'{"id":"c","object":"chat.completion","choices":"none"}',))
    stage.two_parts.begun = a_reply(odd).arrive()
    repeated = await stage.repeated()
    looks.clear()
    assert repeated.begin(Mock())
    assert repeated.reply_now() is None
    with pytest.raises(GatewayError):
        await repeated.reply()
    assert len(looks) == 1


@CLIENTS
async def test_a_failure_of_the_second_part_is_raised(client: Shape) -> None:
    stage = Stage(client)
    stage.two_parts.begun = a_reply()
    stage.two_parts.error = UpstreamTimeout("too late")
    repeated = await stage.repeated()
    assert repeated.begin(Mock())
    with pytest.raises(UpstreamTimeout, match="too late"):
        await repeated.reply()
