"""`gateway healthcheck` asks where `serve` would listen, and says why it is not content."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from gateway import cli
from tests.addresses import held_port
from tests.certificates import make_pair
from tests.processes import started_gateway
from tests.waiting import PATIENCE

NOWHERE = {"GATEWAY_CONFIG": None, "HTTP_PROXY": "http://192.0.2.1:1", "http_proxy": ""}


@contextmanager
def answering(status: int = 200, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, str]]:
    """Serve `/healthz` until the block ends; yield the port, and a file that names it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], f"server: {{port: {server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def check(*arguments: str, **variables: str | None) -> Result:
    asked = ["healthcheck", "--timeout", f"{PATIENCE}", *arguments]
    return CliRunner().invoke(cli.main, asked, env={**NOWHERE, **variables})


def file(folder: Path, text: str) -> str:
    path = folder / "gateway.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_port_comes_from_file_and_environment(tmp_path: Path) -> None:
    with answering() as (port, server):
        found = check("--config", file(tmp_path, server + "}"))
        assert (found.exit_code, found.output) == (0, "")
        assert check(GATEWAY_SERVER__PORT=str(port)).exit_code == 0
        assert check(GATEWAY_CONFIG=file(tmp_path, server + ", host: 0.0.0.0}")).exit_code == 0


def test_a_gateway_that_is_not_there(tmp_path: Path) -> None:
    port = held_port()
    found = check(GATEWAY_SERVER__PORT=str(port))
    assert found.exit_code == 1
    assert f"http://127.0.0.1:{port}: " in found.output
    assert "refused" in found.output


def test_a_gateway_that_is_not_well() -> None:
    with answering(503) as (port, _):
        found = check(GATEWAY_SERVER__PORT=str(port))
    assert (found.exit_code, found.output) == (1, f"Error: http://127.0.0.1:{port}: status 503\n")


def test_one_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = check("--timeout", "0.05", GATEWAY_SERVER__PORT=str(port))
    assert found.exit_code == 1
    assert "timed out" in found.output


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e300"])
def test_a_timeout_that_is_none_is_wrong_usage(seconds: str) -> None:
    found = check("--timeout", seconds)
    assert found.exit_code == 2
    assert "Invalid value for '--timeout'" in found.output


def test_one_that_hangs_up_is_not_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        found = check(GATEWAY_SERVER__PORT=str(rude.getsockname()[1]))
        thread.join()
    assert found.exit_code == 1
    assert "http://127.0.0.1:" in found.output


def test_any_free_port_cannot_be_asked() -> None:
    found = check(GATEWAY_SERVER__PORT="0")
    assert found.exit_code == 1
    assert "server.port is 0" in found.output


def test_a_file_that_went_wrong_elsewhere_makes_nobody_sick(tmp_path: Path) -> None:
    wrong = "\nupstreams: {openai: {api_key: '${NOT_SET}', kinds: no}}\nnonsense: 1\n"
    with answering() as (port, server):
        assert check("--config", file(tmp_path, server + ", tls: null}" + wrong)).exit_code == 0
        broken = file(tmp_path, server + "}\nupstreams: [\n")
        found = check("--config", broken)
        assert found.exit_code == 0
        assert f"warning: {broken}:3" in found.output
        broken = file(tmp_path, "server: {")
        found = check("--config", broken, GATEWAY_SERVER__PORT=str(port))
        assert found.exit_code == 0
        assert f"warning: {broken}" in found.output


@pytest.mark.parametrize("server", ["{port: 70000}", "{port: '${NOT_SET}'}", "{host: '::g'}"])
def test_a_wrong_place_is_a_problem(tmp_path: Path, server: str) -> None:
    found = check("--config", file(tmp_path, f"server: {server}\n"))
    assert found.exit_code == 1
    assert "gateway.yaml:1: server." in found.output


def test_a_gateway_with_tls_is_asked_over_tls(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "elsewhere", names=[x509.DNSName("gateway.example")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with answering(tls=context) as (_, server):
        tls = "tls: {certificate: elsewhere.pem, key: elsewhere-key.pem}"
        config = file(tmp_path, f"{server}, {tls}}}")
        assert check("--config", config).exit_code == 0
        assert check("--config", file(tmp_path, server + "}")).exit_code == 1


def test_a_process_that_does_not_serve_has_no_options() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            with answering() as (port, _):
                found = check("--of", str(other.pid), GATEWAY_SERVER__PORT=str(port))
            assert found.exit_code == 0
        finally:
            other.kill()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
@pytest.mark.slow
def test_a_process_is_asked_where_its_own_options_say(tmp_path: Path) -> None:
    port, other = held_port(), held_port()
    config = file(tmp_path, f"server: {{port: {other}}}\nadmin: {{enabled: false}}\n")
    arguments = ("serve", "--config", config, "--port", str(port))
    with started_gateway(*arguments, folder=tmp_path) as gateway:
        gateway.line_with(f"gateway: http://127.0.0.1:{port}/v1")
        assert check("--of", str(gateway.pid)).exit_code == 0
        assert check("--config", config).exit_code == 1
