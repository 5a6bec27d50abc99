"""`gateway demo`: the demonstration as a command."""

import signal
import socket
from pathlib import Path

import pytest

from tests.cli.commands import client_of, prompt_of, run
from tests.processes import gateway_process


@pytest.mark.slow
def test_demo_shows_the_failing_and_the_succeeding_call(tmp_path: Path) -> None:
    with gateway_process("demo", "--once", folder=tmp_path) as process:
        assert process.ended() == 0, process.lines
    shown = "\n".join(process.lines)
    assert shown.count("  the upstream  40") == 11
    assert shown.count("  the gateway   200  ") == 10
    assert shown.count("  the gateway   completed  ") == 1
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
        f"Error: cannot listen on 127.0.0.1:{port}: Address already in use."
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
        setting = "GATEWAY_UPSTREAMS__OPENAI__BASE_URL="
        upstream = process.line_with(setting).split(setting)[1]
        result = run("resolve", "acme-writer-v2", "--upstream", upstream, OPENAI_API_KEY="sk-demo")
        assert result.output.startswith("acme-writer-v2 → command-line /v1/completions")
        process.signal(signal.SIGINT)
        assert process.ended() == 0, process.lines
    assert not any("Traceback" in line for line in process.lines)
