"""WebSockets of ASGI applications behind the door."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.frames import Opcode

from gateway.server.connection.state import State
from gateway.server.hosted import HostedApplication
from gateway.server.hosted_socket import Message, opened
from gateway.sockets import Leaving, SocketSession
from tests.server.websocket.peer import close_in, closing, frame, frames_in, handshake, run, turns
from tests.server.wire import Wire

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ACCEPT = {"type": "websocket.accept"}
TEXT, BINARY = Opcode.TEXT, Opcode.BINARY


class Peer:
    """A connection to an application that takes WebSockets."""

    def __init__(self, app: Any, *, sockets: bool = True) -> None:
        self.hosted = HostedApplication(app, sockets=sockets)
        self.wire = Wire(self.hosted)

    async def send(self, data: bytes) -> bytes:
        self.wire.protocol.data_received(data)
        await turns()
        return self.wire.take()

    async def open(self, *fields: str) -> str:
        reply = await self.send(handshake("/v1/a%20b?c=d", *fields))
        return reply.decode("latin-1")


class Echo:
    """Sends back what it gets; keeps its scope and all messages."""

    def __init__(self) -> None:
        self.scope: Message = {}
        self.messages: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope = scope
        while True:
            message = await receive()
            self.messages.append(message)
            if message["type"] == "websocket.connect":
                await send({**ACCEPT, "subprotocol": "realtime", "headers": [(b"x-a", b"b")]})
            elif message["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
            else:
                return


def test_an_application_accepts_echoes_and_learns_of_the_end() -> None:
    async def scenario() -> None:
        app = Echo()
        peer = Peer(app)
        reply = await peer.open("Sec-WebSocket-Protocol: other, realtime")
        assert reply.startswith("HTTP/1.1 101 ")
        assert "\r\nsec-websocket-protocol: realtime\r\nx-a: b\r\n" in reply
        scope = app.scope
        assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/v1/a b")
        assert (scope["query_string"], scope["subprotocols"]) == (b"c=d", ["other", "realtime"])
        assert frames_in(await peer.send(frame("Grüße"))) == [(TEXT, "Grüße".encode())]
        assert close_in(await peer.send(closing(1001, "bye"))) == (1001, "bye")
        await peer.wire.settle()
        assert app.messages[-1] == {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
        assert peer.wire.state is State.CLOSED

    run(scenario)


async def closing_at_once(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.send", "bytes": b"\xff"})
    await send({"type": "websocket.close", "code": 4000, "reason": "enough"})


def test_an_application_can_send_bytes_and_close() -> None:
    async def scenario() -> None:
        peer = Peer(closing_at_once)
        frames = (await peer.send(handshake())).partition(b"\r\n\r\n")[2]
        assert frames_in(frames)[0] == (BINARY, b"\xff")
        assert close_in(frames) == (4000, "enough")
        peer.wire.leave()

    run(scenario)


async def refusing(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def replying(scope: Message, receive: Receive, send: Send) -> None:
    fields = [(b"content-type", b"application/json")]
    await receive()
    await send({"type": "websocket.http.response.start", "status": 401, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": b'{"a":', "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"1}"})


async def silent(scope: Message, receive: Receive, send: Send) -> None: ...


async def failing(scope: Message, receive: Receive, send: Send) -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("app", "status", "text"),
    [
        (refusing, 403, "permission_denied"),
        (replying, 401, '{"a":1}'),
        (silent, 500, "server_error"),
        (failing, 500, "server_error"),
    ],
)
def test_an_application_that_does_not_accept_is_a_reply(
    app: Any, status: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        peer = Peer(app)
        reply = await peer.open()
        assert reply.startswith(f"HTTP/1.1 {status} ")
        assert text in reply
        peer.wire.leave()

    run(scenario)
    assert ("broken" in caplog.text) is (app is failing)


def test_a_handshake_that_is_none_is_refused_before_the_application() -> None:
    async def scenario() -> None:
        app = Echo()
        peer = Peer(app)
        reply = await peer.send(handshake(drop="Sec-WebSocket-Key"))
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert app.messages == []

    run(scenario)


def test_without_sockets_a_handshake_is_a_request() -> None:
    seen: list[str] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        assert (await Peer(app, sockets=False).open()).startswith("HTTP/1.1 204 ")

    run(scenario)
    assert seen == ["http"]


def test_an_error_after_the_handshake_closes_the_socket(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        raise RuntimeError("broken")

    async def scenario() -> None:
        peer = Peer(app)
        await peer.open()
        assert close_in(await peer.send(frame("x"))) == (1011, "")
        peer.wire.leave()

    run(scenario)
    assert "broken" in caplog.text


def test_a_slow_client_holds_the_application_up() -> None:
    sent: list[int] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        for number in range(3):
            await send({"type": "websocket.send", "text": f"full {number}"})
            sent.append(number)

    async def scenario() -> None:
        peer = Peer(app)
        peer.wire.transport.full_after = b"full"
        await peer.open()
        assert sent == [0]
        peer.wire.protocol.resume_writing()
        await turns()
        assert sent == [0, 1]
        peer.wire.leave()
        await peer.wire.settle()

    run(scenario)


def test_an_application_that_sends_after_the_end_gets_an_os_error() -> None:
    raised: list[type] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        assert (await receive())["type"] == "websocket.disconnect"
        try:
            await send({"type": "websocket.send", "text": "late"})
        except OSError as error:
            raised.append(type(error))

    async def scenario() -> None:
        peer = Peer(app)
        await peer.open()
        peer.wire.leave()
        await peer.wire.settle()

    run(scenario)
    assert raised == [OSError]


def test_an_application_that_is_slow_is_sent_no_more() -> None:
    async def scenario() -> None:
        begin = asyncio.Event()
        got: list[str] = []

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            await receive()
            await send(ACCEPT)
            await begin.wait()
            while (message := await receive())["type"] == "websocket.receive":
                got.append(message["text"])

        peer = Peer(app)
        await peer.open()
        for _ in range(3):
            await peer.send(frame("x") * 10)
        assert not peer.wire.transport.is_reading()
        begin.set()
        await turns()
        assert peer.wire.transport.is_reading()
        await turns()
        assert len(got) == 30
        peer.wire.leave()
        await peer.wire.settle()

    run(scenario)


def test_draining_closes_open_sockets_and_refuses_new_ones() -> None:
    async def scenario() -> None:
        app = Echo()
        peer = Peer(app)
        await peer.open()
        peer.hosted.drain()
        task = asyncio.create_task(peer.wire.door.drain(5))
        await turns()
        assert close_in(peer.wire.take()) == (1012, Leaving.STOPPING.value)
        await peer.send(closing(1012))
        await task
        assert app.messages[-1]["code"] == 1012
        late = Peer(app)
        late.hosted.drain()
        assert (await late.open()).startswith("HTTP/1.1 503 ")
        late.wire.leave()

    run(scenario)


def test_a_session_that_is_drained_before_it_runs_has_nothing_to_close() -> None:
    async def scenario() -> None:
        session = await opened(Echo(), {"path": "/"}, ())
        assert isinstance(session, SocketSession)
        session.drain(Leaving.STOPPING)
        await session.aclose()

    run(scenario)
