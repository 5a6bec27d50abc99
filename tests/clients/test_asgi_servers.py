"""The gateway under plain uvicorn, on its own and mounted in another application: real clients."""

import hashlib
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from websockets.sync.client import connect as open_socket

from gateway.demo import emulator
from tests.processes import GatewayProcess, uvicorn_process
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

USER: Any = [{"role": "user", "content": "Hello there"}]
LIMIT = 50_000
CONFIG = """
upstreams:
  openai: {{base_url: "{base_url}", kind: openai}}
server: {{max_body_bytes: {limit}, max_upload_bytes: {upload_limit}}}
"""
MOUNTED = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
import gateway.asgi

routes = [
    Mount("/llm", app=gateway.asgi.app),
    Route("/other", lambda request: PlainTextResponse("other")),
]
app = Starlette(routes=routes)
"""


@dataclass
class Started:
    """A server; `base_url` ends with /v1."""

    base_url: str
    process: GatewayProcess


@dataclass
class Running(Started):
    """A server before the emulator."""

    upstream: emulator.Served

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base_url, api_key="sk-test", max_retries=0)


@contextmanager
def at_upstream(
    folder: Path, upstream: str, app: str = "gateway.asgi:app", below: str = "", *options: str
) -> Iterator[Started]:
    """Serve an application under uvicorn, before any upstream."""
    (folder / "outer.py").write_text(MOUNTED)
    config = CONFIG.format(base_url=upstream, limit=LIMIT, upload_limit=2 * LIMIT)
    (folder / "gateway.yaml").write_text(config)
    with uvicorn_process(
        *(app, "--app-dir", str(folder), *options),
        folder=folder,
        GATEWAY_CONFIG=str(folder / "gateway.yaml"),
    ) as process:
        line = process.line_with("running on http://")
        port = line.partition("http://127.0.0.1:")[2].partition(" ")[0]
        yield Started(f"http://127.0.0.1:{port}{below}/v1", process)


@contextmanager
def served(folder: Path, app: str, below: str, *options: str) -> Iterator[Running]:
    """Serve an application under uvicorn, before the emulator."""
    with (
        emulator.serve() as upstream,
        at_upstream(folder, upstream.base_url, app, below, *options) as started,
    ):
        yield Running(started.base_url, started.process, upstream)


SERVERS = {
    "plain": ("gateway.asgi:app", "", ()),
    "mounted": ("outer:app", "/llm", ()),
    "behind a proxy": ("gateway.asgi:app", "", ("--root-path", "/llm")),
    "h11": ("gateway.asgi:app", "", ("--http", "h11", "--loop", "asyncio")),
}


@pytest.fixture(scope="module", params=[*SERVERS.values()], ids=[*SERVERS])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    app, below, options = request.param
    with served(tmp_path_factory.mktemp("asgi"), app, below, *options) as made:
        yield made


@pytest.fixture
def client(running: Running) -> Iterator[openai.OpenAI]:
    running.upstream.journal.clear()
    with running.client() as made:
        yield made


def test_a_chat_whole_and_streamed(running: Running, client: openai.OpenAI) -> None:
    whole = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=USER)
    assert whole.headers["x-gateway-upstream"] == "openai"
    said = whole.parse().choices[0].message.content
    assert said == "You said: Hello there"
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=USER, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == said
    assert {record.path for record in running.upstream.journal} == {"/v1/chat/completions"}


def test_a_completion_at_a_chat_model_streamed(running: Running, client: openai.OpenAI) -> None:
    stream = client.completions.create(
        model="gpt-4o-mini", prompt="Hello there", max_tokens=30, stream=True
    )
    chunks = list(stream)
    assert "Hello there" in "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert running.upstream.journal[-1].path == "/v1/chat/completions"


def test_an_upload_arrives_in_full(running: Running, client: openai.OpenAI) -> None:
    content = b'{"a": 1}\n' * 5000
    file = client.files.create(file=("a.jsonl", content), purpose="batch")
    assert file.bytes == len(content)
    (record,) = running.upstream.journal.calls("/v1/files")
    assert record.form is not None
    (received,) = record.form.files["file"]
    assert received.sha256 == hashlib.sha256(content).hexdigest()


def test_an_upload_beyond_its_limit_is_told(running: Running, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.files.create(file=("a.jsonl", b"x" * (2 * LIMIT + 1)), purpose="batch")
    assert caught.value.status_code == 413


def test_errors_are_openais(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-unknown", messages=USER)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        client.completions.create(model="gpt-4o-mini", prompt=5)  # type: ignore[call-overload]
    assert bad.value.param == "prompt"
    with pytest.raises(openai.NotFoundError) as elsewhere:
        client.get("/../nowhere", cast_to=object)
    assert elsewhere.value.status_code == 404


@pytest.mark.parametrize("declared", [False, True])
def test_a_body_beyond_its_limit_is_told(running: Running, *, declared: bool) -> None:
    body = b'{"model": "gpt-4o-mini", "x": "' + b"x" * LIMIT + b'"}'

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    url = f"{running.base_url}/chat/completions"
    content: Any = body if declared else pieces()
    reply = httpx2.post(url, content=content, trust_env=False)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "request_too_large")


def test_a_model_whose_name_has_a_slash_is_found_by_its_raw_path(running: Running) -> None:
    running.upstream.journal.clear()
    httpx2.get(f"{running.base_url}/models/org%2Fname", trust_env=False)
    assert running.upstream.journal[-1].path == "/v1/models/org/name"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_a_client_that_leaves_in_mid_stream_is_noticed_upstream(
    running: Running, client: openai.OpenAI, model: str
) -> None:
    said: Any = [{"role": "user", "content": "!slow Hello there"}]
    stream = client.chat.completions.create(model=model, messages=said, stream=True)
    next(iter(stream))
    record = running.upstream.journal[-1]
    assert not record.disconnected.is_set()
    stream.close()
    assert record.disconnected.wait(PATIENCE)


def test_a_client_that_leaves_before_the_reply_is_noticed_upstream(running: Running) -> None:
    running.upstream.journal.clear()
    address = urlsplit(running.base_url)
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"!slow Hi"}]}'
    head = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\nhost: h\r\n"
        f"authorization: Bearer sk-test\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(head.encode() + body)
        assert running.upstream.journal.wait_for(1)
    assert running.upstream.journal[0].disconnected.wait(PATIENCE)


def test_a_websocket_is_served(running: Running) -> None:
    url = running.base_url.replace("http:", "ws:") + "/responses"
    key = {"Authorization": "Bearer sk-test"}
    create = {"type": "response.create", "model": "gpt-4o-mini", "input": "Hello there"}
    events: list[str] = []
    with open_socket(url, additional_headers=key, proxy=None) as connection:
        connection.send(json.dumps(create))
        while not events or events[-1] not in ("response.completed", "error"):
            events.append(json.loads(connection.recv(10))["type"])
    assert (events[0], events[-1]) == ("response.created", "response.completed")


def test_a_websocket_elsewhere_is_sent_away(running: Running) -> None:
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    reply = httpx2.get(f"{running.base_url}/chat/completions", headers=upgrade, trust_env=False)
    assert (reply.status_code, reply.json()["error"]["code"]) == (426, "websocket_not_supported")


def test_the_other_routes_of_the_application_stay_its_own(tmp_path: Path) -> None:
    with served(tmp_path, "outer:app", "/llm") as running:
        root = running.base_url.removesuffix("/llm/v1")
        assert httpx2.get(f"{root}/other", trust_env=False).text == "other"
        assert httpx2.get(f"{root}/v1/models", trust_env=False).status_code == 404
        assert httpx2.get(f"{root}/llm/healthz", trust_env=False).json() == {"status": "ok"}
        assert httpx2.get(f"{root}/llm/", trust_env=False).status_code == 404


HEADS_ALONE = (("GET", 304), ("HEAD", 200), ("HEAD", 304))


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_a_head_alone_is_passed_on_and_the_connection_kept(tmp_path: Path, http: str) -> None:
    """Its Content-Length is that of a body which it does not have."""

    class Unchanged(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(int(self.path.rpartition("/")[2]))
            self.send_header("content-length", "1000")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the base class's form

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Unchanged) as upstream:
        upstream.daemon_threads = True
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        base_url = f"http://127.0.0.1:{upstream.server_port}/v1"
        options = ("gateway.asgi:app", "", "--http", http)
        with at_upstream(tmp_path, base_url, *options) as running:
            for method, status in HEADS_ALONE:
                with httpx2.Client(trust_env=False) as client:
                    for _ in range(2):
                        reply = client.request(method, f"{running.base_url}/files/{status}")
                        assert (reply.status_code, reply.content) == (status, b"")
            running.process.signal(signal.SIGTERM)
            running.process.ended()
            assert not any("Traceback" in line for line in running.process.lines)
        upstream.shutdown()


JDK = {
    "connection": "Upgrade, HTTP2-Settings",
    "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    "upgrade": "h2c",
}
"""What Java's `HttpClient` sends with every request without TLS, unless told otherwise."""


@pytest.mark.parametrize(("http", "status"), [("httptools", 400), ("h11", 200)])
def test_java_needs_the_other_parser_and_is_told_so(tmp_path: Path, http: str, status: int) -> None:
    """uvicorn's faster parser stops at the body of a request that offers another protocol."""
    with served(tmp_path, "gateway.asgi:app", "", "--http", http) as running:
        reply = httpx2.post(
            f"{running.base_url}/chat/completions",
            json={"model": "gpt-4o-mini", "messages": USER},
            headers={"authorization": "Bearer sk-test", **JDK},
            trust_env=False,
        )
    assert reply.status_code == status
    if status == 200:
        assert reply.json()["choices"][0]["message"]["content"] == "You said: Hello there"
    else:
        assert reply.json()["error"]["code"] == "body_dropped"
        assert "--http h11" in reply.json()["error"]["message"]


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    with served(tmp_path, "gateway.asgi:app", "") as running:
        with running.client() as client:
            assert client.models.list().data
        running.process.signal(signal.SIGTERM)
        running.process.ended()
        assert any("Application shutdown complete" in line for line in running.process.lines)
        assert not any("Traceback" in line for line in running.process.lines)


def test_a_bad_configuration_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("nonsense: 1")
    with uvicorn_process(
        "gateway.asgi:app", folder=tmp_path, GATEWAY_CONFIG=str(tmp_path / "gateway.yaml")
    ) as process:
        assert process.ended() != 0
        assert any("nonsense" in line for line in process.lines)
        assert not any("Traceback" in line for line in process.lines)
