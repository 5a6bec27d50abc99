"""An upstream that keeps every byte that reaches it, and answers each request with success."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedIOBase

from tests.waiting import PATIENCE


@dataclass
class Recorder:
    """What reached the upstream, request by request: head and body, as they came."""

    port: int = 0
    requests: list[bytearray] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def since(self, before: int) -> bytes:
        """All that came after the first `before` requests."""
        return b"\n".join(self.requests[before:])


REPLIES = {
    b"/v1/chat/completions": {
        "id": "c",
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
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    },
}


@contextmanager
def recording_upstream() -> Iterator[Recorder]:
    """Serve until the block ends."""
    recorder = Recorder()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while request := _read(self.rfile, recorder):
                target = request.split(b" ", 2)[1].partition(b"?")[0]
                body = json.dumps(REPLIES.get(target, {"object": "list", "data": []})).encode()
                head = (
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                )
                self.wfile.write(head % len(body) + b"\r\n" + body)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        recorder.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield recorder
        server.shutdown()
        thread.join(PATIENCE)


def _read(stream: BufferedIOBase, recorder: Recorder) -> bytes:
    """Read one request; what came of one that is cut off is recorded as well."""
    got = bytearray()

    def take(data: bytes) -> bytes:
        if data and not got:
            recorder.requests.append(got)
        got.extend(data)
        return data

    try:
        head = []
        while (line := take(stream.readline())) not in (b"\r\n", b""):
            head.append(line.lower())
        fields = b"".join(head)
        if b"transfer-encoding: chunked" in fields:
            while (size := int(take(stream.readline()) or b"0", 16)) > 0:
                take(stream.read(size + 2))
            take(stream.readline())
        for line in head:
            if line.startswith(b"content-length:"):
                take(stream.read(int(line.partition(b":")[2])))
    except (ConnectionError, ValueError):
        return b""
    return bytes(got)


@dataclass(frozen=True)
class Answer:
    """A reply of the gateway."""

    status: int
    body: bytes

    @property
    def error(self) -> dict[str, str]:
        """OpenAI's error object, its four keys checked."""
        error = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error  # type: ignore[no-any-return]


def exchanged(
    base_url: str, target: str, body: bytes = b"", *fields: str, method: str = "POST"
) -> Answer:
    """Send one request as it stands, with its length unless `fields` say otherwise."""
    port = int(base_url.split(":")[2].partition("/")[0])
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
    if not any(line.lower().startswith("transfer-encoding") for line in fields):
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        received = bytearray()
        with suppress(ConnectionError):  # refused before it was sent whole: the reply says why
            client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        while piece := client.recv(65536):
            received += piece
    head, _, content = bytes(received).partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        content = _unchunked(content)
    return Answer(int(head.split(b" ", 2)[1]), content)


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        whole += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return whole
