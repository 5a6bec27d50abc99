"""The command line: what each command prints, how it exits, and how the server starts and ends."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from gateway import __version__, cli
from gateway.demo import emulator
from gateway.server.serving import bind
from gateway.shapes import Shape
from gateway.translate.plan import can_translate
from tests.interfaces import own_address
from tests.processes import PATIENCE, GatewayProcess, gateway_process

KEY = "sk-test"
NO_CONFIG = {"GATEWAY_CONFIG": None, "OPENAI_API_KEY": KEY}


def run(*arguments: str, stdin: bytes | str | None = None, **variables: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, arguments, input=stdin, env={**NO_CONFIG, **variables})


@pytest.fixture(scope="module")
def upstream() -> Iterator[emulator.Served]:
    with emulator.serve() as served:
        yield served


@pytest.fixture
def config(upstream: emulator.Served, tmp_path: Path) -> Path:
    """A file before the emulator, with a good alias."""
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "upstreams:\n"
        f"  openai: {{base_url: {upstream.base_url}, kind: openai}}\n"
        "models:\n"
        "  my-bot: {model: acme-writer-v2, template: raw}\n"
        "admin: {enabled: false}\n"
    )
    return path


# --- every command ----------------------------------------------------------------------------


def test_the_version_and_the_commands_are_told() -> None:
    assert run("--version").output == f"gateway, version {__version__}\n"
    help_text = run("-h").output
    for command in ("serve", "demo", "resolve", "translate", "check", "healthcheck", "key"):
        assert command in help_text


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve",),
        ("check",),
        ("resolve", "gpt-4o-mini"),
        ("translate", "--from", "chat", "--to", "chat"),
    ],
)
def test_a_bad_configuration_is_refused_with_file_line_and_advice(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("server:\n  port: 8080\nupstream:\n  openai: {}\n")
    result = run(*arguments, "--config", str(path))
    assert result.exit_code == 1
    assert f"{path}:3: upstream: unknown key 'upstream'; did you mean 'upstreams'?" in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models:\n  bot: {template: {name: jinja, path: bad}}\n", 'models["bot"].template'),
        ("responses: {store: sqlite:///bad}\n", "responses.store cannot be used: file is not"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "check"])
def test_what_cannot_be_built_is_told_in_one_line(
    tmp_path: Path, command: str, text: str, message: str
) -> None:
    (tmp_path / "bad").write_text("{% if %}" * 1000)
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    result = run(command, "--config", str(path))
    assert result.exit_code == 1
    assert message in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    missing = run("check", "--config", str(tmp_path / "none.yaml"))
    assert missing.exit_code == 1
    assert "none.yaml" in missing.output
    assert run("check", "--config", str(tmp_path)).exit_code == 2
    assert run("translate", "--from", "edits", "--to", "chat").exit_code == 2


# --- check ------------------------------------------------------------------------------------


def test_check_resolves_the_aliases(config: Path) -> None:
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "my-bot → acme-writer-v2 at openai: /v1/completions" in result.output
    assert f"{config}: good (1 upstream(s), 1 rule(s))" in result.output


def test_check_without_a_file_checks_the_defaults() -> None:
    result = run("check")
    assert (result.exit_code, result.output) == (
        0,
        "the defaults: good (1 upstream(s), 0 rule(s))\n",
    )


def test_check_finds_aliases_that_lead_nowhere(config: Path) -> None:
    rules = "  broken: {model: no-such-model}\n  'glob-*': {model: no-such-model}\n"
    config.write_text(config.read_text().replace("models:\n", f"models:\n{rules}"))
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "broken → no-such-model: not found" in result.output
    assert "my-bot → acme-writer-v2" in result.output
    assert "1 alias(es)" in result.output
    assert "glob" not in result.output


def test_redirects_are_checked_and_shown(config: Path) -> None:
    redirects = "retired: {redirect: {text-davinci-003: my-bot, davinci: no-such-model}}\n"
    config.write_text(config.read_text() + redirects)
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "text-davinci-003 → acme-writer-v2 at openai: /v1/completions" in result.output
    assert "davinci → no-such-model: not found" in result.output
    shown = run("resolve", "text-davinci-003", "--config", str(config), "--json")
    route = json.loads(shown.output)
    assert (route["redirected_to"], route["model_sent"]) == ("my-bot", "acme-writer-v2")
    assert "retired.redirect puts 'my-bot' in its place" in route["evidence"][0]["detail"]


def test_check_does_not_call_nowhere_what_cannot_be_looked_up(config: Path) -> None:
    result = run("check", "--config", str(config), OPENAI_API_KEY="")
    assert result.exit_code == 0
    assert "my-bot → acme-writer-v2 at openai: /v1/chat/completions" in result.output


def test_check_finds_an_upstream_that_is_the_gateway_itself(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "server: {host: 0.0.0.0}\n"
        f"upstreams:\n  me: {{base_url: 'http://{own_address()}:8080/v1', credential: none}}\n"
    )
    for command in ("check", "serve"):
        result = run(command, "--config", str(path))
        assert result.exit_code == 1
        assert "gateway.yaml:3: upstreams.me.base_url: is the gateway itself" in result.output


def test_check_warns_of_what_is_probably_not_meant(config: Path) -> None:
    result = run("check", "--config", str(config), GATEWAY_SERVER_PORT="1")
    assert (result.exit_code, result.stdout.count("warning")) == (0, 0)
    assert "warning: " in result.stderr
    assert "did you mean GATEWAY_SERVER__PORT?" in result.stderr


# --- resolve ----------------------------------------------------------------------------------


def test_resolve_prints_the_route_and_marks_what_decided(config: Path) -> None:
    result = run("resolve", "acme-writer-v2", "--config", str(config), COLUMNS="200")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == (
        "acme-writer-v2 → openai /v1/completions  (translated from /v1/chat/completions)"
    )
    (deciding,) = [line for line in lines[1:] if line.startswith("→")]
    assert re.match(r"→\s+job\s+completions\s+the record of its fine-tuning job names", deciding)


def test_resolve_prints_an_alias_and_a_shutdown_date(config: Path) -> None:
    result = run("resolve", "my-bot", "--from", "completions", "--config", str(config))
    assert result.output.startswith("my-bot → openai /v1/completions as acme-writer-v2\n")
    dated = run("resolve", "davinci-002", "--config", str(config)).output
    assert "shutdown date: 2026-09-28; replacement: " in dated


def test_resolve_prints_what_a_rewritten_name_stands_for(config: Path) -> None:
    config.write_text(config.read_text().replace("models:\n", 'models:\n  "acme/*": "*"\n'))
    asked = ("resolve", "acme/acme-writer-v2", "--config", str(config))
    output = run(*asked, COLUMNS="200").output
    assert output.startswith("acme/acme-writer-v2 → openai /v1/completions as acme-writer-v2")
    assert "rule 'acme/*' leads to acme-writer-v2" in output


def test_resolve_prints_names_as_they_are(config: Path) -> None:
    result = run("resolve", "[red]no-such[/]", "--config", str(config))
    assert result.exit_code == 0
    assert result.output.startswith("[red]no-such[/] → openai")


def test_resolve_prints_json(config: Path) -> None:
    result = run("resolve", "acme-writer-v2", "--json", "--config", str(config))
    printed = json.loads(result.output)
    assert (printed["endpoint"], printed["resolved_by"]) == ("/v1/completions", "job")
    assert [piece["source"] for piece in printed["evidence"] if piece["decides"]] == ["job"]


def test_translate_has_the_parameters_of_the_models_rule(config: Path) -> None:
    written = "models:\n  m: {params: {set: {top_p: 0.5}, drop: user}}\n"
    config.write_text(config.read_text().replace("models:\n", written))
    body = json.dumps({"model": "m", "prompt": "Hi", "user": "alice", "n": 2})
    asked = ("translate", "--from", "completions", "--to", "chat", "--config", str(config))
    printed = json.loads(run(*asked, stdin=body).output)
    assert printed["calls"][0]["body"]["top_p"] == 0.5
    assert printed["report"]["dropped"] == ["user"]
    assert printed["report"]["changed"] == ["top_p:none->0.5"]


def test_resolve_asks_for_a_request_with_features(config: Path) -> None:
    asked = ("resolve", "gpt-5.4-mini", "--json", "--config", str(config))
    without = json.loads(run(*asked).output)
    assert without["endpoint"] == "/v1/chat/completions"
    featured = run(*asked, "--tools", "--reasoning")
    assert featured.exit_code == 0
    assert json.loads(featured.output)["endpoint"] in {shape.endpoint for shape in Shape}


# --- translate --------------------------------------------------------------------------------

BODIES: dict[Shape, dict[str, Any]] = {
    Shape.COMPLETIONS: {"model": "m", "prompt": "Hi", "max_tokens": 20},
    Shape.CHAT: {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"model": "m", "input": "Hi"},
}
PAIRS = [(client, home) for client in Shape for home in Shape]


def translated(client: Shape, home: Shape, body: Any, *more: str) -> Result:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return run("translate", "--from", client.value, "--to", home.value, *more, stdin=raw)


@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if can_translate(*pair)])
def test_translate_prints_the_calls_and_the_report(client: Shape, home: Shape) -> None:
    result = translated(client, home, BODIES[client])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    (call,) = printed["calls"]
    assert call["path"] == home.endpoint
    assert set(BODIES[home]) - {"max_tokens"} <= set(call["body"])
    assert (printed["report"]["from"], printed["report"]["to"]) == (client, home)
    assert printed["local_reply"] is None


def test_translate_says_where_there_is_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "can_translate", lambda _client, _home: False)
    result = translated(Shape.CHAT, Shape.RESPONSES, BODIES[Shape.CHAT])
    assert result.exit_code == 1
    assert "there is no translation from chat to responses" in result.output


@pytest.mark.parametrize(
    ("body", "param"),
    [({**BODIES[Shape.COMPLETIONS], "suffix": "end"}, "suffix"), (b"{", None), (b"[]", None)],
)
def test_translate_prints_a_refusal_as_the_client_gets_it(body: Any, param: str | None) -> None:
    result = translated(Shape.COMPLETIONS, Shape.CHAT, body)
    assert result.exit_code == 1
    error = json.loads(result.output)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param


def test_translate_needs_no_model() -> None:
    result = translated(Shape.COMPLETIONS, Shape.CHAT, {"prompt": "Hi", "max_tokens": 0})
    printed = json.loads(result.output)
    assert (printed["calls"], printed["local_reply"]["choices"][0]["text"]) == ([], "")


def test_translate_shows_what_is_sealed_as_it_is_served() -> None:
    asked = {"role": "user", "content": "Hi"}
    body = {"model": "gpt-3.5-turbo", "input": [asked, {"type": "compaction_trigger"}]}
    printed = json.loads(translated(Shape.RESPONSES, Shape.CHAT, body).output)
    assert printed["report"]["emulated"] == ["input[1]"]
    assert printed["calls"][0]["body"]["messages"][0] == asked


def test_translate_reads_a_file_and_uses_the_rule_of_the_model(
    config: Path, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({**BODIES[Shape.CHAT], "model": "my-bot"}))
    pair = ("--from", "chat", "--to", "completions")
    result = run("translate", *pair, "--config", str(config), "--kind", "vllm", str(body))
    assert result.exit_code == 0
    sent = json.loads(result.output)["calls"][0]["body"]
    assert (sent["model"], sent["prompt"]) == ("acme-writer-v2", "Hi")


# --- serve ------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("which", ["server", "admin"])
def test_a_port_in_use_is_a_clear_message(which: str) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = {"GATEWAY_SERVER__PORT": "0", "GATEWAY_ADMIN__PORT": "0"}
        ports[f"GATEWAY_{which.upper()}__PORT"] = port
        result = run("serve", **ports)
    assert result.exit_code == 1
    assert f"cannot listen at 127.0.0.1:{port}: Address already in use" in result.output


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


def address_of(process: GatewayProcess, name: str) -> str:
    return process.line_with(f"{name}: http://").split(": ")[1]


def prompt_of(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "prompt": text, "max_tokens": 20, **more}


def client_of(base_url: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx2.Client(base_url=base_url, headers=headers, trust_env=False, timeout=PATIENCE)


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
                process.signal(signal.SIGTERM)
                assert refuses_soon(base_url)
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
                with pytest.raises(httpx2.RemoteProtocolError):
                    b"".join(received)
            assert process.ended() == 0, process.lines
            assert upstream.journal[-1].disconnected.wait(PATIENCE)
        assert not [line for line in process.lines if KEY in line]


@pytest.mark.slow
def test_serve_ends_with_a_message_and_a_code_when_it_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("server: {port: many}\n")
    with gateway_process("serve", "--config", "bad.yaml", folder=tmp_path) as process:
        assert process.ended() == 1
    assert any("bad.yaml:1: server.port" in line for line in process.lines)
    assert not any("Traceback" in line for line in process.lines)


# --- demo -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_demo_shows_the_failing_and_the_succeeding_call(tmp_path: Path) -> None:
    with gateway_process("demo", "--once", folder=tmp_path) as process:
        assert process.ended() == 0, process.lines
    shown = "\n".join(process.lines)
    assert shown.count("  the upstream  40") == shown.count("  the gateway   200  ") == 7
    assert "This is a chat model and not supported in the v1/completions endpoint." in shown
    assert 'the gateway   200  "You said: Say hello"' in shown
    assert "x-gateway-resolved-by: job" in shown
    assert "data: [DONE]" in shown


@pytest.mark.parametrize("option", ["--port", "--emulator-port"])
def test_demo_says_that_a_port_is_taken_and_what_to_do(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("demo", option, str(port))
    assert result.exit_code == 1
    assert result.output == (
        f"Error: cannot listen at 127.0.0.1:{port}: Address already in use."
        f" Choose another port with {option}.\n"
    )


@pytest.mark.slow
def test_demo_stays_up_to_be_tried_until_it_is_interrupted(tmp_path: Path) -> None:
    ports = ("--port", "0", "--emulator-port", "0")
    with gateway_process("demo", *ports, folder=tmp_path) as process:
        base_url = process.line_with("base_url=").split('"')[1]
        with client_of(base_url) as client:
            reply = client.post("/completions", json=prompt_of("Once upon a time"))
        assert reply.status_code == 200
        assert reply.headers["x-gateway-endpoint"] == "/v1/chat/completions"
        process.signal(signal.SIGINT)
        assert process.ended() == 0, process.lines
    assert not any("Traceback" in line for line in process.lines)
