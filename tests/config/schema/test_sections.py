"""The sections about the gateway itself."""

from pathlib import Path

import pytest

from gateway.config.operator_settings import TracingSettings
from gateway.config.secret import Secret
from tests.config.configuring import check_refusal, loaded, refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("admin: {token: ''}", "admin.token: is empty"),
    ],
)
def test_a_token_is_not_empty(tmp_path: Path, text: str, problem: str) -> None:
    check_refusal(tmp_path, text, problem)


def test_tracing_settings_are_read_without_showing_their_headers(tmp_path: Path) -> None:
    text = """
tracing:
  endpoint: http://Collector:4318/
  headers: {Authorization: "Bearer ${OTLP_KEY}"}
  sample_ratio: 0.25
"""
    tracing = loaded(tmp_path, text, {"OTLP_KEY": "canary"}).tracing
    headers = (("authorization", Secret("Bearer canary")),)
    assert tracing == TracingSettings("http://collector:4318", headers, 0.25)
    assert "canary" not in repr(tracing)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tracing: {endpoint: 'http://a:b@c'}", "tracing.endpoint: must not contain a user name"),
        ("tracing: {sample_ratio: 1.1}", "tracing.sample_ratio: must be at most 1"),
        ("tracing: {sample_ratio: -1}", "tracing.sample_ratio: must be at least 0"),
        ("tracing: {sample_ratio: true}", "tracing.sample_ratio: "),
        ("tracing: {headers: {host: a}}", "tracing.headers.host: is a header that the gateway"),
    ],
)
def test_tracing_is_checked(tmp_path: Path, text: str, problem: str) -> None:
    check_refusal(tmp_path, text, problem)


@pytest.mark.parametrize("same", ["name", "key_sha256"])
def test_two_clients_differ(tmp_path: Path, same: str) -> None:
    clients = [{"name": "a", "key_sha256": "1" * 64}, {"name": "b", "key_sha256": "2" * 64}]
    clients[1][same] = clients[0][same]
    text = f"upstreams: {{openai: {{api_key: k}}}}\nclients: {clients}"
    assert f"clients[1].{same}: is the same as clients[0].{same}" in "\n".join(
        refused(tmp_path, text)
    )


def test_a_key_belongs_to_one_client(tmp_path: Path) -> None:
    clients = [
        {"name": "a", "key_sha256": ["1" * 64, "2" * 64]},
        {"name": "b", "key_sha256": ["3" * 64, "2" * 64]},
    ]
    text = f"upstreams: {{openai: {{api_key: k}}}}\nclients: {clients}"
    assert "clients[1].key_sha256: is the same as" in "\n".join(refused(tmp_path, text))


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("'*'", ("*",)),
        ("https://App.example.com", ("https://app.example.com",)),
        ("[https://a.example:443, http://b.example:80]", ("https://a.example", "http://b.example")),
        ("[http://localhost:5173, 'http://[::1]:80']", ("http://localhost:5173", "http://[::1]")),
        ("'https://*.example.com'", ("https://*.example.com",)),
        ("chrome-extension://abc", ("chrome-extension://abc",)),
        ("app://obsidian.md", ("app://obsidian.md",)),
        ("https://a.example/", None),
        ("a.example", None),
        ("'null'", None),
        ("https://a.*.example", None),
        ("'*://a.example'", None),
        ("['*', https://a.example]", None),
    ],
)
def test_origins_are_written_as_browsers_send_them(
    tmp_path: Path, written: str, used: tuple[str, ...] | None
) -> None:
    text = f"server: {{cors_origins: {written}}}"
    if used is None:
        assert "server.cors_origins" in "\n".join(refused(tmp_path, text))
    else:
        assert loaded(tmp_path, text).server.cors_origins == used


def test_clients_and_hosts_are_in_lower_case(tmp_path: Path) -> None:
    text = f"""
server: {{allowed_hosts: [API.Example.com, final.example., "FE80::1"]}}
upstreams: {{openai: {{api_key: k}}}}
clients: [{{name: a, key_sha256: "{"AB" * 32}", models: ["gpt-*", "[[]x"]}}]
"""
    settings = loaded(tmp_path, text)
    assert settings.server.allowed_hosts == ("api.example.com", "final.example", "fe80::1")
    assert settings.clients[0].key_sha256 == ("ab" * 32,)
    assert settings.clients[0].models == ("gpt-*", "[[]x")


@pytest.mark.parametrize("written", ["true", "True", '"true"', "'TRUE'"])
@pytest.mark.parametrize("key", ["server: {watch", "admin: {tls", "log: {requests"])
def test_only_true_and_false_are_booleans(tmp_path: Path, key: str, written: str) -> None:
    """In quotes, too: so they come from the environment."""
    assert "true or false" not in "\n".join(refused(tmp_path, f"{key}: {written}}}"))
    for other in ("yes", "on", "1", "0", '"no"', '"1"', "null", "[true]", '""'):
        problem = f"{key.replace(': {', '.')}: must be true or false"
        assert problem in "\n".join(refused(tmp_path, f"{key}: {other}}}"))
