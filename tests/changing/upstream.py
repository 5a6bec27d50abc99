"""An upstream that says by whose key it is called, and whose streams end when the test says so."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 60.0
"""Seconds until something that should have happened is given up: a limit, not an expectation."""


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


class Upstream:
    """A running upstream. `keys` are those of its requests, in order, without look-ups."""

    def __init__(self, server: Server) -> None:
        self.port = server.server_port
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.keys: list[str] = []
        self.lists = 0
        self.connections = 0
        self.go = threading.Event()


def chunk(text: str) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


FIRST, LAST = chunk("first"), chunk("last") + b"data: [DONE]\n\n"


@contextmanager
def changing_upstream() -> Iterator[Upstream]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            upstream.connections += 1

        def do_GET(self) -> None:
            upstream.lists += 1
            self._reply({"object": "list", "data": [{"id": "m", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            upstream.keys.append(key)
            if not body.get("stream"):
                self._reply({"id": key, "object": "chat.completion", "created": 1, "choices": []})
                return
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(FIRST)
            upstream.go.wait()
            self.wfile.write(LAST)
            self.close_connection = True

        def _reply(self, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            head = (
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                f"content-length: {len(data)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        upstream = Upstream(server)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            upstream.go.set()
            server.shutdown()
            thread.join()
