"""One entry under `upstreams:`."""

from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import TimeoutSettings
from tests.config.configuring import check_refusal, loaded


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("upstreams: {a: {}}", "upstreams.a.base_url: is required; add it"),
        ("upstreams: {openai: {credential: key}}", "openai: has credential: key, but no api_key"),
        (
            "upstreams: {openai: {credential: caller, api_key: k}}",
            "openai: has an api_key, but credential: caller never uses it",
        ),
        (
            "upstreams: {openai: {credential: none, api_key: k}}",
            "openai: has an api_key, but credential: none never uses it",
        ),
        (
            "upstreams: {openai: {api_key: k, api_key_file: /dev/null}}",
            "openai.api_key_file: is empty",
        ),
    ],
)
def test_a_credential_policy_fits_the_key(tmp_path: Path, text: str, problem: str) -> None:
    check_refusal(tmp_path, text, problem)


def test_an_upstream_has_every_key_as_written(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    text = """
upstreams:
  a:
    base_url: https://a.example/v1
    headers: {X-Team: research}
    forward_headers: [X-Trace-Id, x-other]
    timeouts: {connect: 1, metadata: 0.5}
    max_connections: 7
    keepalive_expiry: 0
    max_connection_age: 60
    http2: true
    proxy: http://u:p@proxy:3128
    verify: ca.pem
"""
    (upstream,) = loaded(tmp_path, text).upstreams
    assert upstream.headers == (("x-team", Secret("research")),)
    assert upstream.forward_headers == ("x-trace-id", "x-other")
    assert upstream.timeouts == TimeoutSettings(connect=1.0, metadata=0.5)
    assert (upstream.max_connections, upstream.keepalive_expiry) == (7, 0.0)
    assert (upstream.max_connection_age, upstream.http2) == (60.0, True)
    assert upstream.proxy == Secret("http://u:p@proxy:3128")
    assert upstream.verify == str(tmp_path / "ca.pem")
