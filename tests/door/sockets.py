"""A gateway on a real socket whose sessions send back what they get, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from gateway.config.settings import ServerSettings
from gateway.server.serving import Listener, serve
from gateway.server.tls import server_context
from tests.api.client import Client as Requests
from tests.door.doors import Client
from tests.server.connection.test_http1 import answer
from tests.server.websocket.peer import Echo, Opening, Sessions, handshake
from tests.waiting import PATIENCE


@dataclass
class Echoing:
    """`base_url` has no path. `sessions` live in the thread's loop: they may be read from here."""

    sessions: Sessions
    requests: Requests
    base_url: str = ""
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Where sockets are opened."""
        return self.base_url.replace("http", "ws", 1) + "/v1/responses"

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the thread's loop, and return what it returns."""
        assert self.loop is not None
        called = threading.Event()
        returned: list[Any] = []

        def run() -> None:
            returned.append(function())
            called.set()

        self.loop.call_soon_threadsafe(run)
        assert called.wait(PATIENCE)
        return returned[0]

    def end(self) -> None:
        """Have the gateway drain, unless it has ended."""
        if self.loop is None or self.ended.is_set():
            return
        self.loop.call_soon_threadsafe(self.stop.set)


@contextmanager
def echoing(
    server: ServerSettings | None = None,
    opening: Opening = Echo,
    *,
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    grace: float = 1.0,
) -> Iterator[Echoing]:
    """Run such a gateway until the block ends; `grace` is its grace period."""
    sessions = Sessions(opening)
    running = Echoing(sessions, Requests(answer, server, sessions=sessions.made))
    gateway = running.requests.gateway
    gateway.tls = server_context(server.tls if server is not None else None)
    started = threading.Event()

    def announce(ports: list[int]) -> None:
        scheme = "https" if gateway.tls is not None else "http"
        running.base_url = f"{scheme}://127.0.0.1:{ports[0]}"
        running.loop = asyncio.get_running_loop()
        started.set()

    async def run() -> None:
        await serve(
            [Listener(gateway, "127.0.0.1", 0)],
            grace_period=lambda: grace,
            on_drain=gateway.drain,
            on_started=announce,
            stop=running.stop,
        )

    def main() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(run())
        running.ended.set()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    try:
        yield running
    finally:
        running.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Frames:
    """A client that sends bytes of its own choice, and reads frames."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._parser = Protocol(Side.CLIENT, max_size=None)
        self._frames: list[tuple[int, bytes]] = []

    def open(self, *behind: bytes, path: str = "/v1/responses") -> int:
        """Send a handshake with bytes right after it; return the status of its reply."""
        self.client.send(handshake(path) + b"".join(behind))
        return self.client.reply_head()[0]

    def send(self, data: bytes) -> None:
        self.client.send(data)

    def next(self) -> tuple[int, bytes]:
        """Return the next frame: its opcode and content."""
        while not self._frames:
            data = self.client.read1()
            assert data, "the connection has ended"
            self._parser.receive_data(data)
            received = self._parser.events_received()
            self._frames += [
                (each.opcode, bytes(each.data)) for each in received if isinstance(each, Frame)
            ]
        return self._frames.pop(0)

    def close_code(self) -> int:
        """Return the code of the next close frame; frames before it are skipped."""
        while (got := self.next())[0] != Opcode.CLOSE:
            continue
        return int.from_bytes(got[1][:2], "big")
