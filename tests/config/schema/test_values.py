"""Numbers, names, choices and patterns, each with what is wrong with a value."""

from pathlib import Path

import pytest

from gateway.shapes import Shape
from tests.config.configuring import check_refusal, loaded


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {port: true}", "server.port: must be a number, not true or false"),
        ("server: {port: -1}", "server.port: must be at least 0"),
        ("server: {port: 65536}", "server.port: must be at most 65535"),
        ("server: {workers: 0}", "server.workers: must be at least 1"),
        ("server: {grace_period: true}", "server.grace_period: must be a number, not true"),
        ("server: {keepalive_interval: 0}", "server.keepalive_interval: must be more than 0"),
        (
            "upstreams: {'a b': {base_url: http://x}}",
            'upstreams["a b"]: is not a valid upstream name; use up to',
        ),
        (
            "upstreams: {none: {base_url: 'http://h'}}",
            "upstreams.none: stands for requests without one in metrics and log; rename it",
        ),
        (
            f"clients: [{{name: unknown, key_sha256: {'a' * 64}}}]",
            "clients[0].name: stands for requests without one in metrics and log; rename it",
        ),
        (f"clients: [{{name: '', key_sha256: {'a' * 64}}}]", "clients[0].name: must not be empty"),
        (
            "upstreams: {openai: {kind: vlm}}",
            "kind: is not a kind of upstream; did you mean 'vllm'?",
        ),
        (
            "upstreams: {openai: {kind: zzzz}}",
            "kind: is not a kind of upstream; one of auto, anthropic, azure",
        ),
        ("upstreams: {openai: {kind: 3}}", "kind: must be auto, anthropic"),
        ("upstreams: {openai: {timeouts: {connect: 0}}}", "timeouts.connect: must be more than 0"),
        ("retired: {redirect: {a: ''}}", "retired.redirect.a: must not be empty"),
        ("models: {a: ''}", "models.a: must not be empty; write a value, or remove the key"),
        ("models: {'': b}", 'models[""]: must be text without control characters'),
        ("models: {'a[': b}", 'models["a["]: has a [ without its ]'),
        ("models: {'[a]b[': b}", 'models["[a]b["]: has a [ without its ]'),
        ("models: {a: {endpoint: []}}", "models.a.endpoint: must not be empty"),
        ("models: {a: {endpoint: [chat, chat]}}", "models.a.endpoint: names an endpoint twice"),
        (
            "models: {a: {endpoint: edits}}",
            "is not an endpoint; endpoints: completions, chat, respon",
        ),
        ("models: {a: {endpoint: /v1/chat/completions}}", "an endpoint; did you mean 'chat'?"),
        ("models: {a: {endpoint: v1/completions/}}", "an endpoint; did you mean 'completions'?"),
        ("models: {a: {endpoint: 3}}", "models.a.endpoint: must be a list"),
        (
            "models: {a: {endpoint: [3]}}",
            "models.a.endpoint[0]: must be completions, chat, responses or",
        ),
        ("models: {a: {upstream: opnai}}", "is not a configured upstream; did you mean 'openai'?"),
        ("models: {a: {max_fanout: 0}}", "models.a.max_fanout: must be at least 1"),
        ("clients: [{name: a, key_sha256: abc}]", "key_sha256: must be 64 hexadecimal digits"),
        (f"clients: [{{name: a, key_sha256: {'g' * 64}}}]", "must be 64 hexadecimal digits"),
        (
            (
                "clients: [{name: a, key_sha256: "
                "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855}]"
            ),
            "clients[0].key_sha256: is the SHA-256 of an empty key",
        ),
        ("clients: [{name: a, key_sha256: []}]", "clients[0].key_sha256: must not be empty"),
        (
            f"clients: [{{name: a, key_sha256: ['{'a' * 64}', '{'A' * 64}']}}]",
            "clients[0].key_sha256: names a key twice; remove one",
        ),
        (
            f"clients: [{{name: a, key_sha256: ['{'1' * 64}', abc]}}]",
            "clients[0].key_sha256: must be 64 hexadecimal digits",
        ),
        (
            f"clients: [{{name: a, key_sha256: '{'1' * 64}', models: ['']}}]",
            "clients[0].models[0]: must be text without control characters",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_key_and_advice(
    tmp_path: Path, text: str, problem: str
) -> None:
    check_refusal(tmp_path, text, problem)


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("chat", (Shape.CHAT,)),
        ("[completions, chat]", (Shape.COMPLETIONS, Shape.CHAT)),
        ("null", ()),
    ],
)
def test_an_endpoint_is_one_or_a_list(
    tmp_path: Path, written: str, used: tuple[Shape, ...]
) -> None:
    (rule,) = loaded(tmp_path, f"models: {{a: {{endpoint: {written}}}}}").models
    assert rule.endpoints == used
