"""An upstream in a thread, over blocking sockets, that does one fault to each request.

It keeps nothing of a request and leaves no garbage, so that what is found is the gateway's.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from gateway.shapes import Json, Shape
from tests.waiting import PATIENCE

SSE = b"text/event-stream"
JSON = b"application/json"
ANSWERS: dict[str, Json] = {
    Shape.COMPLETIONS.path: {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": "Hi", "logprobs": None, "finish_reason": "stop"}],
    },
    Shape.CHAT.path: {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi"},
                "finish_reason": "stop",
            }
        ],
    },
    Shape.RESPONSES.path: {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    },
    Shape.MESSAGES.path: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
TEXTS: dict[str, bytes] = {
    Shape.COMPLETIONS.path: (
        b'{"id":"cmpl-1","object":"text_completion","created":1,"model":"m",'
        b'"choices":[{"index":0,"text":"Hi","finish_reason":null}]}'
    ),
    Shape.CHAT.path: (
        b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
        b'"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}'
    ),
    Shape.RESPONSES.path: (
        b'{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_1",'
        b'"output_index":0,"content_index":0,"delta":"Hi"}'
    ),
    Shape.MESSAGES.path: (
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}'
    ),
}
"""One event of text, by the path that it comes from."""

_OPENINGS: dict[str, bytes] = {
    Shape.MESSAGES.path: (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
        b'"type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
    ),
}
"""The events before the first of text."""

_ENDS: dict[str, bytes] = {
    Shape.COMPLETIONS.path: (
        b'data: {"id":"cmpl-1","choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n"
    ),
    Shape.CHAT.path: (
        b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n"
    ),
    Shape.RESPONSES.path: (
        b"event: response.completed\n"
        b'data: {"type":"response.completed","sequence_number":8,"response":%b}\n\n'
        % msgspec.json.encode(ANSWERS[Shape.RESPONSES.path])
    ),
    Shape.MESSAGES.path: (
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null},"usage":{"output_tokens":1}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ),
}


def end_of_stream(path: str) -> bytes:
    """Return what ends a stream at a path: the last events, up to the terminal one."""
    return _ENDS[path]


def opening(path: str) -> bytes:
    """Return what precedes the first text of a stream at a path."""
    return _OPENINGS.get(path, b"")


def event(path: str, data: bytes = b"") -> bytes:
    """Return one event as a stream at a path has it: of text, or of other data."""
    return _NAMES.get(path, b"") + b"data: " + (data or TEXTS[path]) + b"\n\n"


_NAMES: dict[str, bytes] = {
    Shape.RESPONSES.path: b"event: response.output_text.delta\n",
    Shape.MESSAGES.path: b"event: content_block_delta\n",
}


def head(kind: bytes, length: int | None = None, status: bytes = b"200 OK") -> bytes:
    """Return a reply's head; without a length the body is chunked."""
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\n%b\r\n\r\n" % (status, kind, framing)


def chunk(data: bytes) -> bytes:
    """Return one chunk of a body; of no bytes: its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes, status: bytes = b"200 OK", kind: bytes = JSON) -> bytes:
    """Return a whole reply."""
    return head(kind, len(body), status) + body


@dataclass
class Visit:
    """One request that was read, and the connection that it came on."""

    path: str
    """Below `/v1`."""
    connection: socket.socket
    number: int
    """How many requests came before it."""
    streamed: bool
    """Whether it asks for a stream."""
    released: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def stream(self, *events: bytes) -> None:
        """Begin a stream, with its opening if there are events."""
        begun = opening(self.path) if events else b""
        pieces = (begun, *events) if begun else events
        self.send(head(SSE) + b"".join(map(chunk, pieces)))

    def reset(self) -> None:
        """End the connection with a RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait(self) -> None:
        """Say nothing more, until the client has gone or the test is over."""
        self.connection.settimeout(0.05)
        while not self.released.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.connection.recv(65536):
                    return


Fault = Callable[[Visit], object]
"""Answers one request; then the connection is closed."""


@dataclass
class FaultyUpstream:
    """Where it listens, and what it does to the next request."""

    port: int
    fault: Fault
    visits: int = 0
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection."""
        self.connections += 1
        buffer = bytearray(1 << 18)
        with connection, contextlib.suppress(OSError):
            while (request := _read_request(connection, buffer)) is not None:
                visit = Visit(request[0], connection, self.visits, request[1], self.released)
                self.visits += 1
                if self.fault(visit) is not KEEP:
                    return


STREAMED = b'"stream":true'
KEEP = object()
"""Returned by a fault that leaves the connection open for another request."""


def _read_request(connection: socket.socket, buffer: bytearray) -> tuple[str, bool] | None:
    """Return the path of the next request, and whether it asks for a stream; None: the end."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            return None
        received += data
    begun, _, rest = received.partition(b"\r\n\r\n")
    length = int(begun.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    length -= len(rest)
    # A request for a stream says so at its end or its beginning, depending on who wrote it.
    streamed = STREAMED in rest
    while length > 0:
        size = connection.recv_into(buffer)
        if not size:
            return None
        length -= size
        streamed = streamed or STREAMED in buffer[:size]
    return begun.split(b" ", 2)[1].decode().removeprefix("/v1"), streamed


@contextmanager
def faulty_upstream(fault: Fault) -> Iterator[FaultyUpstream]:
    """Serve until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    upstream = FaultyUpstream(listening.getsockname()[1], fault)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=upstream.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.released.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(PATIENCE)
