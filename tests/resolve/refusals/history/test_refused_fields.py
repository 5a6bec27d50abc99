"""Paths of fields within messages, in the words of several servers."""

import pytest

from gateway.resolve.refusals.classify import classify
from gateway.resolve.refusals.history.refused_fields import refused_field
from gateway.resolve.refusals.listed_fields import with_indexes
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape


@pytest.mark.parametrize(
    ("param", "field"),
    [
        ("messages[1].reasoning_content", "reasoning_content"),
        ("messages[12].reasoning", "reasoning"),
        ("messages[0].reasoning_details", "reasoning_details"),
        ("messages[3].reasoning_opaque", "reasoning_opaque"),
        ("messages[3].thinking", "thinking"),
        ("messages[3].provider_specific_fields", "provider_specific_fields"),
        ("messages[0].cache_control", "cache_control"),
        ("messages[0].content[2].cache_control", "cache_control"),
        ("messages.0.content.0.text.cache_control", "cache_control"),
        ("messages[3].thinking_mode", None),
        ("messages[0].reasoning_details[0].text", None),
        ("messages[0].content", None),
        ("reasoning", None),
    ],
)
def test_a_refused_field_is_known_by_its_path(param: str, field: str | None) -> None:
    assert refused_field(with_indexes(param), Shape.CHAT) == field
    assert refused_field(with_indexes(param), Shape.RESPONSES) is None
    body = {"error": {"message": f"Unknown parameter: '{param}'.", "param": param}}
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"messages"})
    expected = (ParameterFix("strip", field),) if field else ()
    assert refusal.fixes == expected
    assert classify(Shape.RESPONSES, 400, body, model="m", sent={"messages"}).fixes == ()
