"""MiniMax says by a number in a success that it has failed: every client gets an error of it."""

from dataclasses import replace
from functools import partial

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, ModelRule
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from tests.exchange.reply.test_whole_body import REQUESTS
from tests.exchange.scene import OPENAI, Exchanged, Scene, chat_completion
from tests.exchange.test_reported_errors import JSON, PAIRS, error_of
from tests.fakes import EVENT_STREAM, ArrivedReply, FakeReply
from tests.faults.payloads import DONE, dumped, events

FAILED: Json = {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}
NULL: Json = {"id": "x", "choices": None, "created": 1, "model": "m", "usage": None, **FAILED}
EMPTY: Json = {"id": "x", "choices": [], "usage": {"total_tokens": 0}, "object": "", **FAILED}
BODIES = {"alone": FAILED, "null": NULL, "empty": EMPTY}


def asked(client: Shape, home: Shape, reply: FakeReply, *, stream: bool) -> Exchanged:
    """Ask for a model under its own name: at its own endpoint, its reply is passed on."""
    scene = Scene(lambda _: reply, rules=(ModelRule("m", "m", endpoints=(home,)),))
    return scene.generate(client, {**REQUESTS[client], "model": "m", "stream": stream})


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_number_in_place_of_a_result(
    client: Shape, home: Shape, kind: str, *, stream: bool, in_pieces: bool
) -> None:
    body = dumped(BODIES[kind])
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    kinds_of_reply = [FakeReply(200, JSON, pieces if in_pieces else [body])]
    if not in_pieces:
        kinds_of_reply.append(ArrivedReply(200, JSON, [body]))
    for reply in kinds_of_reply:
        error, status = error_of(partial(asked, client, home, reply, stream=stream))
        assert (error["message"], status) == ("rate limit", 429)


@pytest.mark.parametrize("end", [b"", DONE])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_number_in_a_first_event(client: Shape, home: Shape, kind: str, end: bytes) -> None:
    event = b"data: " + dumped(BODIES[kind]) + b"\n\n"
    for pieces in ([event + end], [event[at : at + 9] for at in range(0, len(event), 9)] + [end]):
        reply = FakeReply(200, EVENT_STREAM, pieces)
        error, status = error_of(partial(asked, client, home, reply, stream=True))
        assert (error["message"], status) == ("rate limit", 429)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_number_within_a_stream(client: Shape, home: Shape, kind: str) -> None:
    event = b"data: " + dumped(BODIES[kind]) + b"\n\n"
    reply = FakeReply(200, EVENT_STREAM, [*events(home, until="text"), event, DONE])
    result = asked(client, home, reply, stream=True)
    assert b"rate limit" in result.body
    assert not isinstance(result.reply.body, bytes)
    assert result.reply.body.failure is not None
    assert result.reply.body.failure.status == 429


@pytest.mark.parametrize("stream", [False, True])
def test_a_number_that_is_no_error(*, stream: bool) -> None:
    known = {"base_resp": {"status_code": 0, "status_msg": "success"}}
    reply = chat_completion("Hello", **known)
    sent = b"data: " + dumped(reply) + b"\n\n" + DONE if stream else dumped(reply)
    for client in Shape:
        headers = EVENT_STREAM if stream else JSON
        answer = FakeReply(200, headers, [sent])
        assert b"Hello" in asked(client, Shape.CHAT, answer, stream=stream).body


@pytest.mark.parametrize("number", [1004, 2049])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", list(Shape))
def test_a_number_that_refuses_the_gateways_key(
    client: Shape, number: int, *, stream: bool
) -> None:
    body = {**NULL, "base_resp": {"status_code": number, "status_msg": "login fail"}}
    reply = FakeReply(200, JSON, [dumped(body)])
    scene = Scene(
        lambda _: reply,
        replace(OPENAI, credential=CredentialPolicy.KEY, api_key=Secret("key")),
        rules=(ModelRule("m", "m", endpoints=(Shape.CHAT,)),),
    )
    with pytest.raises(GatewayError) as raised:
        scene.generate(client, {**REQUESTS[client], "model": "m", "stream": stream})
    assert (raised.value.status, raised.value.code) == (502, "upstream_auth_error")
