"""Hints within a messages body that a server refuses: found by their paths, and left out."""

from typing import Any

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.history.hints import is_hint
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

MARK = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
SCHEMA = {"type": "object", "properties": {"cache_control": {}, "defer_loading": {}}}
RESULT = {"type": "text", "text": "R", "cache_control": MARK}


def body() -> dict[str, Any]:
    return {
        "model": "m",
        "cache_control": MARK,
        "system": [{"type": "text", "text": "S", "cache_control": MARK}, 3],
        "tools": [
            {"name": "f", "input_schema": SCHEMA, "cache_control": MARK, "defer_loading": True},
            {
                "name": "g",
                "input_schema": SCHEMA,
                "eager_input_streaming": True,
                "input_examples": [{}],
                "allowed_callers": ["direct"],
            },
        ],
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "T", "signature": "s", "cache_control": MARK},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"cache_control": 1}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [RESULT]}],
            },
        ],
    }


SENT = (*body(), "cache_control.type", "cache_control.ttl", "cache_control.scope")


def count(value: object, name: str, within: bool = True) -> int:
    """Return how often a field is in a value, besides schemas and arguments."""
    if isinstance(value, list):
        return sum(count(each, name) for each in value)
    if not isinstance(value, dict):
        return 0
    inner = [each for key, each in value.items() if key not in ("input_schema", "input")]
    return (name in value) + sum(count(each, name) for each in inner)


@pytest.mark.parametrize(
    ("path", "name", "field", "left"),
    [
        ("tools.1.custom.eager_input_streaming", "tools[].eager_input_streaming", "", 0),
        ("tools.0.custom.defer_loading", "tools[].defer_loading", "", 0),
        ("tools.0.defer_loading", "tools[].defer_loading", "", 0),
        ("tools.1.custom.input_examples", "tools[].input_examples", "", 0),
        ("tools.1.custom.allowed_callers", "tools[].allowed_callers", "", 0),
        ("tools.0.custom.cache_control", "tools[].cache_control", "", 4),
        ("system.0.cache_control", "system[].cache_control", "", 4),
        ("messages.1.content.0.thinking.cache_control", "content[thinking].cache_control", "", 4),
        (
            "messages.2.content.0.tool_result.content.0.text.cache_control",
            "content[text].cache_control",
            "",
            4,
        ),
        ("messages.2.content.0.cache_control", "messages[].cache_control", "", 3),
        ("messages.0.cache_control", "messages[].cache_control", "", 3),
        ("system.0.cache_control.ephemeral.scope", "cache_control.scope", "scope", 0),
        ("tools.0.custom.cache_control.ephemeral.ttl", "cache_control.ttl", "ttl", 0),
        ("messages.1.content.0.thinking.cache_control.scope", "cache_control.scope", "scope", 0),
    ],
)
def test_a_hint_is_left_out_of_its_place(path: str, name: str, field: str, left: int) -> None:
    message = f"{path}: Extra inputs are not permitted"
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    refusal = classify(Shape.MESSAGES, 400, error, model="m", sent=SENT)
    assert refusal.fixes == (ParameterFix("strip", name),)
    assert is_hint(name)
    given = body()
    fixed = apply_fixes(given, refusal.fixes)
    assert given == body()
    assert count(fixed, field or path.rpartition(".")[2]) == left
    assert fixed["tools"][0]["input_schema"] == SCHEMA
    assert fixed["messages"][1]["content"][1] == given["messages"][1]["content"][1]


@pytest.mark.parametrize(
    "path",
    [
        "tools.0.custom.strict",
        "messages.1.content.0.text.citations",
        "messages.1.content.0.tool_use.eager_input_streaming",
        "tools.0.custom.input_schema.cache_control.type",
    ],
)
def test_other_fields_stay(path: str) -> None:
    message = f"{path}: Extra inputs are not permitted"
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    refusal = classify(Shape.MESSAGES, 400, error, model="m", sent=SENT)
    assert (refusal.verdict, refusal.fixes) == (Verdict.UNSUPPORTED_PARAMETER, ())
    assert not is_hint(path)


def test_a_body_without_the_hint_stays_as_it_is() -> None:
    plain = {"model": "m", "system": "S", "messages": [{"role": "user", "content": "Hi"}, 3]}
    for name in ("cache_control.scope", "tools[].defer_loading", "messages[].cache_control"):
        assert apply_fixes(plain, (ParameterFix("strip", name),)) == plain
    deep: dict[str, Any] = {"cache_control": MARK}
    for _ in range(6):
        deep = {"content": [deep]}
    strip = ParameterFix("strip", "messages[].cache_control")
    assert apply_fixes({"messages": [deep]}, (strip,)) == {"messages": [deep]}
