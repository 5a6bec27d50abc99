"""The configuration in use, as operators see it."""

from pathlib import Path

import yaml

from gateway.admin.configuration import as_yaml
from gateway.config.load import load
from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    Settings,
    UpstreamSettings,
)
from gateway.config.store_settings import ResponsesSettings
from gateway.config.translation_settings import TemplateSettings
from gateway.shapes import Shape
from tests import kinds

SECRETS = ("key-1", "header-1", "proxy-1", "token-1", "seal-1", "digest-1", "pass-1", "user-1")
SETTINGS = Settings(
    (
        UpstreamSettings(
            "openai",
            "https://api.openai.com/v1",
            kinds.OPENAI,
            credential=CredentialPolicy.KEY,
            api_key=Secret("key-1"),
            headers=(("x-team", Secret("header-1")),),
            proxy=Secret("http://proxy-1"),
        ),
    ),
    models=(
        ModelRule(
            "legacy-*",
            endpoints=(Shape.COMPLETIONS,),
            template=TemplateSettings("jinja", "chat.jinja", "{{ messages }}"),
        ),
    ),
    clients=(ClientSettings("team-a", ("digest-1",), ("gpt-*",)),),
    responses=ResponsesSettings(store="redis://user-1:pass-1@redis:6379/0"),
    admin=AdminSettings(token=Secret("token-1")),
    secret=Secret("seal-1"),
)


def test_no_secret_is_shown() -> None:
    text = as_yaml(SETTINGS)
    assert [secret for secret in SECRETS if secret in text] == []
    assert "{{ messages }}" not in text


def test_everything_else_is_shown_as_it_is_used() -> None:
    shown = yaml.safe_load(as_yaml(SETTINGS))
    upstream = shown["upstreams"]["openai"]
    assert (upstream["kind"], upstream["credential"]) == ("openai", "key")
    assert (upstream["api_key"], upstream["headers"]) == ("***", {"x-team": "***"})
    assert upstream["timeouts"]["connect"] == 5.0
    rule = shown["models"]["legacy-*"]
    assert rule["endpoint"] == ["completions"]
    assert rule["template"]["path"] == "chat.jinja"
    assert shown["clients"][0]["models"] == ["gpt-*"]
    assert shown["responses"]["store"] == "redis://***@redis:6379/0"
    assert shown["server"]["port"] == 8080


WRITTEN = """
upstreams:
  a: {base_url: [http://one/v1, http://two/v1], api_key: key-1, headers: {x-team: header-1}}
  b: {base_url: http://three/v1, kind: vllm, model_header: x-model}
models:
  "legacy-*": {endpoint: completions, template: chatml, params: {set: {n: 1}}}
  alias: {model: other, upstream: b, on_unsupported: drop, completion_system_prompt: null}
  bot: {model: other, timeouts: {first_byte: 3}, reasoning_effort: low}
retired: {redirect: {old: new}}
translation: {completion_system_prompt: Hello}
clients: [{name: team, key_sha256: "%s", models: ["gpt-*"], max_concurrency: 2}]
memory: {url: "redis://user-1:pass-1@redis:6379/0"}
responses: {store: "redis://:pass-1@redis:6379/0"}
secret: seal-1-that-is-long-enough-for-anything
tracing: {headers: {authorization: header-1}}
"""


def test_it_has_the_keys_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(WRITTEN % ("0" * 64))
    settings = load(path, {})
    text = as_yaml(settings)
    assert [secret for secret in SECRETS if secret in text] == []
    shown = yaml.safe_load(text)
    assert shown["upstreams"]["a"]["base_url"] == ["http://one/v1", "http://two/v1"]
    assert shown["models"]["alias"] == {
        "model": "other",
        "upstream": "b",
        "on_unsupported": "drop",
        "completion_system_prompt": None,
    }
    assert shown["retired"] == {"redirect": {"old": "new"}}
    assert shown["memory"]["url"] == "redis://***@redis:6379/0"
    shown["clients"][0]["key_sha256"] = ["0" * 64]
    shown["secret"] *= 20
    path.write_text(yaml.safe_dump(shown, sort_keys=False))
    again = load(path, {})
    assert yaml.safe_load(as_yaml(again)) == yaml.safe_load(text)


def test_what_is_not_set_is_left_out() -> None:
    shown = yaml.safe_load(as_yaml(Settings(())))
    assert "models" not in shown
    assert "store" not in shown["responses"]
    assert "secret" not in shown
