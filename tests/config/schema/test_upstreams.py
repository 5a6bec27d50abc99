"""One entry under `upstreams:`."""

from pathlib import Path

import pytest

from gateway.config.checks import safety
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


def test_an_upstream_has_every_key_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "find_spec", lambda name: object())
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
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


def test_an_upstream_has_one_address_or_several(tmp_path: Path) -> None:
    text = """
upstreams:
  one: {base_url: http://10.0.0.1:8000/v1/}
  list: {base_url: [http://10.0.0.1:8000/v1]}
  three: {base_url: [http://10.0.0.1:8000/v1, http://B:8000/v1/, "https://c/x/v1"]}
"""
    one, alone, three = loaded(tmp_path, text).upstreams
    assert one.base_urls == alone.base_urls == ("http://10.0.0.1:8000/v1",)
    assert three.base_url == "http://10.0.0.1:8000/v1"
    assert three.base_urls == (three.base_url, "http://b:8000/v1", "https://c/x/v1")


def test_the_environment_has_the_addresses_as_json(tmp_path: Path) -> None:
    environ = {"GATEWAY_UPSTREAMS__A__BASE_URL": '["http://a/v1", "http://b/v1"]'}
    (upstream,) = loaded(tmp_path, "upstreams: {a: {base_url: http://c/v1}}", environ).upstreams
    assert upstream.base_urls == ("http://a/v1", "http://b/v1")


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        ("[]", "upstreams.a.base_url: must not be empty; write the server's URL"),
        ("[http://a/v1, http://a/v1/]", "upstreams.a.base_url: has an address twice; remove one"),
        ("[http://a/v1, ftp://b]", "upstreams.a.base_url[1]: must start with http:// or https://"),
        ("[http://a/v1, 3]", "upstreams.a.base_url[1]: must be text; put it in quotes"),
        ("[http://a/v1, http://me:pw@b/v1]", "upstreams.a.base_url[1]: must not contain a user"),
        (
            "[https://api.groq.com/openai/v1, https://api.mistral.ai/v1]",
            "upstreams.a: has addresses of different services; set kind, or make several upstreams",
        ),
        (
            "[https://api.openai.com/v1, http://10.0.0.1/v1]",
            "upstreams.a: has addresses of different services; set kind, or make several upstreams",
        ),
    ],
)
def test_each_address_is_checked(tmp_path: Path, addresses: str, problem: str) -> None:
    check_refusal(tmp_path, f"upstreams: {{a: {{base_url: {addresses}}}}}", problem)


def test_a_kind_makes_addresses_alike(tmp_path: Path) -> None:
    text = "upstreams: {a: {kind: openai, base_url: [https://api.openai.com/v1, http://p/v1]}}"
    assert len(loaded(tmp_path, text).upstreams[0].base_urls) == 2


def test_an_upstream_may_have_another_url_for_messages(tmp_path: Path) -> None:
    text = """
upstreams:
  a: {base_url: https://a/v1, messages_url: "https://A/anthropic/v1/", cache: auto}
  b: {base_url: https://b/v1}
"""
    first, second = loaded(tmp_path, text).upstreams
    assert (first.messages_url, first.cache) == ("https://a/anthropic/v1", "auto")
    assert (second.messages_url, second.cache) == (None, None)


def test_sockets_of_an_upstream_can_be_asked_for_and_declined(tmp_path: Path) -> None:
    text = (
        "upstreams: {a: {base_url: https://a/v1}, b: {base_url: https://b/v1, websockets: never}}"
    )
    assert [each.websockets for each in loaded(tmp_path, text).upstreams] == ["auto", "never"]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("websockets: maybe", "upstreams.a.websockets: must be auto, always or never"),
        ("messages_url: ftp://b", "upstreams.a.messages_url: must start with http:// or https://"),
        ("messages_url: 'https://b/v1/messages'", "upstreams.a.messages_url: "),
        ("messages_url: 'https://me:pw@b/v1'", "upstreams.a.messages_url: must not contain a user"),
        ("cache: always", "upstreams.a.cache: must be auto"),
    ],
)
def test_what_is_written_of_messages_is_checked(tmp_path: Path, keys: str, problem: str) -> None:
    check_refusal(tmp_path, f"upstreams: {{a: {{base_url: https://a/v1, {keys}}}}}", problem)
