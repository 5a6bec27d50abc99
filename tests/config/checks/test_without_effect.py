"""Settings that have no effect beside others are warned of, and good ones are not."""

from pathlib import Path

import pytest

from gateway.config.checks.without_effect import without_effect
from gateway.stores.redis_responses import MAX_VALUE_BYTES
from tests.config.configuring import loaded

A = "upstreams: {a: {base_url: 'https://a.internal/v1', kind: vllm, credential: none}}\n"
OPENAI = "https://api.openai.com/v1"
MESSAGES = "\nmodels: {m: {endpoint: messages}}"
TWO = "upstreams: {a: {base_url: 'http://a/v1'}, b: {base_url: 'https://api.anthropic.com/v1'}}\n"
AZURE = "https://a.openai.azure.com"
KEY = f"clients: [{{name: c, key_sha256: '{'1' * 64}', models: %s}}]"
SECRET = f"secret: {'s' * 32}\n"
REDIS = "responses: {store: 'redis://h:6379/0', max_bytes: %d}"


def found(folder: Path, text: str) -> list[str]:
    (folder / "t.jinja").write_text("{{ messages }}")
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    return list(without_effect(loaded(folder, text)))


def upstream(keys: str, url: str = "https://a.internal/v1") -> str:
    return f"upstreams: {{a: {{base_url: '{url}', {keys}}}}}"


def rule(keys: str, more: str = "") -> str:
    return f"{A}models: {{m: {{{keys}}}}}\n{more}"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (upstream("http2: true", "http://a/v1"), "upstreams.a.http2: has no effect without TLS"),
        (upstream("verify: ca.pem", "http://a/v1"), "upstreams.a.verify: has no effect without"),
        (
            upstream("websockets: always, proxy: 'http://p:3128'"),
            "upstreams.a.websockets: has no effect with a proxy, through which none is opened",
        ),
        (
            upstream("cache: auto", OPENAI),
            "upstreams.a.cache: has no effect, since kind openai has no messages endpoint; name",
        ),
        (
            upstream("api_version: 2024-06-01"),
            "upstreams.a.api_version: has an effect only with kind: azure",
        ),
        (
            upstream("api_version: 2024-06-01", f"{AZURE}/openai/v1"),
            "upstreams.a.api_version: has no effect at a base_url that ends in /openai/v1",
        ),
        (
            upstream("api_key: k, headers: {Authorization: Basic eA}"),
            "upstreams.a.api_key: is not sent, since headers.authorization takes its place",
        ),
        (
            upstream("headers: {x-team: a}, forward_headers: [x-user, X-Team]"),
            "upstreams.a.forward_headers: x-team is not forwarded, since headers has it, too",
        ),
        (
            rule("template: {name: chatml, prefix: '> '}"),
            "models.m.template.prefix: is for the template finetune, and this is chatml",
        ),
        (
            rule("template: {name: transcript, separator: x}"),
            "models.m.template.separator: is for the template finetune, and this is transcript",
        ),
        (
            rule("template: {path: t.jinja, prefix: x}"),
            "models.m.template.prefix: is for the template finetune, and this is jinja",
        ),
        (
            rule("template: {name: raw, eos_token: x}"),
            "models.m.template.eos_token: is for the template jinja, and this is raw",
        ),
        (
            rule("endpoint: chat, template: finetune"),
            "models.m.template: is only for models at completions, and endpoint names none of",
        ),
        (
            rule("endpoint: [chat, responses], default_completion_max_tokens: 5"),
            "models.m.default_completion_max_tokens: is only for models at completions, and",
        ),
        (
            rule("endpoint: chat, reasoning_out: none"),
            "models.m.reasoning_out: is only for models at responses or messages, and endpoint",
        ),
        (
            rule("endpoint: completions, completion_system_prompt: Hi"),
            "models.m.completion_system_prompt: is only for models at chat, responses or",
        ),
        (
            upstream("", OPENAI) + MESSAGES,
            "models.m.endpoint: upstream a has none of these: it is of kind openai",
        ),
        (
            TWO + "models: {m: {upstream: b, endpoint: [completions, responses]}}",
            "models.m.endpoint: upstream b has none of these: it is of kind anthropic",
        ),
        (A + KEY % "[]", "clients.c.models: is empty, so this client may use no model; remove it"),
        (
            A + KEY % "['*', 'gpt-*']",
            "clients.c.models: has other patterns beside *, which matches",
        ),
        ("responses: {ttl: 60}", "responses.ttl: has no effect without responses.store"),
        ("responses: {max_bytes: 60}", "responses.max_bytes: has no effect without responses.sto"),
        (SECRET + REDIS % (MAX_VALUE_BYTES + 1), "responses.max_bytes: is the limit of one respon"),
        ("tracing: {sample_ratio: 0.5}", "tracing.sample_ratio: has no effect without tracing.en"),
        ("tracing: {headers: {x: y}}", "tracing.headers: has no effect without tracing.endpoint"),
    ],
)
def test_what_has_no_effect_is_warned_of(tmp_path: Path, text: str, warning: str) -> None:
    (only,) = found(tmp_path, text)
    assert only.startswith(warning)


@pytest.mark.parametrize(
    "text",
    [
        "",
        upstream("verify: ca.pem"),
        upstream("verify: ca.pem, proxy: 'https://p:3128'", "http://a/v1"),
        upstream("websockets: always"),
        upstream("websockets: auto, proxy: 'http://p:3128'"),
        upstream("cache: auto"),
        upstream("cache: auto", "https://api.anthropic.com/v1"),
        upstream(
            "cache: auto, messages_url: 'https://a.internal/anthropic/v1'",
            "https://api.deepseek.com/v1",
        ),
        upstream("api_version: 2024-06-01", AZURE),
        upstream("api_version: 2024-06-01, kind: azure", "https://custom.example"),
        upstream("credential: none, headers: {Authorization: Basic eA}"),
        upstream(
            "api_key: k, headers: {x-team: a, openai-beta: x}, forward_headers: [openai-beta]"
        ),
        rule("template: {name: finetune, prefix: x, separator: y, stop: z}"),
        rule("template: {path: t.jinja, bos_token: x, eos_token: y}"),
        rule('template: {name: chatml, separator: "\\n\\n###\\n\\n"}'),
        rule("template: chatml"),
        rule("endpoint: [chat, completions], template: chatml, reasoning_item: drop"),
        rule("endpoint: messages, default_messages_max_tokens: 5, reasoning_out: both"),
        rule("endpoint: chat", "translation: {default_completion_max_tokens: 5}"),
        rule("endpoint: completions, tokenizer: cl100k_base"),  # an alias has it for its ids
        rule(
            "endpoint: completions, completion_system_prompt: null",
            "translation: {completion_system_prompt: Hi}",
        ),
        upstream("messages_url: 'https://b/v1'", OPENAI) + MESSAGES,
        TWO + "models: {m: {endpoint: [completions, responses]}}",
        A + KEY % "['*']",
        A + KEY % "['gpt-*', 'gpt-4*']",
        "responses: {store: 'memory://', ttl: 60, max_bytes: 60}",
        SECRET + REDIS % MAX_VALUE_BYTES,
        SECRET + "responses: {store: 'redis://h:6379/0'}",
        "tracing: {endpoint: 'http://c:4318', sample_ratio: 0.5, headers: {x: y}}",
    ],
)
def test_what_has_an_effect_is_not(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []
