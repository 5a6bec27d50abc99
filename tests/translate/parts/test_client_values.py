"""Whether a client has what an error names."""

import pytest

from gateway.shapes import Json
from gateway.translate.parts.client_values import (
    below,
    below_tool,
    chat_tool_kind,
    has,
    responses_tool_kind,
    stop_path,
    value_at,
)

CLIENT: Json = {
    "messages": [{"role": "user", "content": None, "zzz": {"a": 1}}],
    "tools": [
        {"type": "function", "function": {"name": "f", "zzz": 1}, "yyy": 2},
        {"type": "custom", "custom": {"name": "p"}},
        {"type": "local_shell"},
    ],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("messages", CLIENT["messages"]),
        ("messages[0].role", "user"),
        ("messages[0].zzz.a", 1),
        ("messages[0].content", None),
        ("messages[1]", None),
        ("messages[0].role.a", None),
        ("messages.role", None),
        ("tools[0].function.name", "f"),
    ],
)
def test_a_path_leads_to_a_value(path: str, value: object) -> None:
    assert value_at(CLIENT, path) == value
    assert has(CLIENT, path) is (value is not None)


@pytest.mark.parametrize(
    ("path", "rest", "found"),
    [
        ("messages[0]", ".zzz", "messages[0].zzz"),
        ("messages[0]", ".zzz.a[3]", "messages[0].zzz.a[3]"),
        ("messages[0]", ".xxx", None),
        ("messages[0]", "", None),
        ("tools[0]", ".name", "tools[0].function.name"),
        ("tools[0]", ".yyy", "tools[0].yyy"),
    ],
)
def test_a_field_is_found_at_its_place_or_within(path: str, rest: str, found: str | None) -> None:
    assert below(CLIENT, path, rest, ("function",)) == found


@pytest.mark.parametrize(
    ("path", "kind", "rest", "found"),
    [
        ("tools[0].function", "function", ".name", "tools[0].function.name"),
        ("tools[0].function", "function", ".zzz", "tools[0].function.zzz"),
        ("tools[0].function", "function", ".yyy", "tools[0].yyy"),
        ("tools[0].function", "function", ".type", "tools[0].type"),
        ("tools[0].function", "function", ".parameters.a", "tools[0].function.parameters.a"),
        ("tools[0].function", "function", ".strict", "tools[0].function.strict"),
        ("tools[0].function", "function", ".xxx", "tools[0].function"),
        ("tools[0].function", "function", "", "tools[0].function"),
        ("tools[1].custom", "custom", ".parameters", "tools[1].custom"),
        ("tools[1].custom", "custom", ".format", "tools[1].custom.format"),
        ("tools[2]", "local_shell", ".parameters.a", "tools[2]"),
        ("tools[2]", "local_shell", ".type", "tools[2].type"),
        ("functions[0]", "functions", ".strict", "functions[0]"),
    ],
)
def test_a_field_of_a_tool_is_one_that_the_client_can_have(
    path: str, kind: str, rest: str, found: str
) -> None:
    assert below_tool(CLIENT, path, kind, rest) == found


def test_kinds_of_tools() -> None:
    assert chat_tool_kind("tools[0].function") == "function"
    assert chat_tool_kind("tools[1].custom") == "custom"
    assert chat_tool_kind("functions[0]") == "functions"
    assert responses_tool_kind(CLIENT, "tools[2]") == "local_shell"
    assert responses_tool_kind(CLIENT, "tools[9]") == ""


@pytest.mark.parametrize(
    ("stop", "param", "path"),
    [
        (None, "stop", None),
        ("a", "stop", "stop"),
        ("a", "stop[0]", "stop"),
        ("a", "stop[1]", None),
        (["a", "b", "a", "c"], "stop", "stop"),
        (["a", "b", "a", "c"], "stop[2]", "stop[3]"),
        (["a"], "stop[x]", "stop"),
        (["a"], f"stop[{'9' * 5000}]", "stop"),
        (1, "stop[0]", None),
    ],
)
def test_a_stop_sequence_is_named_where_the_client_has_it(
    stop: object, param: str, path: str | None
) -> None:
    assert stop_path(stop, param) == path
