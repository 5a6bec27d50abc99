"""Replies as ASGI messages: of handshakes, which a server may be able to refuse only by closing."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.asgi.writing import SocketWriter
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.sockets import ABNORMAL_CLOSURE, Traffic
from tests.bodies import BodyOf
from tests.server.websocket.peer import Echo, run

Message = dict[str, Any]
DENIALS: Message = {"websocket.http.response": {}}


class Server:
    def __init__(self, *messages: Any) -> None:
        self.sent: list[Any] = []
        self.messages = [*messages]
        self.is_gone = False

    async def receive(self) -> Any:
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        if self.is_gone:
            raise OSError
        self.sent.append(message)

    def writer(self, extensions: dict[str, Any]) -> SocketWriter:
        return SocketWriter(self.receive, self.send, 1000, extensions)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("extensions", [DENIALS, {}, {"other": {}}])
def test_a_refusal_is_a_reply_where_the_server_can(
    extensions: dict[str, Any], *, streamed: bool
) -> None:
    async def scenario() -> None:
        server = Server()
        body = BodyOf([b"{", b"}"]) if streamed else b"{}"
        reply = ClientReply(404, [(b"content-type", b"application/json")], body)
        await server.writer(extensions).write(reply, Decision(id_line=b"x-request-id: r\r\n"))
        if "websocket.http.response" not in extensions:
            assert server.sent == [{"type": "websocket.close", "code": 1008}]
            return
        start, *parts = server.sent
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 404)
        assert (b"x-request-id", b"r") in start["headers"]
        assert {part["type"] for part in parts} == {"websocket.http.response.body"}
        assert msgspec.json.decode(b"".join(part["body"] for part in parts)) == {}
        assert not parts[-1].get("more_body")

    run(scenario)


def test_an_accepted_handshake_has_the_fields_of_the_session() -> None:
    async def scenario() -> None:
        session = Echo(Request("GET", "/"))
        session.protocol = "realtime"
        session.headers = (
            (b"x-codex-turn-state", b"s"),
            (b"sec-websocket-accept", b"another"),
            (b"x-request-id", b"req_upstream"),
        )
        server = Server({"type": "websocket.disconnect", "code": 1001})
        writer = server.writer({})
        decision = Decision(upstream="openai", id_line=b"x-request-id: r\r\n")
        assert await writer.upgrade(session, decision, Traffic()) == 1001
        assert (writer.started, writer.status) == (True, 101)
        assert server.sent == [
            {
                "type": "websocket.accept",
                "subprotocol": "realtime",
                "headers": [
                    (b"x-codex-turn-state", b"s"),
                    (b"x-gateway-upstream", b"openai"),
                    (b"x-request-id", b"req_upstream"),
                ],
            }
        ]

    run(scenario)


def test_a_client_that_is_gone_has_no_socket() -> None:
    async def scenario() -> None:
        server = Server()
        server.is_gone = True
        session, writer = Echo(Request("GET", "/")), server.writer({})
        assert await writer.upgrade(session, Decision(), Traffic()) == ABNORMAL_CLOSURE
        assert (session.socket, writer.gone) == (None, True)

    run(scenario)
