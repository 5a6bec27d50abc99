"""A web page of another origin calls the gateway: a real browser, its preflights, a stream."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser import PATIENCE, Browser, browser
from tests.processes import gateway_process

KEY = "gw-page"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
HEADERS = {
    "authorization": f"Bearer {KEY}",
    "content-type": "application/json",
    "x-stainless-lang": "js",
}
CALL = """
window.call = async (url, body, headers) => {
  window.pieces = ""; window.outcome = null;
  try {
    const init = body ? {method: "POST", body: JSON.stringify(body), headers} : {headers};
    const reply = await fetch(url, init);
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const {value, done} = await reader.read();
      if (done) break;
      window.pieces += value;
    }
    window.outcome = {status: reply.status, fields: Object.fromEntries(reply.headers)};
  } catch (error) { window.outcome = {refused: String(error)}; }
};
"""
OPEN = """
window.outcome = null;
window.open_socket = (url, protocols, create) => {
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => socket.send(JSON.stringify(create));
  socket.onmessage = ({data}) => {
    if (data.includes("second")) socket.close(1000);
  };
  socket.onclose = ({code}) => { window.outcome = {code, protocol: socket.protocol}; };
};
"""


class Upstream:
    """Streams one word, and the second one when the test lets it go; notes the methods."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.go = threading.Event()
        self.base_url = ""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def upstream() -> Iterator[Upstream]:
    made = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.methods.append("POST")
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("access-control-allow-origin", "http://other.example")
            self.end_headers()
            self._say("first")
            made.go.wait(PATIENCE)
            self._say("second")
            self.wfile.write(b"data: [DONE]\n\n")

        def do_GET(self) -> None:
            made.methods.append("GET")
            self.send_error(404)

        def do_OPTIONS(self) -> None:
            made.methods.append("OPTIONS")
            self.send_error(405)

        def _say(self, word: str) -> None:
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
            event = {"object": "chat.completion.chunk", "choices": [choice]}
            self.wfile.write(b"data: %b\n\n" % json.dumps(event).encode())

        def log_message(self, *_: object) -> None: ...

    with serving(Handler) as url:
        made.base_url = f"{url}/v1"
        yield made


@contextmanager
def page() -> Iterator[str]:
    """Serve an empty page; yield its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>An app</title>")

        def log_message(self, *_: object) -> None: ...

    with serving(Handler) as url:
        yield url


class World:
    """Two pages, one of which may call the gateway; the gateway and its upstream; a browser."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.upstream = stack.enter_context(upstream())
        self.allowed, self.other = stack.enter_context(page()), stack.enter_context(page())
        path = folder / "config.yaml"
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        path.write_text(
            f"server: {{port: 0, cors_origins: ['{self.allowed}']}}\n"
            "admin: {enabled: false}\n"
            f"upstreams: {{up: {{base_url: '{self.upstream.base_url}', kind: vllm, "
            "credential: none}}\n"
            "models: {m: {endpoint: chat}}\n"
            f"clients: [{{name: page, key_sha256: {digest}}}]\n"
        )
        process = stack.enter_context(
            gateway_process("serve", "--config", str(path), folder=folder)
        )
        self.base_url = process.line_with("gateway: http").split()[-1]
        self.browser: Browser = stack.enter_context(browser(folder))

    def call(self, origin: str, path: str, body: Any, headers: dict[str, str]) -> None:
        """Begin a call from a page of this origin."""
        self.browser.open(origin)
        self.browser.value(CALL)
        arguments = ", ".join(map(json.dumps, (self.base_url + path, body, headers)))
        self.browser.value(f"void call({arguments})")

    def open_socket(self, *protocols: str) -> Any:
        """Have a page take a turn on a socket; return how that ended."""
        self.browser.open(self.allowed)
        self.browser.value(OPEN)
        url = self.base_url.replace("http", "ws", 1) + "/responses"
        create = {"type": "response.create", "model": "m", "input": "Hello"}
        arguments = ", ".join(map(json.dumps, (url, protocols, create)))
        self.browser.value(f"void open_socket({arguments})")
        return self.outcome()

    def outcome(self) -> Any:
        self.browser.until("window.outcome !== null")
        return self.browser.value("window.outcome")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path)


@pytest.mark.slow
def test_a_page_streams_a_chat_after_a_preflight(world: World) -> None:
    body = {**CHAT, "stream": True}
    world.call(world.allowed, "/chat/completions", body, HEADERS)
    world.browser.until("window.pieces.includes('first')")
    assert world.browser.value("window.pieces.includes('second')") is False
    world.upstream.go.set()
    outcome = world.outcome()
    assert outcome["status"] == 200
    assert world.browser.value("window.pieces.includes('second')")
    # The page may read the gateway's own fields, and the upstream heard of no preflight.
    assert outcome["fields"]["x-gateway-upstream"] == "up"
    assert outcome["fields"]["x-request-id"]
    assert world.upstream.methods == ["POST"]
    assert world.browser.complaints == []


@pytest.mark.slow
def test_a_page_can_read_errors(world: World) -> None:
    wrong = {**HEADERS, "authorization": "Bearer wrong"}
    world.call(world.allowed, "/chat/completions", CHAT, wrong)
    assert world.outcome()["status"] == 401
    assert "Incorrect API key" in world.browser.value("window.pieces")
    world.call(world.allowed, "/chat/completions", {"messages": []}, HEADERS)
    assert world.outcome()["status"] == 400
    assert "you must provide a model" in world.browser.value("window.pieces")
    assert world.upstream.methods == []


@pytest.mark.slow
def test_a_page_of_another_origin_is_refused_before_its_request(world: World) -> None:
    world.call(world.other, "/chat/completions", CHAT, HEADERS)
    assert "Failed to fetch" in world.outcome()["refused"]
    assert world.browser.complains("has been blocked by CORS policy")
    # Without a preflight, the request is made, but the page cannot read the reply.
    world.call(world.other, "/models", None, {})
    assert "Failed to fetch" in world.outcome()["refused"]
    assert world.upstream.methods == []


@pytest.mark.slow
def test_a_page_opens_a_socket_with_its_key(world: World) -> None:
    world.upstream.go.set()
    key = f"openai-insecure-api-key.{KEY}"
    for name in ("realtime", "an-app.v1"):
        for offered in ((name, key), (key, name)):
            assert world.open_socket(*offered) == {"code": 1000, "protocol": name}
    assert world.upstream.methods == ["POST"] * 4
    assert world.open_socket(key)["code"] == 1006
    assert world.browser.complains("400")
