"""An upstream that gives every reply the same id, as servers do that draw ids from a few values."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT_MODEL, COMPLETIONS_MODEL = "repeats-chat", "repeats-completions"
REFUSED = "Say nothing of this."
"""What no model answers here; the error names the message that says so."""
PREFIXES = {"/v1/chat/completions": "chatcmpl-", "/v1/completions": "cmpl-"}


def said(body: dict[str, Any]) -> str:
    """What the reply says: all that was sent, so that a test sees whose words these were."""
    sent = body.get("messages", body.get("prompt"))
    return "heard " + json.dumps(sent)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply(404, "application/json", b'{"error":"there is nothing here"}')

    do_DELETE = do_GET  # noqa: N815 - http.server's form

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        saying = [
            f"messages[{position}].content"
            for position, message in enumerate(body.get("messages", ()))
            if message["content"] == REFUSED
        ]
        if saying:
            error = {"message": "I will not.", "type": "x", "param": saying[0], "code": None}
            self._reply(400, "application/json", json.dumps({"error": error}).encode())
            return
        whole = not body.get("stream")
        reply = {"id": PREFIXES[self.path] + "417", "created": 1, "model": body["model"]}
        text = said(body)
        if "chat" in self.path:
            reply["object"] = "chat.completion" if whole else "chat.completion.chunk"
            inner = {"role": "assistant", "content": text}
            choice: dict[str, Any] = {"message" if whole else "delta": inner}
        else:
            reply["object"] = "text_completion"
            choice = {"text": text}
        reply["choices"] = [{"index": 0, **choice, "finish_reason": "stop"}]
        encoded = json.dumps(reply).encode()
        if whole:
            self._reply(200, "application/json", encoded)
        else:
            events = b"data: %s\n\ndata: [DONE]\n\n" % encoded
            self._reply(200, "text/event-stream", events)

    def _reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    # With the usual five, a crowd of connections is made again seconds later.
    request_queue_size = 128


@contextmanager
def repeating_upstream() -> Iterator[str]:
    """Serve until the block ends; yields the base URL, with /v1."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
