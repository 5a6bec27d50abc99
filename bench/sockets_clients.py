"""The clients of the socket bench: one request after another on each connection.

    python -m bench.sockets_clients PORT CONNECTIONS WARM_UP_S WINDOW_S MODEL socket|stream

It prints a line "measuring" after the warm-up, and then one JSON object: the seconds of the window,
the pieces of text that came in it, and the errors.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import cast

import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from bench.contenders import KEY

_PADDING = "The quick brown fox jumps over the lazy dog. " * 20
_DELTA, _LAST = b'"response.output_text.delta"', b'"response.completed"'


class _Count:
    """What all connections have done in the window."""

    def __init__(self) -> None:
        self.events = self.errors = 0


class _Client(asyncio.Protocol):
    """Asks again once the last event has come."""

    def __init__(self, count: _Count, model: str, port: int) -> None:
        self.count = count
        self.port = port
        self.request = {"model": model, "store": False, "input": _PADDING}
        self.transport: asyncio.Transport
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none of asyncio's classes.
        self.transport = cast("asyncio.Transport", transport)
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.count.errors += 1

    def begin(self) -> None:
        """Send what comes first."""
        self.ask()

    def ask(self) -> None:
        """Send a request."""
        raise NotImplementedError

    def ends(self, data: bytes) -> bool:
        """Whether a reply ends with this piece."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        data = self._tail + data
        self.count.events += data.count(_DELTA)
        # Too short to be counted again.
        self._tail = data[1 - len(_DELTA) :]
        if self.ends(data):
            self._tail = b""
            self.ask()


class _Streams(_Client):
    """Posts, and reads a stream."""

    def begin(self) -> None:
        body = json.dumps({**self.request, "stream": True}).encode()
        self._request = (
            b"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json"
            b"\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n"
            % (self.port, KEY.encode(), len(body))
        ) + body
        self.ask()

    def ask(self) -> None:
        self.transport.write(self._request)

    def ends(self, data: bytes) -> bool:
        return data.endswith(b"\r\n0\r\n\r\n")


class _Sockets(_Client):
    """Opens a WebSocket; each create is a response."""

    def begin(self) -> None:
        create = json.dumps({"type": "response.create", **self.request}).encode()
        self._frame = Frame(Opcode.TEXT, create).serialize(mask=True)
        protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{self.port}/v1/responses"))
        request = protocol.connect()
        request.headers["Authorization"] = f"Bearer {KEY}"
        protocol.send_request(request)
        self._handshake: ClientProtocol | None = protocol
        self.transport.write(b"".join(protocol.data_to_send()))

    def ask(self) -> None:
        self.transport.write(self._frame)

    def ends(self, data: bytes) -> bool:
        return _LAST in data

    def data_received(self, data: bytes) -> None:
        if self._handshake is None:
            super().data_received(data)
            return
        self._handshake.receive_data(data)
        for event in self._handshake.events_received():
            if isinstance(event, Response):
                self._handshake = None
                self.ask()


async def main(port: int, connections: int, times: Sequence[float], model: str, kind: str) -> None:
    loop, count = asyncio.get_running_loop(), _Count()
    warm_up, window = times
    made = _Sockets if kind == "socket" else _Streams
    for _ in range(connections):
        await loop.create_connection(lambda: made(count, model, port), "127.0.0.1", port)
    await asyncio.sleep(warm_up)
    print("measuring", flush=True)
    events, began = count.events, time.monotonic()
    await asyncio.sleep(window)
    seconds, events = time.monotonic() - began, count.events - events
    print(json.dumps({"seconds": seconds, "events": events, "errors": count.errors}))


if __name__ == "__main__":
    port, connections, *times, model, kind = sys.argv[1:]
    uvloop.run(main(int(port), int(connections), [*map(float, times)], model, kind))
