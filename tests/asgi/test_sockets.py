"""Sockets under ASGI servers: messages both ways, frames that are passed on, ends."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect as open_socket

from gateway.asgi import sockets
from gateway.asgi.application import ASGIGateway
from gateway.asgi.sockets import ASGISocket, Message
from gateway.frames import FrameScanner
from gateway.request import Request
from gateway.sockets import ABNORMAL_CLOSURE, SERVICE_RESTART, Leaving, Socket, Traffic
from tests.api.client import Client
from tests.rows import module_fixture
from tests.server.connection.test_http1 import answer
from tests.server.websocket.peer import Echo, Sessions, run, turns
from tests.waiting import PATIENCE, wait_until

LIMIT = 1000
HANDSHAKE = Request("GET", "/responses")


class Server:
    """An ASGI server with one accepted socket; `full` keeps it from taking messages."""

    def __init__(self, session: Echo) -> None:
        self.session = session
        self.sent: list[Message] = []
        self.full = asyncio.Event()
        self.full.set()
        self.is_gone = False
        self._arrived: asyncio.Queue[Message] = asyncio.Queue()
        self.traffic = Traffic()
        self.socket = ASGISocket(self._arrived.get, self._send, LIMIT, self.traffic)
        self.task = asyncio.create_task(self.socket.serve(session))

    async def _send(self, message: Message) -> None:
        await self.full.wait()
        if self.is_gone:
            raise OSError
        self.sent.append(message)

    async def arrives(self, *messages: Message) -> list[Message]:
        """Let messages of the client arrive; return what is sent since."""
        before = len(self.sent)
        for message in messages:
            self._arrived.put_nowait(message)
        await turns()
        return self.sent[before:]


def text(content: str) -> Message:
    return {"type": "websocket.receive", "text": content}


def left(code: int = 1000, reason: str | None = "bye") -> Message:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def frames(*, pings: bool = True) -> Echo:
    return Echo(HANDSHAKE, frames=True, pings=pings)


def served(data: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def test_messages_come_and_go_until_the_client_leaves() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        assert await server.arrives(text("Grüße")) == [{"type": "websocket.send", "text": "Grüße"}]
        await server.arrives(left(3000))
        await server.task
        assert server.session.ends == [(3000, "bye")]
        assert server.socket.code == 3000
        assert (server.traffic.received, server.traffic.sent) == (7, 7)
        assert server.socket.send(b"dropped")
        server.socket.close()
        assert len(server.sent) == 1

    run(scenario)


def test_a_server_need_not_say_why_a_client_has_left() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await server.arrives({"type": "websocket.disconnect", "reason": None})
        await server.task
        assert server.session.ends == [(1005, "")]

    run(scenario)


def test_the_session_can_close() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await turns()
        assert server.socket.send_all([b"a", b"b"])
        server.session.drain(Leaving.STOPPING)
        server.session.drain(Leaving.STOPPING)
        await turns()
        assert [message.get("text") for message in server.sent] == ["a", "b", None]
        end = {"type": "websocket.close", "code": SERVICE_RESTART, "reason": ""}
        assert server.sent[-1] == end
        assert server.session.ends == [(SERVICE_RESTART, "")]
        await server.task

    run(scenario)


def test_a_close_without_a_code_is_a_normal_one() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await turns()
        server.socket.close(1005, "ignored")
        await server.task
        assert server.sent == [{"type": "websocket.close", "code": 1000, "reason": ""}]

    run(scenario)


@pytest.mark.parametrize(
    ("message", "code"),
    [({"type": "websocket.receive", "bytes": b"x"}, 1003), (text("x" * (LIMIT + 1)), 1009)],
)
def test_what_is_not_a_short_text_closes_the_socket(message: Message, code: int) -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        (closed,) = await server.arrives(message, text("behind"))
        assert closed["code"] == code
        assert server.session.messages == []
        await server.task

    run(scenario)


def test_a_slow_server_holds_the_session_up() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await turns()
        server.full.clear()
        big = b"x" * (sockets.MAX_UNSENT // 2)
        assert server.socket.send(big)
        assert server.socket.send(big)
        assert not server.socket.send(b"x")
        assert not server.socket.send_frames(served(b"y"), complete=True)
        await turns()
        assert server.session.drained_again == 0
        server.full.set()
        await turns()
        assert server.session.drained_again == 1
        await server.arrives(left())
        await server.task

    run(scenario)


def test_nothing_is_read_while_the_session_pauses() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await server.arrives(text("one"))
        server.socket.pause_reading()
        await server.arrives(text("two"), text("three"))
        assert len(server.session.messages) == 2
        server.socket.resume_reading()
        await turns()
        assert server.session.messages == [b"one", b"two", b"three"]
        await server.arrives(left())
        await server.task

    run(scenario)


def test_a_client_that_is_gone_ends_the_session() -> None:
    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        server.is_gone = True
        await server.arrives(text("answered"))
        await server.task
        assert server.session.ends == [(ABNORMAL_CLOSURE, "")]
        assert server.socket.code == ABNORMAL_CLOSURE

    run(scenario)


class Busy(Echo):
    """Goes on after its socket's end."""

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))


def test_a_session_that_goes_on_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "END_SECONDS", 0)

    async def scenario() -> None:
        server = Server(Busy(HANDSHAKE))
        await server.arrives(left())
        await server.task
        assert server.session.cancelled

    run(scenario)


def test_a_server_that_does_not_take_the_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0)

    async def scenario() -> None:
        server = Server(Echo(HANDSHAKE))
        await turns()
        server.full.clear()
        server.session.over.set()
        await server.task
        assert server.sent == []
        assert server.socket.code == 1000

    run(scenario)


def test_messages_are_handed_over_as_frames() -> None:
    async def scenario() -> None:
        server = Server(frames())
        await server.arrives(text("Grüße"), {"type": "websocket.receive", "bytes": b"\xff"})
        assert server.session.complete == [True, True]
        scanner = FrameScanner(masked=True, passes_pings=True)
        for piece, first in zip(server.session.pieces, (0x81, 0x82), strict=True):
            assert (scanner.take(piece), piece[0]) == (piece, first)
        (closed,) = await server.arrives(text("x" * (LIMIT + 1)))
        assert closed["code"] == 1009
        await server.task

    run(scenario)


def test_frames_become_messages_however_they_are_cut() -> None:
    async def scenario() -> None:
        server = Server(frames())
        await turns()
        parts = served("Grü".encode(), fin=False) + served("ße".encode(), Opcode.CONT)
        for byte in parts + served(b"\xff", Opcode.BINARY):
            assert server.socket.send_frames(bytes([byte]), complete=False)
        await turns()
        assert server.sent == [
            {"type": "websocket.send", "text": "Grüße"},
            {"type": "websocket.send", "bytes": b"\xff"},
        ]
        await server.arrives(left())
        await server.task

    run(scenario)


def test_a_text_frame_that_is_not_utf_8_closes_the_socket() -> None:
    async def scenario() -> None:
        server = Server(frames())
        await turns()
        server.socket.send_frames(served(b"\xc3("), complete=True)
        await turns()
        assert server.sent[-1]["code"] == 1007
        await server.task

    run(scenario)


@pytest.mark.parametrize("session", [frames, lambda: Echo(HANDSHAKE)])
def test_pings_that_are_passed_on_are_answered_for_the_client(session: Callable[[], Echo]) -> None:
    async def scenario() -> None:
        server = Server(session())
        await turns()
        server.socket.send_frames(
            served(b"p", Opcode.PING) + served(b"", Opcode.PONG), complete=True
        )
        answers = server.session.pieces
        assert [piece[0] for piece in answers] == ([0x8A] if session is frames else [])
        await server.arrives(left())
        await server.task
        assert server.sent == []

    run(scenario)


def test_answers_to_pings_are_for_those_who_want_them() -> None:
    async def scenario() -> None:
        server = Server(frames(pings=False))
        await turns()
        server.socket.send_frames(served(b"p", Opcode.PING), complete=True)
        assert server.session.pieces == []
        await server.arrives(left())
        await server.task

    run(scenario)


class Silent(Echo):
    """Takes nothing."""

    async def run(self, socket: Socket) -> None:
        del socket


def test_a_session_that_takes_nothing_is_closed() -> None:
    async def scenario() -> None:
        server = Server(Silent(HANDSHAKE))
        await server.task
        assert [message["code"] for message in server.sent] == [1000]

    run(scenario)


# --- under a real server ----------------------------------------------------------------------


@module_fixture
def sessions() -> Sessions:
    return Sessions(lambda request: Echo(request, frames=request.query == b"frames"))


@module_fixture
def address(sessions: Sessions) -> Iterator[str]:
    gateway = Client(answer, sessions=sessions.made).gateway
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            ASGIGateway(gateway),
            lifespan="off",
            ws="websockets-sansio",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/v1/responses"
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_client_of_uvicorn_exchanges_messages_and_closes(
    sessions: Sessions, address: str
) -> None:
    with open_socket(address, max_size=None) as client:
        for content in ("", "Grüße", "x" * 300_000):
            client.send(content)
            assert client.recv() == content
        client.close(4000, "own")
    wait_until(lambda: sessions.opened[-1].freed == 1)
    assert sessions.opened[-1].ends == [(4000, "own")]


def test_uvicorn_closes_as_it_is_told(sessions: Sessions, address: str) -> None:
    with open_socket(address) as client:
        client.send(b"binary")
        with pytest.raises(ConnectionClosed):
            client.recv()
        assert (client.close_code, client.close_reason) == (1003, "send text messages")


def test_uvicorn_refuses_over_http(address: str) -> None:
    with (
        pytest.raises(InvalidStatus) as raised,
        open_socket(address.replace("responses", "files")),
    ):
        pass
    assert raised.value.response.status_code == 426
    assert b"websocket_not_supported" in raised.value.response.body


def test_frames_pass_through_uvicorn_as_messages(sessions: Sessions, address: str) -> None:
    with open_socket(f"{address}?frames") as client:
        client.send("Hi")
        wait_until(lambda: bool(sessions.opened[-1].pieces))
        (piece,) = sessions.opened[-1].pieces
        assert (piece[0], piece[1]) == (0x81, 0x82)
