"""`gateway serve`: how the server starts and ends."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from gateway.demo import emulator
from gateway.lifecycle import running
from gateway.server.serving import bind
from tests.addresses import held_port
from tests.certificates import make_pair
from tests.cli.commands import ANY_PORTS, KEY, client_of, prompt_of, run
from tests.documents import ROOT
from tests.processes import (
    PATIENCE,
    GatewayProcess,
    gateway_process,
    started_gateway,
    surroundings,
)


@pytest.mark.parametrize(
    ("which", "keys"),
    [
        ("server", "choose another server.port (--port)."),
        (
            "admin",
            "choose another admin.port, or do without the admin listener: admin.enabled: false.",
        ),
    ],
)
def test_a_port_in_use_is_a_clear_message(which: str, keys: str) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = {"GATEWAY_SERVER__PORT": "0", "GATEWAY_ADMIN__PORT": "0"}
        ports[f"GATEWAY_{which.upper()}__PORT"] = port
        result = run("serve", **ports)
    assert result.exit_code == 1
    assert result.output == (
        f"Error: cannot listen on 127.0.0.1:{port}: Address already in use. "
        f"End the program that listens there, or {keys}\n"
    )


@pytest.mark.parametrize(
    ("which", "key"), [("server", "server.host (--host)"), ("admin", "admin.host")]
)
@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_no_interface_is_said_to_be_one(which: str, key: str, host: str) -> None:
    ports = {"GATEWAY_SERVER__PORT": "0", "GATEWAY_ADMIN__PORT": "0"}
    ports |= {f"GATEWAY_{which.upper()}__HOST": host, "GATEWAY_ADMIN__TOKEN": "t" * 16}
    result = run("serve", **ports)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: cannot listen on {host}:0: ")
    assert result.output.endswith(
        f". {key} has to be an address of this machine; 0.0.0.0 and :: are all.\n"
    )


def test_a_port_that_is_not_for_this_user_says_whom_it_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(host: str, port: int) -> None:
        raise PermissionError(errno.EACCES, f"cannot listen on {host}:{port}: Permission denied")

    monkeypatch.setattr(running, "bind", refuse)
    result = run("serve", "--port", "80")
    assert result.exit_code == 1
    assert result.output == (
        "Error: cannot listen on 127.0.0.1:80: Permission denied. Ports below 1024 are for root "
        "and CAP_NET_BIND_SERVICE: choose another server.port (--port).\n"
    )


def test_serve_warns_of_what_is_probably_not_meant() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port, GATEWAY_SERVER_PORT="1", GATEWAY_ADMIN__PORT="0")
    assert result.exit_code == 1
    assert "did you mean GATEWAY_SERVER__PORT?" in result.stderr


@pytest.mark.parametrize("arguments", [("--port", "99999"), ("--upstream", "ftp://x")])
def test_an_option_that_cannot_be_is_refused(arguments: tuple[str, ...]) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 1
    assert "command line" in result.output


SIGNALLED = """
import signal, sys
from importlib import import_module
import click

def reading(source):
    signal.raise_signal(signal.Signals[sys.argv[1]])
    raise click.ClickException("goes on")

import_module("gateway.cli.serve").reading = reading
import_module("gateway.cli").main(["serve"])
"""


@pytest.mark.parametrize(
    ("name", "code", "printed"),
    [
        *((name, 0, "") for name in ("SIGTERM", "SIGINT", "SIGQUIT")),
        *((name, 1, "Error: goes on\n") for name in ("SIGHUP", "SIGUSR1", "SIGUSR2")),
    ],
)
def test_signals_have_their_meaning_before_the_configuration_is_read(
    name: str, code: int, printed: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALLED, name],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=surroundings(),
        cwd=ROOT,
    )
    assert (ended.returncode, ended.stdout + ended.stderr) == (code, printed)


def address_of(process: GatewayProcess, name: str) -> str:
    return process.line_with(f"{name}: http://").split(": ")[1]


def refuses_soon(base_url: str) -> bool:
    """Ask until the answer is no: a 503, or no connection."""
    for _ in range(100_000):
        try:
            reply = httpx2.get(f"{base_url}/models", trust_env=False)
        except httpx2.TransportError:
            return True
        if reply.status_code == 503:
            assert reply.json()["error"]["code"] == "shutting_down"
            return True
    return False


@pytest.mark.slow
def test_serve_prints_its_addresses_answers_and_lets_a_stream_finish(tmp_path: Path) -> None:
    arguments = ("serve", "--port", "0", "--host", "127.0.0.1", "--upstream")
    with (
        emulator.serve() as upstream,
        gateway_process(
            *arguments, upstream.base_url, folder=tmp_path, GATEWAY_ADMIN__PORT="0"
        ) as process,
    ):
        base_url, admin = address_of(process, "gateway"), address_of(process, "admin")
        assert base_url.endswith("/v1")
        assert httpx2.get(f"{admin}/metrics", trust_env=False).status_code == 200
        with client_of(base_url) as client:
            assert client.post("/completions", json=prompt_of("Hi")).status_code == 200
            slow = prompt_of("!slow", stream=True)
            with client.stream("POST", "/completions", json=slow) as reply:
                lines = reply.iter_lines()
                assert next(lines).startswith("data: ")
                call = upstream.journal[-1]
                process.signal(signal.SIGTERM)
                assert refuses_soon(base_url)
                while not call.finished.wait(0.01):
                    upstream.release()
                assert [line for line in lines if line][-1] == "data: [DONE]"
        assert process.ended() == 0, process.lines


@pytest.mark.slow
def test_serve_cuts_a_stream_off_after_the_grace_period(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    with emulator.serve() as upstream:
        path.write_text(
            f"server: {{port: 0, grace_period: 1}}\nadmin: {{enabled: false}}\n"
            f"upstreams: {{openai: {{base_url: {upstream.base_url}, kind: openai}}}}\n"
        )
        with gateway_process("serve", "--config", str(path), folder=tmp_path) as process:
            base_url = address_of(process, "gateway")
            slow = prompt_of("!slow", stream=True)
            with (
                client_of(base_url) as client,
                client.stream("POST", "/completions", json=slow) as reply,
            ):
                received = reply.iter_raw()
                assert next(received).startswith(b"data: ")
                process.signal(signal.SIGINT)
                rest = b"".join(received)
            assert rest.endswith(b"\n\n")
            last = rest.rstrip().rpartition(b"\n\n")[2]
            assert b'"code":"shutting_down"' in last
            assert process.ended() == 0, process.lines
            for words in ("draining: 1 running", "drained: 1 of", "has ended"):
                assert sum(words in line for line in process.lines) == 1, process.lines
            assert upstream.journal[-1].disconnected.wait(PATIENCE)
        assert not [line for line in process.lines if KEY in line]


@pytest.mark.slow
def test_serve_ends_with_a_message_and_a_code_when_it_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("server: {port: many}\n")
    with gateway_process("serve", "--config", "bad.yaml", folder=tmp_path) as process:
        assert process.ended() == 1
    assert any("bad.yaml:1: server.port" in line for line in process.lines)
    assert not any("Traceback" in line for line in process.lines)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_only_the_start_or_some_requests_need_takes_no_memory(tmp_path: Path) -> None:
    with started_gateway(
        "serve", "--port", "0", folder=tmp_path, GATEWAY_ADMIN__PORT="0"
    ) as process:
        base_url, admin = address_of(process, "gateway"), address_of(process, "admin")
        root = base_url.removesuffix("/v1")
        assert httpx2.get(f"{root}/healthz", trust_env=False).status_code == 200
        loaded = Path(f"/proc/{process.pid}/maps").read_text()
        for library in ("pydantic_core", "_sodium", "tiktoken"):
            assert library not in loaded
        assert httpx2.get(f"{admin}/metrics", trust_env=False).status_code == 200


@pytest.mark.slow
def test_serve_speaks_tls_and_its_health_is_checked_over_it(tmp_path: Path) -> None:
    make_pair(tmp_path, valid=(-9, -1))
    port = held_port()
    config = tmp_path / "gateway.yaml"
    config.write_text(
        f"server: {{port: {port}, tls: {{certificate: gateway.pem, key: gateway-key.pem}}}}\n"
        "admin: {enabled: false}\n"
    )
    with gateway_process("serve", "--config", str(config), folder=tmp_path) as process:
        assert process.line_with("gateway:") == f"gateway: https://127.0.0.1:{port}/v1"
        healthy = run("healthcheck", "--timeout", f"{PATIENCE}", "--config", str(config))
        assert (healthy.exit_code, healthy.output) == (0, "")
        process.signal(signal.SIGTERM)
        assert process.ended() == 0
        assert any("server.tls.certificate: expired on" in line for line in process.lines)


def test_a_key_of_another_certificate_is_a_clear_message(tmp_path: Path) -> None:
    make_pair(tmp_path, "one")
    make_pair(tmp_path, "other")
    config = tmp_path / "gateway.yaml"
    config.write_text("server: {tls: {certificate: one.pem, key: other-key.pem}}")
    for command in ("serve", "check"):
        result = run(command, "--config", str(config), **ANY_PORTS)
        assert result.exit_code == 1
        said = f"{config}:1: server.tls: the key does not belong to the first certificate"
        assert said in result.output


HEAVY = {
    *("pydantic", "yaml", "uvicorn", "starlette", "anyio", "prometheus_client", "multiprocessing"),
    *("gateway.cli.check", "gateway.observe.tracing", "shutil"),
    *("websockets", "gateway.api.sockets", "gateway.exchange.sockets", "email", "html", "tempfile"),
    *("httpcore2", "jinja2", "nacl", "sqlite3", "redis", "opentelemetry", "tiktoken", "difflib"),
    *("gateway.config.schema", "gateway.config.load", "gateway.admin.application", "gateway.demo"),
}
"""What is needed at the start only, or by some requests, or where it is configured."""

_SHOWING_MODULES = """
import atexit, sys
from gateway.cli import main
atexit.register(lambda: print("modules:", *sys.modules, file=sys.stderr))
main(["serve", "--port", "0"])
"""


@pytest.mark.slow
def test_an_idle_gateway_has_not_imported_what_it_does_not_need(tmp_path: Path) -> None:
    # Coverage imports what it needs.
    untraced = {name: of for name, of in os.environ.items() if not name.startswith("COVERAGE_")}
    variables = {"GATEWAY_ADMIN__PORT": "0", "GATEWAY_UPSTREAMS__OPENAI__API_KEY": "sk-own"}
    with subprocess.Popen(
        [sys.executable, "-c", _SHOWING_MODULES],
        env={**untraced, **variables},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        root = process.stdout.readline().split(": ")[1].strip().removesuffix("/v1")
        assert httpx2.get(f"{root}/healthz", trust_env=False).status_code == 200
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
    (modules,) = [line for line in errors.splitlines() if line.startswith("modules:")]
    imported = set(modules.split())
    assert "gateway.exchange.flow" in imported
    assert HEAVY & imported == set()
