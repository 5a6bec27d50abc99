"""Servers that die, load and come back behind one upstream: real processes, seen by clients."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.addresses import held_port
from tests.processes import GatewayProcess, gateway_process, script_process

pytestmark = pytest.mark.slow

CLIENTS = 8

SERVER = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, name, loading = {port}, {name!r}, {loading}
journal = os.open("journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(404, {{"detail": "Not Found"}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if loading:
            error = {{"message": "Loading model", "type": "unavailable_error", "code": 503}}
            self.reply(503, {{"error": error}})
            return
        os.write(journal, (name + " " + body["messages"][0]["content"] + "\\n").encode())
        time.sleep(0.005)
        said = {{"index": 0, "message": {{"role": "assistant", "content": name}}}}
        self.reply(200, {{"id": "x", "object": "chat.completion", "choices": [said]}})

    def reply(self, status, payload):
        raw = json.dumps(payload).encode()
        head = ("HTTP/1.1 %d -" % status, "content-type: application/json",
                "content-length: %d" % len(raw), "", "")
        self.wfile.write("\\r\\n".join(head).encode() + raw)

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

server = Server(("127.0.0.1", port), Handler)
print("ready", flush=True)
server.serve_forever()
"""


@dataclass
class Answers:
    """What clients got: the server's name by the request's, or the status of an error."""

    served: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


class Stage:
    """Servers at fixed ports, a gateway before them, and clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: held_port() for name in "abc"}
        self.asked = 0
        self.gateway = ""
        self.admin = ""

    @contextmanager
    def server(self, name: str, *, loading: bool = False) -> Iterator[GatewayProcess]:
        script = SERVER.format(port=self.ports[name], name=name, loading=loading)
        with script_process(script, folder=self.folder) as process:
            process.line_with("ready")
            yield process

    @contextmanager
    def serving(self) -> Iterator[None]:
        urls = [f"http://127.0.0.1:{port}/v1" for port in self.ports.values()]
        path = self.folder / "gateway.yaml"
        upstream = {"base_url": urls, "kind": "vllm", "credential": "none"}
        path.write_text(json.dumps({"upstreams": {"local": upstream}}))
        arguments = ("serve", "--port", "0", "--config", str(path))
        with gateway_process(*arguments, folder=self.folder, GATEWAY_ADMIN__PORT="0") as process:
            self.gateway = process.line_with("gateway: http://").split(": ")[1]
            self.admin = process.line_with("admin: http://").split(": ")[1]
            yield

    def ask(self, count: int, meanwhile: Callable[[], None] = lambda: None) -> Answers:
        """Send so many requests from all clients; `meanwhile` runs after a quarter of them."""
        names = [f"request-{self.asked + number}" for number in range(count)]
        self.asked += count
        answers = Answers()
        with (
            httpx2.Client(trust_env=False, timeout=30) as client,
            ThreadPoolExecutor(CLIENTS) as pool,
        ):

            def one(name: str) -> None:
                body = {"model": "m", "messages": [{"role": "user", "content": name}]}
                reply = client.post(f"{self.gateway}/chat/completions", json=body)
                assert "127.0.0.1" not in f"{reply.headers} {reply.text}"
                assert reply.headers["x-gateway-upstream"] == "local"
                if reply.status_code == 200:
                    answers.served[name] = reply.json()["choices"][0]["message"]["content"]
                else:
                    answers.failed[name] = reply.status_code

            quarter = count // 4
            first = [pool.submit(one, name) for name in names[:quarter]]
            for each in first[: quarter - CLIENTS]:
                each.result()
            rest = [pool.submit(one, name) for name in names[quarter:]]
            meanwhile()
            for each in (*first, *rest):
                each.result()
        return answers

    def generated(self) -> list[tuple[str, str]]:
        """What the servers have taken up: (server, request), in order."""
        lines = (self.folder / "journal").read_text().splitlines()
        return [(line.split()[0], line.split()[1]) for line in lines]

    def up(self) -> dict[str, bool]:
        text = httpx2.get(f"{self.admin}/metrics", trust_env=False).text
        found = {}
        for name, port in self.ports.items():
            where = f'address="http://127.0.0.1:{port}/v1",upstream="local"}}'
            (line,) = [
                line
                for line in text.splitlines()
                if line.startswith("gateway_upstream_address_up{") and where in line
            ]
            found[name] = line.endswith(" 1.0")
        return found


@contextmanager
def staged(folder: Path, *names: str) -> Iterator[tuple[Stage, dict[str, GatewayProcess]]]:
    stage = Stage(folder)
    with ExitStack() as stack:
        running = {name: stack.enter_context(stage.server(name)) for name in names}
        stack.enter_context(stage.serving())
        yield stage, running


def test_a_server_that_is_killed_costs_no_request_but_those_that_it_had(tmp_path: Path) -> None:
    with staged(tmp_path, *"abc") as (stage, servers):
        before = stage.ask(60)
        assert not before.failed
        assert set(before.served.values()) == set("abc")

        answers = stage.ask(240, lambda: servers["b"].signal(signal.SIGKILL))
        generated = stage.generated()
        counts = Counter(name for _, name in generated)
        assert set(counts.values()) == {1}, "a request was generated twice"
        # Each client had one request in flight: where that was delivered to the server that died,
        # nobody can know what became of it.
        assert len(answers.failed) <= CLIENTS
        assert set(answers.failed.values()) <= {502}
        assert stage.up() == {"a": True, "b": False, "c": True}

        with stage.server("b"):
            back = stage.ask(40)
            while "b" not in back.served.values():
                back = stage.ask(40)
                assert not back.failed
            assert stage.up() == {"a": True, "b": True, "c": True}


def test_a_server_that_loads_its_model_gets_requests_when_it_is_ready(tmp_path: Path) -> None:
    with staged(tmp_path, "a", "c") as (stage, _):
        loading: AbstractContextManager[GatewayProcess] = stage.server("b", loading=True)
        with loading:
            answers = stage.ask(60)
            assert not answers.failed
            assert set(answers.served.values()) == {"a", "c"}
            assert stage.up() == {"a": True, "b": False, "c": True}
        with stage.server("b"):
            served = stage.ask(40).served
            while "b" not in served.values():
                served = stage.ask(40).served
            assert stage.up() == {"a": True, "b": True, "c": True}


def test_with_every_server_down_the_client_gets_an_error_and_the_first_that_is_back_serves(
    tmp_path: Path,
) -> None:
    with staged(tmp_path) as (stage, _):
        answers = stage.ask(16)
        assert set(answers.failed.values()) == {502}
        assert not any(stage.up().values())
        with stage.server("c"):
            again = stage.ask(16)
            assert not again.failed
            assert stage.up()["c"]
