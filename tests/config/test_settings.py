import traceback

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ModelRule, Settings, UpstreamSettings


def test_a_traceback_shows_no_secret() -> None:
    upstream = UpstreamSettings("a", "https://a", api_key=Secret("sk-canary"))
    shown = "".join(traceback.format_exception(RuntimeError(upstream)))
    assert "Secret('***')" in shown
    assert "canary" not in shown


def test_an_upstream_is_found_by_its_name() -> None:
    settings = Settings((UpstreamSettings("a", "https://a"), UpstreamSettings("b", "https://b")))
    assert settings.upstream("b").base_url == "https://b"
    with pytest.raises(KeyError):
        settings.upstream("c")


@pytest.mark.parametrize(
    ("pattern", "is_glob"),
    [("a", False), ("a*", True), ("a?", True), ("[ab]", True), ("a]", False)],
)
def test_a_glob_is_recognised_by_its_characters(pattern: str, is_glob: bool) -> None:
    assert ModelRule(pattern).is_glob == is_glob


@pytest.mark.parametrize(
    ("pattern", "model", "name", "sent"),
    [
        ("openai/*", "*", "openai/gpt-4o", "gpt-4o"),
        ("openai/*", "*", "openai/a/b:c", "a/b:c"),
        ("openai/*", "prefix-*", "openai/gpt-4o", "prefix-gpt-4o"),
        ("*", "eu/*-v1", "llama", "eu/llama-v1"),
        ("*:free", "*", "llama:free", "llama"),
        ("a-*-z", "*", "a-middle-z", "middle"),
        ("gpt-*", "gpt-*", "gpt-4o", "gpt-4o"),
        ("openai/*", "*", "openai/", None),
        ("a-*-a", "*", "a-a", None),
        ("gpt-*", "o1", "gpt-4o", "o1"),
        ("gpt-*", None, "gpt-4o", None),
    ],
)
def test_a_star_in_the_model_is_what_the_patterns_star_matched(
    pattern: str, model: str | None, name: str, sent: str | None
) -> None:
    rule = ModelRule(pattern, model=model)
    assert rule.model_for(name) == sent
    if rule.rewrites and sent is not None:
        assert rule.name_for(sent) == name


@pytest.mark.parametrize(
    ("model", "sent"), [("prefix-*", "gpt-4o"), ("prefix-*", "prefix-"), ("o1", "o1"), (None, "a")]
)
def test_a_model_that_a_rule_never_sends_has_no_name(model: str | None, sent: str) -> None:
    assert ModelRule("openai/*", model=model).name_for(sent) is None
