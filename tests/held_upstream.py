"""An upstream that holds its replies back until the test lets them go."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

PATIENCE = 60.0
"""Seconds until something that should have happened is given up: a limit, not an expectation."""
COMPLETION = b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"choices":[]}'


class HeldUpstream:
    """Answers every POST once `go` is set; `arrived` counts the requests that wait for it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.base_url = f"http://127.0.0.1:{server.server_port}/v1"
        self.arrived = threading.Semaphore(0)
        self.go = threading.Event()

    def wait_for_request(self) -> None:
        assert self.arrived.acquire(timeout=PATIENCE), "no request has arrived"


@contextmanager
def held_upstream() -> Iterator[HeldUpstream]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(404, b"{}")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            held.arrived.release()
            held.go.wait(PATIENCE)
            self._reply(200, COMPLETION)

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        held = HeldUpstream(server)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield held
        finally:
            held.go.set()
            server.shutdown()
            thread.join()


class PendingRequest:
    """A generation in a thread of its own, whose reply is waited for when it is asked for."""

    def __init__(self, base_url: str) -> None:
        self._outcome: list[int | Exception] = []
        self._thread = threading.Thread(target=self._send, args=(base_url,), daemon=True)
        self._thread.start()

    def _send(self, base_url: str) -> None:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
        url = f"{base_url}/chat/completions"
        try:
            reply = httpx2.post(url, json=body, trust_env=False, timeout=PATIENCE)
        except httpx2.HTTPError as error:
            self._outcome.append(error)
        else:
            self._outcome.append(reply.status_code)

    def outcome(self) -> int | Exception:
        """Return the status, or what went wrong."""
        self._thread.join(PATIENCE)
        (outcome,) = self._outcome
        return outcome
