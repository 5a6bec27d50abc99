"""One parameter has one path, whatever the endpoint calls it."""

import pytest

from gateway.config.checks.param_names import only_path, overlap, paths_in


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("max_tokens", "max_completion_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
        ("output_config.effort", "reasoning_effort"),
        ("stop_sequences", "stop"),
    ],
)
def test_names_of_one_parameter(one: str, other: str) -> None:
    assert only_path(one) == only_path(other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("reasoning", "reasoning_effort", True),
        ("a.b.c", "a", True),
        ("a.b", "a.c", False),
        ("a", "ab", False),
        ("max_tokens.x", "max_output_tokens", False),
        ("reasoning.summary", "reasoning_effort", False),
    ],
)
def test_paths_overlap_where_one_leads_to_the_other(one: str, other: str, expected: bool) -> None:
    assert overlap(only_path(one), only_path(other)) is expected
    assert overlap(only_path(other), only_path(one)) is expected


def test_objects_are_looked_into() -> None:
    values = {"a": {"b": {"c": 1}, "d": {}}, "verbosity": "low", "e": [{"f": 1}]}
    assert [*paths_in(values)] == [
        ("a.b.c", ("a", "b", "c")),
        ("a.d", ("a", "d")),
        ("verbosity", ("text", "verbosity")),
        ("e", ("e",)),
    ]
