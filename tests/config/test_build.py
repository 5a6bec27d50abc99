from dataclasses import replace
from pathlib import Path

from gateway.config.settings import CredentialPolicy
from gateway.config.translation_settings import TranslationSettings
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


def test_the_kind_is_as_written_else_that_of_the_host(tmp_path: Path) -> None:
    settings = loaded(tmp_path, UPSTREAMS)
    assert {u.name: u.kind for u in settings.upstreams} == {
        "first": kinds.AUTO,
        "keyed": kinds.GROQ,
        "other": kinds.MISTRAL,
        "trusted": kinds.VLLM,
        "quiet": kinds.LITELLM,
    }


def test_rules_keep_their_order(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "models: {z: a, 'b*': {}, a: {}, no: {}, 12: {}}")
    assert [rule.pattern for rule in settings.models] == ["z", "b*", "a", "no", "12"]


def test_a_rule_overrides_the_translation_in_what_it_writes(tmp_path: Path) -> None:
    text = """
translation: {hosted_tools: drop, completion_system_prompt: Be brief., max_fanout: 9}
models:
  simple: {reasoning_effort: low}
  other: {on_unsupported: drop, completion_system_prompt: null, tokenizer: cl100k_base}
"""
    settings = loaded(tmp_path, text)
    assert settings.translation == TranslationSettings(
        hosted_tools="drop", completion_system_prompt="Be brief.", max_fanout=9
    )
    simple, other = settings.models
    assert (simple.translation, simple.reasoning_effort) == (None, "low")
    assert other.translation == replace(
        settings.translation,
        on_unsupported="drop",
        completion_system_prompt=None,
        tokenizer="cl100k_base",
    )


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
