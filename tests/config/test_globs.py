"""The first name or glob that matches, against trying them all in their order."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.globs import Globs

PATTERNS = st.text("abA-*?[]!", min_size=1, max_size=7)
NAMES = st.text("abA-[]!", max_size=9)


def first_of_all(patterns: Sequence[tuple[int, str]], name: str, before: int) -> int | None:
    reached = [(at, pattern) for at, pattern in patterns if at < before]
    return next((at for at, pattern in reached if fnmatchcase(name, pattern)), None)


@given(
    st.lists(st.one_of(PATTERNS, NAMES, PATTERNS.map(lambda text: f"ab*{text}")), max_size=40),
    st.lists(NAMES, min_size=1, max_size=5),
    st.integers(0, 80),
)
def test_the_first_pattern_is_found_whatever_is_written(
    globs: list[str], names: list[str], before: int
) -> None:
    patterns = [(2 * at, pattern) for at, pattern in enumerate(globs)]
    found = Globs(patterns)
    for name in names:
        assert found.first(name) == first_of_all(patterns, name, 1000)
        assert found.first(name, before) == first_of_all(patterns, name, before)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("team-{}/*", "team-{}/gpt-4o"),
        ("*-team-{}", "openai/gpt-4o-team-{}"),
        ("ft:*:acme-{}:*", "ft:gpt-4o-mini:acme-{}:bot:8abc1234"),
        ("[Tt]eam-{}/[a-z]*", "Team-{}/gpt"),
        ("?team[-_]{}?", "ateam_{}z"),
        ("*{}*", "v{}"),
        ("*", "{}"),
    ],
)
def test_in_a_crowd_each_name_finds_its_own(pattern: str, name: str) -> None:
    patterns = [(i, pattern.format(f"{i:03d}")) for i in range(300)]
    globs = Globs([*patterns, (300, "*-latest"), (301, "z*")])
    for i in (0, 7, 123, 299):
        asked = name.format(f"{i:03d}")
        expected = first_of_all(patterns, asked, 300)
        assert expected is not None
        assert globs.first(asked) == expected
        assert globs.first(asked, before=expected) is None
    fallback = globs.first("zzz-latest")
    assert fallback == (0 if pattern == "*" else 300)


def test_a_long_name_finds_the_glob_of_its_end() -> None:
    patterns = [(i, f"*-{'x' * i}y") for i in range(1, 200)]
    assert Globs(patterns).first("a" * 300 + "-" + "x" * 200 + "y") is None
    assert Globs(patterns).first("a" * 300 + "-" + "x" * 150 + "y") == 150
