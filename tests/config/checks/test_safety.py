import itertools
from pathlib import Path
from typing import Any

import pytest

from gateway.config.checks import safety
from gateway.config.checks.doubts import warnings
from gateway.config.checks.own_keys import is_credential
from gateway.config.checks.problems import KeyPath
from gateway.config.checks.safety import refusals
from gateway.config.operator_settings import AdminSettings, TracingSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ServerSettings,
    Settings,
    UpstreamSettings,
)
from tests import kinds
from tests.config.configuring import loaded, refused, upstream

CLIENT = ClientSettings("a", ("1" * 64,))


KEYED = upstream(credential=CredentialPolicy.KEY, api_key=Secret("k"))
WITH_HEADER = upstream(headers=(("authorization", Secret("k")),))
CALLER = upstream(credential=CredentialPolicy.CALLER)


def reasons(settings: Settings) -> list[KeyPath]:
    return [path for path, _ in refusals(settings)]


@pytest.mark.parametrize(
    "name",
    [
        *("ocp-apim-subscription-key", "x-api-key", "x-auth-token", "authorization", "cookie"),
        *("api-key", "x-goog-api-key", "apikey", "X-ApiKey", "private-token", "x_access_token"),
        *("cf-access-client-secret", "x-functions-key", "x-vault-token", "helicone-auth"),
        *("x-amz-security-token", "x-authorization", "x-password", "x-signature", "x-api-key-2"),
        *("x-portkey-virtual-key", "proxy-authorization", "x-jwt", "auth-id", "AccessToken"),
    ],
)
def test_a_fixed_header_that_is_a_credential_by_name_counts_as_one(
    tmp_path: Path, name: str
) -> None:
    text = (
        "server: {host: 0.0.0.0}\n"
        f"upstreams: {{a: {{base_url: 'https://a/v1', credential: none, headers: {{{name}: s}}}}}}"
    )
    if name == "proxy-authorization":  # no fixed header at all, but forwarded by nobody either
        assert is_credential(name)
        return
    (problem,) = refused(tmp_path, text)
    assert "server.host: is beyond loopback: anyone who reaches it" in problem


@pytest.mark.parametrize(
    "name",
    [
        *("x-a", "openai-organization", "user-agent", "x-team", "accept", "x-max-tokens"),
        *("idempotency-key", "x-cache-key", "author", "x-keyboard", "x-tokenizer", "x-monkeys"),
    ],
)
def test_other_fixed_headers_are_not_credentials(tmp_path: Path, name: str) -> None:
    text = (
        "server: {host: 0.0.0.0}\n"
        f"upstreams: {{a: {{base_url: 'https://a/v1', credential: none, headers: {{{name}: s}}}}}}"
    )
    assert refused(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {workers: 256}", ""),
        ("server: {workers: 257}", "server.workers: must be at most 256"),
        ("server: {workers: 100000}", "server.workers: must be at most 256"),
        ("translation: {max_fanout: 10000}", ""),
        ("translation: {max_fanout: 1000000000}", "max_fanout: must be at most 10000"),
        ("translation: {fanout_concurrency: 10001}", "concurrency: must be at most 10000"),
        ("models: {a: {max_fanout: 10001}}", "models.a.max_fanout: must be at most 10000"),
        ("admin: {host: 0.0.0.0, token: t}", "admin.token: has fewer than 16 characters"),
        ("admin: {host: 0.0.0.0, token: 0123456789abcdef}", ""),
    ],
)
def test_figures_that_no_machine_bears_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    found = refused(tmp_path, text)
    assert len(found) == bool(problem)
    assert problem in "".join(found)


@pytest.mark.parametrize(
    ("held", "host", "clients", "anonymous"),
    list(
        itertools.product(
            [KEYED, WITH_HEADER, CALLER, upstream()],
            ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1", "gw.example"],  # noqa: S104
            [(), (CLIENT,)],
            [False, True],
        )
    ),
)
def test_a_gateway_with_keys_is_not_open_to_strangers(
    held: UpstreamSettings, host: str, clients: tuple[ClientSettings, ...], anonymous: bool
) -> None:
    server = ServerSettings(host=host, allow_anonymous=anonymous)
    settings = Settings((upstream("first"), held), server=server, clients=clients)
    is_open = (
        held in {KEYED, WITH_HEADER}
        and host not in {"127.0.0.1", "::1", "localhost"}
        and not clients
        and not anonymous
    )
    assert (("server", "host") in reasons(settings)) == is_open


def test_the_refusal_names_the_upstreams_and_the_solutions() -> None:
    settings = Settings((upstream("b"), KEYED), server=ServerSettings(host="::"))
    ((_, fault),) = refusals(settings)
    assert "keys of a" in fault.message
    assert "clients" in fault.advice
    assert "allow_anonymous" in fault.advice


@pytest.mark.parametrize("position", [0, 1])
def test_with_clients_no_callers_key_is_forwarded(position: int) -> None:
    upstreams = [upstream("b")]
    upstreams.insert(position, CALLER)
    expected: list[KeyPath] = [("upstreams", "a", "credential")]
    assert reasons(Settings(tuple(upstreams), clients=(CLIENT,))) == expected
    assert reasons(Settings(tuple(upstreams))) == []


def test_the_default_upstream_without_a_key_is_not_an_exception(tmp_path: Path) -> None:
    clients = f"clients: [{{name: a, key_sha256: '{'1' * 64}'}}]\n"
    (problem,) = refused(tmp_path, clients)
    assert "set api_key, or credential: none" in problem
    assert refused(tmp_path, clients + "upstreams: {openai: {api_key: k}}") == []
    assert refused(tmp_path, clients + "upstreams: {openai: {credential: none}}") == []


@pytest.mark.parametrize(
    ("admin", "paths"),
    [
        (AdminSettings(host="::"), [("admin", "host")]),
        (AdminSettings(host="::", token=Secret("t" * 16)), []),
        (AdminSettings(host="::", token=Secret("t" * 15)), [("admin", "token")]),
        (AdminSettings(host="::", token=Secret("t"), enabled=False), []),
        (AdminSettings(host="127.0.0.1", token=Secret("t")), []),
        (AdminSettings(host="::", enabled=False), []),
        (AdminSettings(port=8080), [("admin", "port")]),
        (AdminSettings(tls=True), [("admin", "tls")]),
        (AdminSettings(enabled=False, tls=True), []),
        (AdminSettings(port=8080, host="127.0.0.2"), []),
        (AdminSettings(port=8080, enabled=False), []),
    ],
)
def test_the_operators_listener_is_apart_and_guarded(
    admin: AdminSettings, paths: list[KeyPath]
) -> None:
    assert reasons(Settings((upstream(),), admin=admin)) == paths


@pytest.mark.parametrize(
    ("base_url", "fine"),
    [
        ("https://a.openai.azure.com", True),
        ("https://a.openai.azure.com/openai", True),
        ("https://a.openai.azure.com/openai/v1", True),
        ("https://a.services.ai.azure.com/api/projects/p/openai/v1", True),
        ("https://gateway.example/team", True),
        ("https://a.openai.azure.com/v1", False),
        ("https://a.openai.azure.com/openai/deployments/bot", False),
    ],
)
def test_azures_address_is_the_resources(base_url: str, fine: bool) -> None:
    settings = Settings((upstream(base_url=base_url, kind=kinds.AZURE),))
    assert reasons(settings) == ([] if fine else [("upstreams", "a", "base_url")])
    assert reasons(Settings((upstream(base_url=base_url, kind=kinds.OTHER),))) == []


def test_an_address_of_azures_is_recognised_by_the_host(tmp_path: Path) -> None:
    url = "https://a.openai.azure.com/openai/deployments/bot"
    (problem,) = refused(tmp_path, f"upstreams: {{a: {{base_url: '{url}'}}}}")
    assert "upstreams.a.base_url: is one deployment; write the resource's own" in problem


@pytest.mark.parametrize(
    ("redirect", "models", "problem"),
    [
        ("{a: b, c: b}", "{b: d}", ""),
        ("{a: a}", "{}", "retired.redirect.a: leads to a name that is redirected itself"),
        ("{a: b, b: c}", "{}", "retired.redirect.a: leads to a name that is redirected itself"),
        ("{a: b}", "{a: c}", "retired.redirect.a: is a name under models too"),
        ("{a: b}", "{'a*': c}", ""),
    ],
)
def test_a_redirect_leads_to_one_name_at_once(
    tmp_path: Path, redirect: str, models: str, problem: str
) -> None:
    found = refused(tmp_path, f"retired: {{redirect: {redirect}}}\nmodels: {models}")
    assert len(found) == bool(problem)
    assert problem in "".join(found)


def test_two_free_ports_are_not_the_same() -> None:
    server, admin = ServerSettings(port=0), AdminSettings(port=0)
    assert reasons(Settings((upstream(),), server=server, admin=admin)) == []


@pytest.mark.parametrize("is_installed", [True, False])
@pytest.mark.parametrize(
    ("urls", "is_encrypted"),
    [
        ({"base_url": "https://a.example/v1"}, True),
        ({"base_url": "http://a/v1"}, False),
        ({"base_url": "http://a/v1", "further_urls": ("https://b/v1",)}, True),
    ],
)
def test_http2_needs_its_extra_where_it_has_an_effect(
    monkeypatch: pytest.MonkeyPatch, urls: dict[str, Any], is_installed: bool, is_encrypted: bool
) -> None:
    monkeypatch.setattr(safety, "find_spec", lambda name: object() if is_installed else None)
    found = list(refusals(Settings((upstream(**urls, http2=True),))))
    assert len(found) == (is_encrypted and not is_installed)
    for path, fault in found:
        assert path == ("upstreams", "a", "http2")
        assert "endpoint-gateway[http2]" in fault.advice


@pytest.mark.parametrize("missing", ["", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto"])
@pytest.mark.parametrize("is_traced", [True, False])
def test_traces_need_their_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, *, is_traced: bool
) -> None:
    def found(name: str) -> object:
        if missing and name.startswith(missing):
            raise ModuleNotFoundError(missing)
        return object()

    monkeypatch.setattr(safety, "find_spec", found)
    tracing = TracingSettings("http://c:4318" if is_traced else None)
    faults = list(refusals(Settings((upstream(),), tracing=tracing)))
    assert len(faults) == (is_traced and bool(missing))
    for path, fault in faults:
        assert path == ("tracing", "endpoint")
        assert "endpoint-gateway[otel]" in fault.advice


ANY = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("listening", "base_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1", "http://localhost:8080"),
        ("localhost", "http://127.0.0.1:8080/v1"),
        (ANY, "http://127.0.0.1:8080/v1"),
        (ANY, "http://localhost.:8080/v1"),
        ("::", "http://[::1]:8080/v1"),
        ("::", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1", "http://0.0.0.0:8080/v1"),
        ("10.0.0.7", "https://10.0.0.7:8080/v1"),
        ("gw.example", "http://GW.example:8080/v1"),
    ],
)
def test_an_upstream_is_not_the_gateway_itself(
    listening: str, base_url: str, tmp_path: Path
) -> None:
    text = f"server: {{host: '{listening}'}}\nupstreams:\n  me: {{base_url: '{base_url}'}}"
    (problem,) = refused(tmp_path, text)
    assert problem == (
        "gateway.yaml:3: upstreams.me.base_url: is the gateway itself; write the address of the "
        "server behind it"
    )


@pytest.mark.parametrize(
    ("listening", "base_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8081/v1"),
        ("127.0.0.1", "http://127.0.0.2:8080/v1"),
        ("127.0.0.1", "http://[::1]:8080/v1"),
        (ANY, "http://[::1]:8080/v1"),
        (ANY, "http://10.0.0.7:8080/v1"),
        ("10.0.0.7", "http://127.0.0.1:8080/v1"),
        ("gw.example", "http://vllm.example:8080/v1"),
        ("127.0.0.1", "https://localhost/v1"),
    ],
)
def test_an_upstream_beside_the_gateway_is_another(
    listening: str, base_url: str, tmp_path: Path
) -> None:
    text = f"server: {{host: '{listening}'}}\nupstreams:\n  me: {{base_url: '{base_url}'}}"
    assert refused(tmp_path, text) == []


def test_neither_the_admin_listener_nor_a_proxy_is_the_gateway(tmp_path: Path) -> None:
    text = """
upstreams:
  a: {base_url: "http://localhost:9090/v1"}
  b: {base_url: "http://localhost:8080/v1", proxy: "http://proxy.example:3128"}
  c: {base_url: "https://c.example/v1", proxy: "http://me:secret@127.0.0.1:8080"}
"""
    advice = "write the address of the server behind it"
    assert refused(tmp_path, text) == [
        f"gateway.yaml:3: upstreams.a.base_url: is the gateway's admin listener; {advice}",
        f"gateway.yaml:5: upstreams.c.proxy: is the gateway itself; {advice}",
    ]
    assert len(refused(tmp_path, text + "admin: {enabled: false}")) == 1


def test_which_addresses_are_the_gateways_own_can_be_found_out_elsewhere() -> None:
    asked = []

    def leads_to(host: str, listening: str) -> bool:
        asked.append((host, listening))
        return True

    settings = Settings((upstream(base_url="http://a.example:8080/v1"), upstream("b")))
    assert [path for path, _ in refusals(settings, leads_to)] == [("upstreams", "a", "base_url")]
    assert asked == [("a.example", "127.0.0.1")]  # only where the port is the own


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").secret is None
    settings = loaded(tmp_path, "secret: ${GATEWAY_SECRET}", {"GATEWAY_SECRET": "s" * 32})
    assert settings.secret == Secret("s" * 32)
    assert loaded(tmp_path, "", {"GATEWAY_SECRET": "s" * 32}) == settings
    (problem,) = refused(tmp_path, f"secret: {'s' * 31}")
    assert "secret: has fewer than 32 characters" in problem
    assert "openssl rand -hex 32" in problem


@pytest.mark.parametrize(
    ("pattern", "model", "reason"),
    [
        ("openai/gpt", "*", "exactly one *"),
        ("*/*", "*", "exactly one *"),
        ("gpt-?-*", "*", "exactly one *"),
        ("[ab]*", "*", "exactly one *"),
        ("openai/*", "*-*", "more than one *"),
    ],
)
def test_a_rewritten_name_has_one_star_on_both_sides(
    tmp_path: Path, pattern: str, model: str, reason: str
) -> None:
    for written in (f"'{model}'", f"{{model: '{model}'}}"):
        (problem,) = refused(tmp_path, f"models: {{'{pattern}': {written}}}")
        assert f'models["{pattern}"].model: has' in problem
        assert reason in problem


def test_each_address_is_looked_at() -> None:
    azure = upstream(
        base_url="https://a.openai.azure.com",
        further_urls=("https://b.openai.azure.com/v1",),
        kind=kinds.AZURE,
    )
    assert reasons(Settings((azure,))) == [("upstreams", "a", "base_url", 1)]
    looping = upstream(further_urls=("http://127.0.0.1:9090/v1", "http://localhost:8080/v1"))
    assert reasons(Settings((looping,))) == [
        ("upstreams", "a", "base_url", 1),
        ("upstreams", "a", "base_url", 2),
    ]


def test_the_url_of_messages_is_looked_at_like_the_others() -> None:
    looping = upstream(messages_url="http://127.0.0.1:8080/v1")
    paths = [path for path, _ in refusals(Settings((looping,)), lambda *_: True)]
    assert paths == [("upstreams", "a", "messages_url")]
    plain = upstream(messages_url="http://b.example/anything", api_key=Secret("k"))
    (doubt,) = warnings(Settings((plain,)))
    assert doubt.startswith("upstreams.a.messages_url: keys travel unencrypted")
    unverified = upstream(base_url="http://a/v1", messages_url="https://b/v1", verify=False)
    assert any("verify: is off" in each for each in warnings(Settings((unverified,))))
    openai = upstream(
        base_url="https://api.openai.com/v1", kind=kinds.OPENAI, messages_url="https://b/x"
    )
    assert warnings(Settings((openai,))) == []
