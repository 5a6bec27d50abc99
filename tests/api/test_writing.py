"""Replies on the wire: heads, chunks, keep-alive comments, errors."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.api.writing import error_reply
from gateway.asgi.writing import ASGIWriter
from gateway.errors import GatewayError, InvalidRequest, ModelNotFound
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.shapes import RepeatedFields, ReplyHeaders
from gateway.sockets import Traffic
from tests.bodies import BodyOf
from tests.server.websocket.peer import Echo


class Wire:
    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[bytes]:
        return [m["body"] for m in self.messages if m["type"] == "http.response.body"]


def written(reply: ClientReply, decision: Decision | None = None) -> Wire:
    wire = Wire()

    async def scenario() -> None:
        writer = ASGIWriter(wire.send)
        assert not writer.started
        await writer.write(reply, decision or Decision())
        assert (writer.started, writer.status) == (True, reply.status)

    asyncio.run(scenario())
    return wire


def test_a_whole_reply_is_one_head_and_one_body() -> None:
    reply = ClientReply(201, [(b"x-a", b"1")], b"whole")
    wire = written(reply, Decision(upstream="openai"))
    head, body = wire.messages
    assert head["status"] == 201
    assert head["headers"] == [(b"x-a", b"1"), (b"x-gateway-upstream", b"openai")]
    assert body == {"type": "http.response.body", "body": b"whole"}


def test_a_streamed_reply_is_written_piece_by_piece() -> None:
    wire = Wire()

    async def scenario() -> None:
        reply = ClientReply(200, [], BodyOf([b"a", b"b"]))
        await ASGIWriter(wire.send).write(reply, Decision())

    asyncio.run(scenario())
    assert wire.bodies == [b"a", b"b", b""]
    assert [m.get("more_body", False) for m in wire.messages[1:]] == [True, True, False]


def test_an_error_is_an_envelope_with_its_own_headers() -> None:
    wire = Wire()
    error = InvalidRequest("no «good»", param="n", headers=(("retry-after", "1"),))
    decision = Decision(upstream="openai")
    asyncio.run(ASGIWriter(wire.send).write_error(error, decision))
    head, body = wire.messages
    headers = dict(head["headers"])
    assert head["status"] == 400
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-gateway-upstream"] == b"openai"
    assert msgspec.json.decode(body["body"]) == error.envelope()


LIMITED = GatewayError("Wait.", status=429, headers=(("retry-after", "3"),))
ANTHROPIC = Decision(anthropic=True, id_line=b"x-request-id: req-1\r\n", model_asked="claude-x")


@pytest.mark.parametrize(
    ("error", "kind", "message", "retry"),
    [
        (InvalidRequest("no", param="a[0].b"), "invalid_request_error", "a.0.b: no", None),
        (ModelNotFound("Not here."), "not_found_error", "model: claude-x. Not here.", None),
        *(
            (GatewayError("Pay.", status=429, code=code), "rate_limit_error", "Pay.", "false")
            for code in ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
        ),
        (LIMITED, "rate_limit_error", "Wait.", None),
    ],
)
def test_clients_of_messages_get_anthropics_envelope(
    error: GatewayError, kind: str, message: str, retry: str | None
) -> None:
    reply = error_reply(error, ANTHROPIC)
    assert isinstance(reply.body, bytes)
    said = msgspec.json.decode(reply.body)
    assert (said["type"], said["error"]["type"], said["request_id"]) == ("error", kind, "req-1")
    assert said["error"]["message"].startswith(message)
    fields = dict(reply.headers)
    assert fields.get(b"x-should-retry", b"").decode() == (retry or "")
    assert fields.get(b"retry-after") == (b"3" if error.headers else None)
    assert b"x-should-retry" not in dict(error_reply(error, Decision()).headers)


def test_a_request_id_is_added_unless_the_upstream_has_given_one() -> None:
    (head, _) = written(ClientReply(200, [], b"x"), ANTHROPIC).messages
    assert (b"request-id", b"req-1") in head["headers"]
    theirs = [(b"request-id", b"req_2")]
    (head, _) = written(ClientReply(200, theirs, b"x"), ANTHROPIC).messages
    assert [value for name, value in head["headers"] if name == b"request-id"] == [b"req_2"]
    (head, _) = written(
        ClientReply(200, [], b"x"), Decision(id_line=b"x-request-id: r\r\n")
    ).messages
    assert b"request-id" not in dict(head["headers"])
    cors = Decision(
        anthropic=True, id_line=b"x-request-id: r\r\n", cors=((b"access-control-x", b"ours"),)
    )
    reply = ClientReply(200, [(b"access-control-x", b"theirs")], b"x")
    (head, _) = written(reply, cors).messages
    assert (b"access-control-x", b"theirs") not in head["headers"]
    assert (b"request-id", b"r") in head["headers"]


@pytest.mark.parametrize(("is_clients", "shown"), [(False, b"theirs"), (True, b"mine")])
@pytest.mark.parametrize("is_repeated", [False, True])
@pytest.mark.parametrize("status", [200, 429])
def test_an_added_request_id_is_the_replys_own(
    shown: bytes, status: int, *, is_clients: bool, is_repeated: bool
) -> None:
    ids = ((b"x-request-id", b"theirs"), (b"x-request-id", b"a b"))
    length = (b"content-length", b"1")
    fields = ReplyHeaders(RepeatedFields(ids, ()), b"1") if is_repeated else [*ids, length]
    decision = Decision(anthropic=True, id_line=b"x-request-id: mine\r\n", is_clients_id=is_clients)
    (head, _) = written(ClientReply(status, fields, b"x"), decision).messages
    named = [(name, value) for name, value in head["headers"] if name.endswith(b"request-id")]
    assert sorted(named) == [(b"request-id", shown), (b"x-request-id", shown)]


def test_a_writer_has_no_sockets_unless_it_says_so() -> None:
    async def scenario() -> None:
        session = Echo(Request("GET", "/responses"))
        with pytest.raises(GatewayError) as raised:
            await ASGIWriter(Wire().send).upgrade(session, Decision(), Traffic())
        assert raised.value.status == 426

    asyncio.run(scenario())
