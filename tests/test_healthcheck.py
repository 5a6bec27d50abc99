"""Where a gateway is asked whether it lives."""

import subprocess

import pytest

from gateway.healthcheck import Place, place_of, words_behind_serve


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"GATEWAY_SERVER__HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),  # noqa: S104
        ({"GATEWAY_SERVER__HOST": "::"}, "http://[::1]:8080"),
        ({"GATEWAY_SERVER__HOST": "192.0.2.7"}, "http://192.0.2.7:8080"),
        ({"GATEWAY_SERVER": "1", "GATEWAY_NONSENSE__X": "1"}, "http://127.0.0.1:8080"),
        ({"GATEWAY_SERVER__TLS__CERTIFICATE": "c.pem"}, "https://127.0.0.1:8080"),
    ],
)
def test_where_it_is_asked(variables: dict[str, str], place: str) -> None:
    found, problems = place_of(None, variables, {})
    assert str(found) == place
    assert problems == []


def test_the_command_line_wins() -> None:
    environ = {"GATEWAY_SERVER__PORT": "1", "GATEWAY_SERVER__HOST": "192.0.2.7"}
    found, _ = place_of(None, environ, {"server.port": 2, "server.host": None})
    assert found == Place("192.0.2.7", 2, tls=False)


def test_a_process_that_does_not_serve_has_no_words_behind_it() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            assert words_behind_serve(other.pid) == []
        finally:
            other.kill()
    assert words_behind_serve(other.pid) == []
