"""One attempt: what is sent, and what its answer becomes."""

import asyncio

import msgspec
import pytest

from gateway.exchange.attempt_runner import note_sending
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.classify import ErrorReply
from gateway.request import GenerationRequest
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Shape, UpstreamCall
from tests.exchange.scene import ALICE, Scene, chat_completion
from tests.fakes import ArrivedReply, FakeReply, error_reply, json_reply

BODY = msgspec.json.encode({"model": "gpt-4o", "messages": []})
CALL = GenerationRequest.at(Shape.CHAT, BODY, ALICE)
NO_MODEL = error_reply(404, "The model `gpt-4o` does not exist.", code="model_not_found")


async def made(answered: FakeReply) -> tuple[Decision, ClientReply | ErrorReply]:
    """Return what one attempt at chat comes to."""
    scene, decision = Scene(lambda _: answered), Decision()
    route = await scene.resolver.resolve(ModelQuery("gpt-4o", Shape.CHAT, headers=ALICE))
    attempt = await scene.exchange.attempts.build_apart(CALL, route, Shape.CHAT, ())
    result = await scene.exchange.runner.run(CALL, decision, route, attempt, streamed=False)
    assert scene.network.paths == ["POST /chat/completions"]
    return decision, result


def test_an_answer_is_the_clients_reply_and_the_decision_says_whence() -> None:
    decision, result = asyncio.run(made(json_reply(chat_completion())))
    assert isinstance(result, ClientReply)
    assert (decision.attempts, decision.upstream) == (1, "openai")
    assert decision.endpoint == "/v1/chat/completions"


@pytest.mark.parametrize("kind", [FakeReply, ArrivedReply])
def test_an_error_is_a_failure_whether_it_is_here_as_a_whole_or_not(kind: type[FakeReply]) -> None:
    answered = kind(NO_MODEL.status, NO_MODEL.headers, NO_MODEL.pieces)
    decision, result = asyncio.run(made(answered))
    assert isinstance(result, ErrorReply)
    assert (decision.attempts, result.status) == (1, 404)


def test_calls_that_were_sent_again_and_their_address_are_noted() -> None:
    decision = Decision()
    sent = UpstreamCall("u", "POST", "/chat/completions", BODY, resends=2, address="http://b")
    note_sending(decision, sent)
    note_sending(decision, sent.copy(resends=1, address=""))
    assert (decision.resends, decision.address) == (3, "http://b")
