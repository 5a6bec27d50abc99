from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import (
    CredentialPolicy,
    ModelRule,
    TemplateSettings,
    TimeoutSettings,
    TranslationSettings,
)
from gateway.shapes import Shape
from tests import kinds
from tests.config.configuring import loaded

UPSTREAMS = """
upstreams:
  first: {base_url: http://127.0.0.1:8000/v1/}
  keyed: {base_url: https://api.groq.com/openai/v1, api_key: k}
  other: {base_url: https://api.mistral.ai/v1}
  trusted: {base_url: https://other.example/v1, credential: caller, kind: vllm}
  quiet: {base_url: https://api.openai.com/v1, credential: none, kind: litellm}
"""


def test_the_callers_key_goes_to_the_first_upstream_only_unless_said_otherwise(
    tmp_path: Path,
) -> None:
    settings = loaded(tmp_path, UPSTREAMS)
    assert {u.name: u.credential for u in settings.upstreams} == {
        "first": CredentialPolicy.CALLER,
        "keyed": CredentialPolicy.KEY,
        "other": CredentialPolicy.NONE,
        "trusted": CredentialPolicy.CALLER,
        "quiet": CredentialPolicy.NONE,
    }


def test_the_kind_is_as_written_else_told_by_the_host(tmp_path: Path) -> None:
    settings = loaded(tmp_path, UPSTREAMS)
    assert {u.name: u.kind for u in settings.upstreams} == {
        "first": kinds.AUTO,
        "keyed": kinds.GROQ,
        "other": kinds.MISTRAL,
        "trusted": kinds.VLLM,
        "quiet": kinds.LITELLM,
    }


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


@pytest.mark.parametrize(
    ("written", "used"), [("false", False), ("'False'", False), ("true", True)]
)
def test_verification_is_on_or_off_however_it_is_written(
    tmp_path: Path, written: str, used: bool
) -> None:
    text = f"upstreams: {{openai: {{verify: {written}}}}}"
    assert loaded(tmp_path, text).upstreams[0].verify is used


def test_an_alias_is_short_for_a_rule(tmp_path: Path) -> None:
    short = loaded(tmp_path, "models: {alias: target}")
    assert short.models == (ModelRule("alias", model="target"),)
    assert short == loaded(tmp_path, "models: {alias: {model: target}}")


def test_rules_keep_their_order(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "models: {z: a, 'b*': {}, a: {}, no: {}, 12: {}}")
    assert [rule.pattern for rule in settings.models] == ["z", "b*", "a", "no", "12"]


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


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("chatml", TemplateSettings("chatml")),
        ("{name: raw, stop: x}", TemplateSettings("raw", stop=("x",))),
        (
            "{name: finetune, prefix: P, separator: S, stop: [a, b]}",
            TemplateSettings("finetune", prefix="P", separator="S", stop=("a", "b")),
        ),
        ("null", None),
    ],
)
def test_a_template_is_a_name_or_a_mapping(
    tmp_path: Path, written: str, used: TemplateSettings | None
) -> None:
    (rule,) = loaded(tmp_path, f"models: {{a: {{template: {written}}}}}").models
    assert rule.template == used


@pytest.mark.parametrize("name", ["", "name: jinja, "])
def test_a_jinja_template_is_read_at_start(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.jinja"
    path.write_text("{{ x }}\r\n", "utf-8", newline="")
    text = f"models: {{a: {{template: {{{name}path: {path}, bos_token: B, eos_token: E}}}}}}"
    (rule,) = loaded(tmp_path, text).models
    assert rule.template == TemplateSettings(
        "jinja", path=str(path), source="{{ x }}\r\n", bos_token="B", eos_token="E"
    )


def test_a_rule_overrides_the_translation_in_what_it_writes(tmp_path: Path) -> None:
    text = """
translation: {hosted_tools: drop, completion_system_prompt: Be brief., max_fanout: 9}
models:
  plain: {reasoning_effort: low}
  other: {on_unsupported: drop, completion_system_prompt: null, tokenizer: cl100k_base}
"""
    settings = loaded(tmp_path, text)
    assert settings.translation == TranslationSettings(
        hosted_tools="drop", completion_system_prompt="Be brief.", max_fanout=9
    )
    plain, other = settings.models
    assert (plain.translation, plain.reasoning_effort) == (None, "low")
    assert other.translation == replace(
        settings.translation,
        on_unsupported="drop",
        completion_system_prompt=None,
        tokenizer="cl100k_base",
    )


def test_clients_and_hosts_are_in_lower_case(tmp_path: Path) -> None:
    text = f"""
server: {{allowed_hosts: [API.Example.com]}}
upstreams: {{openai: {{api_key: k}}}}
clients: [{{name: a, key_sha256: "{"AB" * 32}", models: ["gpt-*", "[[]x"]}}]
"""
    settings = loaded(tmp_path, text)
    assert settings.server.allowed_hosts == ("api.example.com",)
    assert settings.clients[0].key_sha256 == "ab" * 32
    assert settings.clients[0].models == ("gpt-*", "[[]x")


def test_azures_version_and_the_redirects_are_as_written(tmp_path: Path) -> None:
    text = (
        "upstreams:\n"
        "  a: {base_url: 'https://a.openai.azure.com', api_version: 2025-04-01-preview}\n"
        "retired: {redirect: {text-davinci-003: gpt-5.4-mini, 'no': 'yes'}}"
    )
    settings = loaded(tmp_path, text)
    assert settings.upstreams[0].kind == kinds.AZURE
    assert settings.upstreams[0].api_version == "2025-04-01-preview"
    assert settings.retired.redirect == (("text-davinci-003", "gpt-5.4-mini"), ("no", "yes"))
    assert loaded(tmp_path, "").retired.redirect == ()
    assert loaded(tmp_path, "").upstreams[0].api_version == "2024-10-21"
