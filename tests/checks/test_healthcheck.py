"""Where a gateway is asked whether it is alive."""

import http.client
import json
import ssl
import subprocess
from pathlib import Path

import pytest

from gateway.checks.healthcheck import DEFAULTS, Place, place_of, reason_of, serve_arguments
from gateway.config.checks.problems import ConfigError
from gateway.config.settings import ServerSettings


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"GATEWAY_SERVER__HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),  # noqa: S104
        ({"GATEWAY_SERVER__HOST": "::"}, "http://[::1]:8080"),
        ({"GATEWAY_SERVER__HOST": "192.0.2.7"}, "http://192.0.2.7:8080"),
        ({"GATEWAY_SERVER__HOST": "gateway.example"}, "http://gateway.example:8080"),
        ({"GATEWAY_SERVER__PORT": "65535"}, "http://127.0.0.1:65535"),
        ({"GATEWAY_SERVER": "1", "GATEWAY_NONSENSE__X": "1"}, "http://127.0.0.1:8080"),
        ({"GATEWAY_SERVER__TLS__CERTIFICATE": "c.pem"}, "https://127.0.0.1:8080"),
    ],
)
def test_where_it_is_asked(variables: dict[str, str], place: str) -> None:
    found, problems = place_of(None, variables, {})
    assert str(found) == place
    assert problems == []


def test_the_defaults_are_those_of_the_configuration() -> None:
    settings = ServerSettings()
    assert (settings.host, settings.port) == DEFAULTS


@pytest.mark.parametrize("port", ["65536", "9" * 5000, "-1", "٣", "1.5", "[1]", "true"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_wrong_port_is_a_problem(host: str, port: str) -> None:
    environ = {"GATEWAY_SERVER__HOST": host, "GATEWAY_SERVER__PORT": port}
    with pytest.raises(ConfigError, match=r"GATEWAY_SERVER__PORT: server\.port"):
        place_of(None, environ, {})


@pytest.mark.parametrize("host", [1, None, True, ["::"]])
def test_a_host_that_is_not_text_is_a_problem(host: object, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(json.dumps({"server": {"host": host}}))
    with pytest.raises(ConfigError, match=r"server\.host"):
        place_of(file, {}, {})


def test_the_command_line_wins() -> None:
    environ = {"GATEWAY_SERVER__PORT": "1", "GATEWAY_SERVER__HOST": "192.0.2.7"}
    found, _ = place_of(None, environ, {"server.port": 2, "server.host": None})
    assert found == Place("192.0.2.7", 2, tls=False)


def refused_by_tls(why: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = why
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "x"), "the connection was refused; is the gateway running?"),
        (OSError(113, "No route to host"), "No route to host"),
        (TimeoutError("timed out"), "timed out"),
        (http.client.BadStatusLine("x"), "x"),
        (OSError(), "OSError"),
        (ssl.SSLError(1, "broken"), "broken"),
        (refused_by_tls("self-signed"), "its TLS certificate is not accepted (self-signed)"),
        (http.client.RemoteDisconnected("x"), "it closed the connection without a reply; does it"),
    ],
)
def test_a_call_that_fails_has_a_reason_in_words(error: OSError, reason: str) -> None:
    assert reason_of(error).startswith(reason)


def test_a_process_that_does_not_serve_has_no_words_behind_it() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            assert serve_arguments(other.pid) == []
        finally:
            other.kill()
    assert serve_arguments(other.pid) == []
