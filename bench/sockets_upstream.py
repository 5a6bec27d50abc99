"""The upstream of the socket bench: the same events as a stream over HTTP, or as messages.

    python -m bench.sockets_upstream PORT PACE_MS

Whatever is asked for, it answers with `DELTAS` pieces of text: at `/v1/chat/completions` as chunks,
at `/v1/responses` as events, and on a WebSocket there as a message each. All at once, in one
write, or one event each PACE_MS.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
import uvloop
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bench.scripted_replies import events
from gateway.shapes import Shape

DELTAS, PIECE = 200, "a"
_END = b"0\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _events(shape: Shape) -> list[bytes]:
    """Return the events with JSON as compact as OpenAI's."""
    found, last = events(shape, [PIECE] * DELTAS)
    return [*map(_compact, found), _compact(last)]


def _compact(event: bytes) -> bytes:
    head, mark, data = event.partition(b"data: ")
    if not data.startswith(b"{"):
        return event
    return head + mark + msgspec.json.format(data.rstrip(), indent=-1) + b"\n\n"


def _chunks(shape: Shape) -> list[bytes]:
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in _events(shape)]
    return [_HEAD + chunks[0], *chunks[1:-1], chunks[-1] + _END]


def _messages() -> list[bytes]:
    data = [event.partition(b"data: ")[2].rstrip() for event in _events(Shape.RESPONSES)]
    return [Frame(Opcode.TEXT, each).serialize(mask=False) for each in data]


_CHAT, _RESPONSES, _MESSAGES = _chunks(Shape.CHAT), _chunks(Shape.RESPONSES), _messages()


class _Connection(asyncio.Protocol):
    """One connection: requests, or a WebSocket."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._data = bytearray()
        self._socket: ServerProtocol | None = None
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._socket is not None:
            self._take_frames(data)
            return
        self._data += data
        head, found, body = bytes(self._data).partition(b"\r\n\r\n")
        if not found:
            return
        if b"upgrade: websocket" in head.lower():
            self._data.clear()
            self._socket = ServerProtocol(max_size=None)
            self._take_frames(head + b"\r\n\r\n" + body)
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0"
        if len(body) >= int(length):
            self._data.clear()
            self._write(_CHAT if b"/chat/" in head else _RESPONSES)

    def _take_frames(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Request):
                self._socket.send_response(self._socket.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._write(_MESSAGES)
        for piece in self._socket.data_to_send():
            self._transport.write(piece) if piece else self._transport.close()

    def _write(self, pieces: Sequence[bytes]) -> None:
        if not self._pace:
            self._transport.write(b"".join(pieces))
            return
        self._task = asyncio.create_task(self._paced(pieces))

    async def _paced(self, pieces: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, piece in zip(itertools.count(1), pieces, strict=False):
            self._transport.write(piece)
            await asyncio.sleep(began + number * self._pace - loop.time())


def _made(pace: float) -> Callable[[], _Connection]:
    return lambda: _Connection(pace)


async def main(port: int, pace: float) -> None:
    server = await asyncio.get_running_loop().create_server(_made(pace), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]) / 1000))
