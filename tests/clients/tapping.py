"""A wire between a client and a server that keeps every byte, and reads WebSockets from them."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from tests.waiting import PATIENCE


@dataclass
class Wire:
    """One connection: what the client sent, and what it received."""

    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asked for a WebSocket."""
        head = bytes(self.sent).partition(b"\r\n\r\n")[0].lower()
        return b"\r\nupgrade: websocket" in head

    @property
    def status(self) -> int:
        """The status of the first reply."""
        return int(bytes(self.received).split(b" ", 2)[1])

    def from_client(self) -> list[Any]:
        """The JSON messages that the client sent on its WebSocket."""
        return _messages(self.sent, Side.SERVER)

    def from_server(self) -> list[Any]:
        """The JSON messages that the client received."""
        return _messages(self.received, Side.CLIENT)


@dataclass
class Tap:
    """Where clients connect instead of the server: `base_url` ends in /v1."""

    base_url: str
    wires: list[Wire] = field(default_factory=list)

    @property
    def upgrades(self) -> list[Wire]:
        """The connections that were to become WebSockets."""
        return [wire for wire in self.wires if wire.is_upgrade]


@contextmanager
def tapped(base_url: str) -> Iterator[Tap]:
    """Listen until the block ends, and pass everything on to the server at `base_url`."""
    port = int(base_url.split(":")[2].partition("/")[0])

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire = Wire()
            tap.wires.append(wire)
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=_copy, args=(server, self.request, wire.received))
                back.start()
                _copy(self.request, server, wire.sent)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as listening:
        tap = Tap(f"http://127.0.0.1:{listening.server_address[1]}/v1")
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield tap
        listening.shutdown()
        thread.join(PATIENCE)


def _copy(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            kept += piece
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _messages(data: bytearray, side: Side) -> list[Any]:
    protocol = Protocol(side, state=State.OPEN, max_size=None)
    protocol.receive_data(bytes(data).partition(b"\r\n\r\n")[2])
    frames = [event for event in protocol.events_received() if isinstance(event, Frame)]
    texts: list[bytes] = []
    for frame in frames:
        if frame.opcode is Opcode.TEXT:
            texts.append(bytes(frame.data))
        elif frame.opcode is Opcode.CONT:
            texts[-1] += bytes(frame.data)
    return [json.loads(text) for text in texts]
