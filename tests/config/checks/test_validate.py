from pathlib import Path
from typing import Any

import pytest

from gateway.config.checks.problems import Origin
from gateway.config.checks.validate import validate
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers
from tests.config.configuring import check_refusal, refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {port: x}", "server.port: must be a whole number"),
        ("server: {port: 1.5}", "server.port: must be a whole number"),
        ("server: {port: [1]}", "server.port: must be a whole number"),
        (f"server: {{port: {'9' * 5000}}}", "server.port: must be a smaller number"),
        ("server: {allow_anonymous: 3}", "server.allow_anonymous: must be true or false"),
        ("server: {allow_anonymous: [x]}", "server.allow_anonymous: must be true or false"),
        ("server: {allow_anonymous: maybe}", "server.allow_anonymous: must be true or false"),
        ("server: {grace_period: x}", "server.grace_period: must be a number"),
        ("server: {grace_period: 1e9}", "server.grace_period: must be at most 31536000\n"),
        ("memory: {ttl: 0}", "memory.ttl: must be more than 0\n"),
        ("server: {grace_period: [x]}", "server.grace_period: must be a number"),
        ("server: {grace_period: .nan}", "server.grace_period: must be a finite number"),
        ("server: {host: 127}", "server.host: must be text; put it in quotes"),
        ("server: {host: [x]}", "server.host: must be text\n"),
        ("server: {host: null}", "server.host: must be text\n"),
        ("server: {allowed_hosts: x}", "allowed_hosts: must be a list; write each entry below"),
        ("server: {allowed_hosts: {}}", "allowed_hosts: must be a list; write each entry below"),
        ("server: []", "server: must be a mapping; write its keys below it, indented\n"),
        ("server: x", "server: must be a mapping; write its keys below it, indented\n"),
        ('log: {level: "\\ud800"}', "log.level: must be valid Unicode text"),
        ("upstreams:", "upstreams: must be a mapping"),
        ("upstreams: {}", "upstreams: must not be empty; add an entry, or remove the key"),
        ("upstreams: {openai: 3}", "upstreams.openai: must be a mapping; write its keys below"),
        ("upstreams: {a: 'http://h/v1'}", "a: must be a mapping; write the URL as its base_url"),
        ("memory: 'redis://h'", "memory: must be a mapping; write the URL as its url"),
        ("responses: memory://", "responses: must be a mapping; write the URL as its store"),
        ("tracing: http://h", "tracing: must be a mapping; write the URL as its endpoint"),
        ("server: http://h", "server: must be a mapping; write its keys below it, indented"),
        ("models: {a: {temperature: 0}}", "unknown key 'temperature'; did you mean 'params'?"),
        ("upstreams: {openai: {timeouts: 3}}", "timeouts: must be a mapping"),
        ("retired: {redirect: [a]}", "retired.redirect: must be a mapping"),
        ("retired: {redirect: {a: {model: b}}}", "retired.redirect.a: must be text"),
        ("retired: {redirects: {a: b}}", "'redirects'; did you mean 'redirect'?"),
        ("models: {a: null}", "models.a: must be a model's name or a mapping\n"),
        ("models: {a: [b]}", "models.a: must be a model's name or a mapping\n"),
        ("models: {'[key]': 3}", "must be a model's name or a mapping; put the name in quotes"),
        ("models: {a: {template: 3}}", "a.template: must be a template's name or a mapping; put"),
        ("models: {'a\\': {modle: b}}", "modle: unknown key 'modle'; did you mean 'model'?"),
        ("models: {a: {on_unsupported: null}}", "on_unsupported: must be refuse or drop"),
        ("clients: {a: b}", "clients: must be a list"),
        ("clients: [3]", "clients[0]: must be a mapping"),
        ("clients: [{name: a}]", "clients[0].key_sha256: is required"),
        (
            "zzzzzz: 1",
            "zzzzzz: unknown key 'zzzzzz'; keys: server, upstreams, models, retired, clients",
        ),
        ("port: 1", "port: unknown key 'port'; did you mean 'server.port' or 'admin.port'?"),
        ("connect: 1", "did you mean 'upstreams.NAME.timeouts.connect'?"),
        ("key_sha256: 1", "did you mean 'clients[…].key_sha256'?"),
        ("{api_key:sk-x}", "api_key: unknown key 'api_key'; is there a space missing after the"),
        ("server: {port:80}", "server.port: unknown key 'port'; is there a space missing"),
    ],
)
def test_what_is_wrong_is_said_with_key_and_advice(tmp_path: Path, text: str, problem: str) -> None:
    check_refusal(tmp_path, text, problem)


def test_a_variable_is_told_to_be_json(tmp_path: Path) -> None:
    environ = {"GATEWAY_SERVER__ALLOWED_HOSTS": "a.com,b.com", "GATEWAY_LOG": "x"}
    hosts, log = sorted(refused(tmp_path, "", environ), reverse=True)
    assert hosts.endswith('server.allowed_hosts: must be a list; write JSON: ["a", "b"]')
    assert log.endswith('GATEWAY_LOG: log: must be a mapping; write JSON: {"key": "value"}')


@pytest.mark.parametrize(
    ("name", "problem", "meant"),
    [
        (
            "GATEWAY_UPSTREAMS__OPENAI_API_KEY",
            "upstreams.openai_api_key: must be a mapping",
            "GATEWAY_UPSTREAMS__OPENAI__API_KEY",
        ),
        (
            "GATEWAY_SERVER__TLS_CERTIFICATE",
            "server.tls_certificate: unknown key 'tls_certificate'",
            "GATEWAY_SERVER__TLS__CERTIFICATE",
        ),
    ],
)
def test_a_variable_with_an_underscore_too_few_names_the_right_one(
    tmp_path: Path, name: str, problem: str, meant: str
) -> None:
    (found,) = refused(tmp_path, "", {name: "x"})
    assert found == f"environment variable {name}: {problem}; did you mean {meant}?"


@pytest.mark.parametrize("upstreams", ["[]", "x", "3"])
def test_upstreams_of_the_wrong_type_make_no_rule_wrong(tmp_path: Path, upstreams: str) -> None:
    found = refused(tmp_path, f"upstreams: {upstreams}\nmodels: {{a: {{upstream: b}}}}")
    assert len(found) == 1
    assert "upstreams: must be a mapping" in found[0]


def test_lone_surrogates_are_not_text() -> None:
    data: dict[str, Any] = {"models": {"a": {"model": "\ud800"}}}
    written, found = validate(Layers(data, {(): Origin("x")}), Files())
    assert written is None
    (shown,) = [str(problem) for _, problem in found]
    assert shown == "x: models.a.model: must be valid Unicode text"
