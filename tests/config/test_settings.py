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
