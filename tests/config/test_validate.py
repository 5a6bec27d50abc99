import re
from pathlib import Path
from typing import Any

import pytest

from gateway.config.layers import Layers
from gateway.config.problems import Origin
from gateway.config.validate import validate
from tests.config.configuring import refused


def problems(tmp_path: Path, text: str) -> str:
    return "\n".join(refused(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {port: x}", "server.port: must be a whole number"),
        ("server: {port: 1.5}", "server.port: must be a whole number"),
        ("server: {port: [1]}", "server.port: must be a whole number"),
        ("server: {port: true}", "server.port: must be a number, not true or false"),
        ("server: {port: -1}", "server.port: must be at least 0"),
        ("server: {port: 65536}", "server.port: must be at most 65535"),
        (f"server: {{port: {'9' * 5000}}}", "server.port: must be a smaller number"),
        ("server: {workers: 0}", "server.workers: must be at least 1"),
        ("server: {allow_anonymous: 3}", "server.allow_anonymous: must be true or false"),
        ("server: {allow_anonymous: [x]}", "server.allow_anonymous: must be true or false"),
        ("server: {allow_anonymous: maybe}", "server.allow_anonymous: must be true or false"),
        ("server: {grace_period: x}", "server.grace_period: must be a number"),
        ("server: {grace_period: [x]}", "server.grace_period: must be a number"),
        ("server: {grace_period: .nan}", "server.grace_period: must be a finite number"),
        ("server: {grace_period: true}", "server.grace_period: must be a number, not true"),
        ("server: {keepalive_interval: 0}", "server.keepalive_interval: must be more than 0"),
        ("server: {host: 127}", "server.host: must be text; put it in quotes"),
        ("server: {host: [x]}", "server.host: must be text\n"),
        ("server: {host: null}", "server.host: must be text\n"),
        ("server: {host: '[::1]'}", "server.host: must be an IP address or a host name alone"),
        ("server: {allowed_hosts: x}", "server.allowed_hosts: must be a list; in an environment"),
        ("server: {allowed_hosts: {}}", "server.allowed_hosts: must be a list\n"),
        ("server: {allowed_hosts: ['a:80']}", "server.allowed_hosts[0]: must be a host name"),
        ("server: []", "server: must be a mapping\n"),
        ("server: x", "server: must be a mapping; in an environment variable"),
        ('log: {level: "\\ud800"}', "log.level: must be valid Unicode text"),
        (
            "responses: {store: redis://x}",
            "responses.store: is not a valid store; memory:// or sqlite:///path/to/file.sqlite",
        ),
        (
            "responses: {store: sqlite:///none/such/file}",
            "responses.store: names a file in a folder that does not exist; make the folder first",
        ),
        ("memory: {url: redis://x}", "memory.url: is not a valid memory; memory://"),
        ("upstreams:", "upstreams: must be a mapping"),
        ("upstreams: {}", "upstreams: must not be empty; add an entry, or remove the key"),
        ("upstreams: {a: {}}", "upstreams.a.base_url: is required; add it"),
        ("upstreams: {openai: 3}", "upstreams.openai: must be a mapping"),
        (
            "upstreams: {'a b': {base_url: http://x}}",
            'upstreams["a b"]: is not a valid upstream name; use up to',
        ),
        (
            "upstreams: {openai: {kind: vlm}}",
            "kind: is not a kind of upstream; did you mean 'vllm'?",
        ),
        (
            "upstreams: {openai: {kind: zzzz}}",
            "kind: is not a kind of upstream; auto, openai, azure",
        ),
        ("upstreams: {openai: {kind: 3}}", "kind: must be auto, openai"),
        ("upstreams: {openai: {api_key: ''}}", "api_key: is empty; set it, or leave the key out"),
        ("upstreams: {openai: {api_key: 'a b'}}", "api_key: must be printable ASCII"),
        ("upstreams: {openai: {api_key: é}}", "api_key: must be printable ASCII"),
        ("upstreams: {openai: {credential: key}}", "openai: has credential: key, but no api_key"),
        (
            "upstreams: {openai: {credential: caller, api_key: k}}",
            "openai: has an api_key, but credential: caller never uses it",
        ),
        (
            "upstreams: {openai: {credential: none, api_key: k}}",
            "openai: has an api_key, but credential: none never uses it",
        ),
        ("upstreams: {openai: {headers: {a b: c}}}", 'headers["a b"]: is not a valid header name'),
        ("upstreams: {openai: {headers: {Host: c}}}", "headers.Host: is a header that the gateway"),
        ("upstreams: {openai: {headers: {X-A: b, x-a: c}}}", "headers: has a header twice"),
        ("upstreams: {openai: {headers: {a: ' c'}}}", "headers.a: must be one line of Latin-1"),
        ("upstreams: {openai: {headers: {a: €}}}", "headers.a: must be one line of Latin-1"),
        ("upstreams: {openai: {forward_headers: [Cookie]}}", "is a header that is never forwarded"),
        ("upstreams: {openai: {forward_headers: [X-Forwarded-For]}}", "is never forwarded"),
        ("upstreams: {openai: {forward_headers: [Connection]}}", "that the gateway sets by itself"),
        (
            "upstreams: {openai: {verify: 3}}",
            "openai.verify: must be true, false or the path of a CA bundle\n",
        ),
        ("upstreams: {openai: {verify: none.pem}}", "openai.verify: must be true, false or the"),
        ("upstreams: {openai: {verify: ''}}", "openai.verify: must be true, false or the path"),
        ('upstreams: {openai: {verify: "a\\0"}}', "openai.verify: must be true, false or the path"),
        ("upstreams: {openai: {timeouts: {connect: 0}}}", "timeouts.connect: must be more than 0"),
        ("upstreams: {openai: {timeouts: 3}}", "timeouts: must be a mapping"),
        (
            "upstreams: {openai: {api_version: preview}}",
            "openai.api_version: is not a dated version of Azure's API; write one like 2024-10-21",
        ),
        (
            "upstreams: {openai: {api_version: 2024-10-21x}}",
            "openai.api_version: is not a dated version",
        ),
        ("retired: {redirect: [a]}", "retired.redirect: must be a mapping"),
        ("retired: {redirect: {a: ''}}", "retired.redirect.a: must not be empty"),
        ("retired: {redirect: {a: {model: b}}}", "retired.redirect.a: must be text"),
        ("retired: {redirects: {a: b}}", "'redirects'; did you mean 'redirect'?"),
        ("models: {a: null}", "models.a: must be a mapping"),
        ("models: {a: ''}", "models.a: must not be empty; write a value, or remove the key"),
        ("models: {'': b}", 'models[""]: must be text without control characters'),
        ("models: {'a[': b}", 'models["a["]: has a [ without its ]'),
        ("models: {'[a]b[': b}", 'models["[a]b["]: has a [ without its ]'),
        ("models: {'[key]': 3}", 'models["[key]"]: must be a mapping'),
        ("models: {'a\\': {modle: b}}", "modle: unknown key 'modle'; did you mean 'model'?"),
        ("models: {a: {endpoint: []}}", "models.a.endpoint: must not be empty"),
        ("models: {a: {endpoint: [chat, chat]}}", "models.a.endpoint: names an endpoint twice"),
        (
            "models: {a: {endpoint: edits}}",
            "is not an endpoint; endpoints: completions, chat, respon",
        ),
        ("models: {a: {endpoint: 3}}", "models.a.endpoint: must be a list"),
        ("models: {a: {endpoint: [3]}}", "models.a.endpoint[0]: must be completions, chat or"),
        ("models: {a: {upstream: opnai}}", "is not a configured upstream; did you mean 'openai'?"),
        ("models: {a: {template: zzz}}", "models.a.template: must be raw, transcript, human"),
        ("models: {a: {template: chtml}}", "finetune, chatml or jinja; did you mean 'chatml'?"),
        ("models: {a: {template: {}}}", "models.a.template.name: is required"),
        ("models: {a: {template: jinja}}", "models.a.template: needs a path for the template jin"),
        ("models: {a: {template: {name: raw, path: x}}}", "models.a.template: needs a path for"),
        ("models: {a: {template: {path: x}}}", "that cannot be read: No such file or directory"),
        ("models: {a: {template: {path: .}}}", "names a file that cannot be read: Is a directory"),
        ("models: {a: {template: {name: raw, stop: ['']}}}", "template.stop[0]: must not be empty"),
        ("models: {a: {max_fanout: 0}}", "models.a.max_fanout: must be at least 1"),
        ("models: {a: {on_unsupported: null}}", "on_unsupported: must be refuse or drop"),
        ("clients: {a: b}", "clients: must be a list"),
        ("clients: [3]", "clients[0]: must be a mapping"),
        ("clients: [{name: a}]", "clients[0].key_sha256: is required"),
        ("clients: [{name: a, key_sha256: abc}]", "key_sha256: must be 64 hexadecimal digits"),
        (f"clients: [{{name: a, key_sha256: {'g' * 64}}}]", "must be 64 hexadecimal digits"),
        (
            (
                "clients: [{name: a, key_sha256: "
                "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855}]"
            ),
            "clients[0].key_sha256: is the SHA-256 of an empty key",
        ),
        (
            f"clients: [{{name: a, key_sha256: '{'1' * 64}', models: ['']}}]",
            "clients[0].models[0]: must be text without control characters",
        ),
        ("admin: {token: ''}", "admin.token: is empty"),
        (
            "zzzzzz: 1",
            "zzzzzz: unknown key 'zzzzzz'; keys: server, upstreams, models, retired, clients",
        ),
        ("port: 1", "port: unknown key 'port'; did you mean 'server.port' or 'admin.port'?"),
        ("first_byte: 1", "did you mean 'upstreams.NAME.timeouts.first_byte'?"),
        ("key_sha256: 1", "did you mean 'clients[…].key_sha256'?"),
        ("{api_key:sk-x}", "api_key: unknown key 'api_key'; is there a space missing after the"),
        ("server: {port:80}", "server.port: unknown key 'port'; is there a space missing"),
    ],
)
def test_what_is_wrong_is_said_with_key_and_advice(tmp_path: Path, text: str, problem: str) -> None:
    found = problems(tmp_path, text) + "\n"
    assert problem in found
    assert re.match(r"gateway\.yaml(:1)?: ", found)


@pytest.mark.parametrize("same", ["name", "key_sha256"])
def test_two_clients_differ(tmp_path: Path, same: str) -> None:
    clients = [{"name": "a", "key_sha256": "1" * 64}, {"name": "b", "key_sha256": "2" * 64}]
    clients[1][same] = clients[0][same]
    text = f"upstreams: {{openai: {{api_key: k}}}}\nclients: {clients}"
    assert f"clients: has two clients with the same {same}" in problems(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"\xff", "is not UTF-8"), (b"x" * (1024 * 1024 + 1), "larger than 1048576 bytes")],
)
def test_a_template_file_is_text_of_bounded_size(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "t.jinja").write_bytes(content)
    assert problem in problems(tmp_path, "models: {a: {template: {path: t.jinja}}}")


@pytest.mark.parametrize("upstreams", ["[]", "x", "3"])
def test_upstreams_of_the_wrong_type_make_no_rule_wrong(tmp_path: Path, upstreams: str) -> None:
    found = refused(tmp_path, f"upstreams: {upstreams}\nmodels: {{a: {{upstream: b}}}}")
    assert len(found) == 1
    assert "upstreams: must be a mapping" in found[0]


def test_lone_surrogates_are_no_text() -> None:
    data: dict[str, Any] = {"models": {"a": {"model": "\ud800"}}}
    written, found = validate(Layers(data, {(): Origin("x")}), Path())
    assert written is None
    (shown,) = [str(problem) for _, problem in found]
    assert shown == "x: models.a.model: must be valid Unicode text"
