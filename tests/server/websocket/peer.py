"""Clients of sockets: on a connection in memory, and what sessions do with what they send."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from gateway.api.admission import Tracing
from gateway.api.handshakes import Turns
from gateway.config.settings import ClientSettings, ServerSettings
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Request
from gateway.sockets import SERVICE_RESTART, Leaving, Socket, SocketSession
from tests.api.client import Client
from tests.server.connection.test_http1 import answer
from tests.server.wire import Wire
from tests.waiting import PATIENCE

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""RFC 6455's own example."""
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
OPENING = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {KEY}",
)


def handshake(path: str = "/v1/responses", *fields: str, drop: str = "-") -> bytes:
    """Return a handshake with further fields, and without one."""
    always = ("Host: gateway.test", "Authorization: Bearer sk-test", *OPENING)
    kept = [line for line in always if not line.startswith(drop)]
    lines = (f"GET {path} HTTP/1.1", *kept, *fields)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def frame(data: bytes | str, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    """Return a frame as clients send it."""
    content = data.encode() if isinstance(data, str) else data
    return Frame(opcode, content, fin).serialize(mask=True)


def closing(code: int = 1000, reason: str = "") -> bytes:
    """Return a close frame of a client's."""
    return frame(code.to_bytes(2, "big") + reason.encode(), Opcode.CLOSE)


def frames_in(data: bytes) -> list[tuple[int, bytes]]:
    """Return the frames that a server has sent: opcodes and contents."""
    parser = Protocol(Side.CLIENT, max_size=None)
    parser.receive_data(data)
    received = parser.events_received()
    assert parser.parser_exc is None, parser.parser_exc
    return [(each.opcode, bytes(each.data)) for each in received if isinstance(each, Frame)]


def close_in(data: bytes) -> tuple[int, str]:
    """Return the code and the reason of the close frame at the end of what a server has sent."""
    opcode, content = frames_in(data)[-1]
    assert opcode == Opcode.CLOSE
    return int.from_bytes(content[:2], "big"), content[2:].decode()


class Echo(SocketSession):
    """Sends back what it gets, and notes what becomes of its socket."""

    kind = "responses"

    def __init__(self, request: Request, *, frames: bool = False, pings: bool = True) -> None:
        self.request = request
        self.socket: Socket | None = None
        self.messages: list[bytes] = []
        self.pieces: list[bytes] = []
        self.complete: list[bool] = []
        self.ends: list[tuple[int, str]] = []
        self.drains: list[Leaving] = []
        self.drained_again = 0
        self.freed = 0
        self.over = asyncio.Event()
        self.cancelled = False
        self._frames, self._pings = frames, pings

    async def run(self, socket: Socket) -> None:
        self.socket = socket
        if self._frames:
            socket.take_frames(pings=self._pings)
        socket.attach(self)
        try:
            await self.over.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def received(self, message: bytes) -> None:
        assert self.socket is not None
        self.messages.append(message)
        self.socket.send(message)

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        self.pieces.append(data)
        self.complete.append(complete)

    def drained(self) -> None:
        self.drained_again += 1

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))
        self.over.set()

    def drain(self, leaving: Leaving) -> None:
        self.drains.append(leaving)
        if self.socket is not None:
            self.socket.close(SERVICE_RESTART)

    async def aclose(self) -> None:
        self.freed += 1


Opened = SocketSession | ClientReply
Opening = Callable[[Request], Opened | Awaitable[Opened]]


class Sessions:
    """Opens sessions by a function, and keeps them."""

    def __init__(self, opening: Opening = Echo) -> None:
        self.opened: list[Any] = []
        self.turns: list[Callable[[Request], Turns]] = []
        self._opening = opening

    def made(self, turns: Callable[[Request], Turns]) -> "Sessions":
        self.turns.append(turns)
        return self

    async def responses(self, request: Request, decision: Decision) -> Opened:
        opened = self._opening(request)
        if not isinstance(opened, SocketSession | ClientReply):
            opened = await opened
        self.opened.append(opened)
        return opened

    async def realtime(self, request: Request, decision: Decision) -> Opened:
        opened = await self.responses(request, decision)
        if isinstance(opened, SocketSession):
            opened.kind = "realtime"
        return opened


class Peer:
    """A gateway, and one connection to it in memory. To be made within a loop."""

    def __init__(
        self,
        opening: Opening = Echo,
        server: ServerSettings | None = None,
        clients: tuple[ClientSettings, ...] = (),
        tracing: Tracing | None = None,
    ) -> None:
        self.sessions = Sessions(opening)
        made = self.sessions.made
        self.client = Client(answer, server, clients, sessions=made, tracing=tracing)
        self.wire = Wire(self.client.gateway)

    @property
    def session(self) -> Any:
        """The session of the last handshake."""
        return self.sessions.opened[-1]

    @property
    def counts(self) -> tuple[dict[str, int], dict[tuple[str, ...], int]]:
        """The numbers of sockets, open and closed."""
        counts = self.client.observer.sockets
        return dict(counts.open), dict(counts.closed)

    async def open(self, *behind: bytes) -> bytes:
        """Open a socket, with bytes right after the handshake; return the head of its reply."""
        return await self.send(handshake() + b"".join(behind))

    async def send(self, *pieces: bytes) -> bytes:
        """Send bytes; return what comes back."""
        for piece in pieces:
            self.wire.protocol.data_received(piece)
            await turns()
        return self.wire.take()

    async def exchange(self, *pieces: bytes) -> list[tuple[int, bytes]]:
        """Send bytes; return the frames that come back."""
        return frames_in(await self.send(*pieces))


async def turns(number: int = 20) -> None:
    """Let the loop go round, so that all that is ready is done."""
    for _ in range(number):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Any]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), PATIENCE)

    asyncio.run(bounded())
