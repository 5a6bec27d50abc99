"""Replies on the wire: heads, chunks, keep-alive comments, errors."""

import asyncio
from typing import Any

import msgspec

from gateway.asgi import _ASGIWriter
from gateway.errors import InvalidRequest
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from tests.bodies import BodyOf


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
        writer = _ASGIWriter(wire.send)
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
        await _ASGIWriter(wire.send).write(reply, Decision())

    asyncio.run(scenario())
    assert wire.bodies == [b"a", b"b", b""]
    assert [m.get("more_body", False) for m in wire.messages[1:]] == [True, True, False]


def test_an_error_is_an_envelope_with_its_own_headers() -> None:
    wire = Wire()
    error = InvalidRequest("no «good»", param="n", headers=(("retry-after", "1"),))
    decision = Decision(upstream="openai")
    asyncio.run(_ASGIWriter(wire.send).write_error(error, decision))
    head, body = wire.messages
    headers = dict(head["headers"])
    assert head["status"] == 400
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-gateway-upstream"] == b"openai"
    assert msgspec.json.decode(body["body"]) == error.envelope()
