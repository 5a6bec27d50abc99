"""The configuration in use, as operators see it."""

import yaml

from gateway.admin.configuration import as_yaml
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
    (upstream,) = shown["upstreams"]
    assert (upstream["kind"], upstream["credential"]) == ("openai", "key")
    assert (upstream["api_key"], upstream["headers"]) == ("***", [["x-team", "***"]])
    assert upstream["timeouts"]["connect"] == 5.0
    (rule,) = shown["models"]
    assert (rule["pattern"], rule["endpoints"]) == ("legacy-*", ["completions"])
    assert rule["template"]["path"] == "chat.jinja"
    assert shown["clients"][0]["models"] == ["gpt-*"]
    assert shown["responses"]["store"] == "redis://***@redis:6379/0"
    assert shown["server"]["port"] == 8080


def test_what_is_not_set_is_left_out() -> None:
    shown = yaml.safe_load(as_yaml(Settings(())))
    assert "models" not in shown
    assert "store" not in shown["responses"]
    assert "secret" not in shown
