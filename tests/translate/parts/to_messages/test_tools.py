from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.to_messages.tools import (
    forces_call,
    messages_choice,
    messages_tool,
    named_once,
    possible_choice,
    write_tools_of_history,
)
from gateway.translate.parts.tools.choices import Mode
from tests.translate.messages_upstreams import (
    CLAUDE,
    EPHEMERAL,
    HELLO,
    UNKNOWN,
    context,
    text,
    tool_use,
)

NOTHING: Json = {"type": "object", "properties": {}}


@pytest.mark.parametrize("takes", [CLAUDE, UNKNOWN])
def test_fields_that_messages_do_not_have_are_reported(takes: Capabilities) -> None:
    function = {"name": "f", "own": 1, "strict": False, "cache_control": EPHEMERAL, "title": "t"}
    report = Report(Shape.CHAT, Shape.MESSAGES)
    sent = messages_tool(function, "tools[3]", context(takes), report)
    assert sent == {"name": "f", "input_schema": NOTHING, "cache_control": EPHEMERAL}
    assert report.dropped == ["tools[3].own", "tools[3].title"]


@pytest.mark.parametrize(
    ("function", "tool"),
    [
        ({"name": "f"}, {"name": "f", "input_schema": NOTHING}),
        ({"name": "f", "parameters": {}}, {"name": "f", "input_schema": NOTHING}),
        (
            {"name": "f", "description": "d", "parameters": {"type": "object"}},
            {"name": "f", "description": "d", "input_schema": {"type": "object"}},
        ),
        (
            {"name": "f", "parameters": {"properties": {}}},
            {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        ),
        ({"name": "f", "parameters": "odd"}, {"name": "f", "input_schema": "odd"}),
        (
            {"name": "f", "strict": True},
            {"name": "f", "input_schema": NOTHING, "strict": True},
        ),
        ({"name": "f", "strict": False}, {"name": "f", "input_schema": NOTHING}),
        (
            {"name": "f", "cache_control": EPHEMERAL},
            {"name": "f", "input_schema": NOTHING, "cache_control": EPHEMERAL},
        ),
    ],
)
def test_functions_become_tools(function: Json, tool: Json) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    assert messages_tool(function, "p", context(), report) == tool
    assert not report.size


def test_strictness_that_is_not_taken_is_reported() -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    tool = messages_tool({"name": "f", "strict": True}, "p", context(UNKNOWN), report)
    assert "strict" not in tool
    assert report.dropped == ["p.strict"]


@pytest.mark.parametrize(
    ("mode", "named", "parallel", "choice"),
    [
        ("auto", None, True, None),
        ("auto", None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", None, True, {"type": "any"}),
        ("required", None, False, {"type": "any", "disable_parallel_tool_use": True}),
        ("required", "f", True, {"type": "tool", "name": "f"}),
        (
            *("required", "f", False),
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ("none", None, True, {"type": "none"}),
        ("none", None, False, {"type": "none"}),
    ],
)
def test_choices_have_the_form_of_messages(
    mode: Mode, named: str | None, parallel: bool, choice: Any
) -> None:
    made = messages_choice(mode, named, parallel=parallel)
    assert made == choice
    assert forces_call(made) is (mode == "required")


@pytest.mark.parametrize(("mode", "named"), [("required", None), ("auto", "f"), ("required", "f")])
def test_a_call_is_forced_where_the_model_takes_that(mode: Mode, named: str | None) -> None:
    able = replace(CLAUDE, forced_tools=False)
    free = Draft({}, context(), Report(Shape.CHAT, Shape.MESSAGES))
    assert possible_choice(mode, named, "own", free) == (mode, named)
    strict = Draft({}, context(able), Report(Shape.CHAT, Shape.MESSAGES))
    with pytest.raises(UnsupportedParameter, match="decides by itself") as refused:
        possible_choice(mode, named, "own", strict)
    assert refused.value.param == "own"
    lenient = Draft({}, context(able, on_unsupported="drop"), Report(Shape.CHAT, Shape.MESSAGES))
    assert possible_choice(mode, named, "own", lenient) == ("auto", None)
    assert lenient.report.dropped == ["own"]
    for other in ("auto", "none"):
        assert possible_choice(other, None, "own", strict) == (other, None)


CALLED: list[Json] = [
    *HELLO,
    {"role": "assistant", "content": [text("a"), tool_use("f"), tool_use("g"), tool_use("f")]},
]


def test_tools_of_earlier_calls_are_defined_but_not_allowed() -> None:
    draft = Draft({}, context(), Report(Shape.CHAT, Shape.MESSAGES), {"messages": CALLED})
    write_tools_of_history(draft)
    assert draft.upstream["tools"] == [
        {"name": name, "input_schema": NOTHING} for name in ("f", "g")
    ]
    assert draft.upstream["tool_choice"] == {"type": "none"}
    assert draft.report.emulated == ["tools"]


@pytest.mark.parametrize(
    ("upstream", "takes"),
    [
        ({"messages": HELLO}, True),
        ({"messages": CALLED, "tools": [{"name": "g"}]}, True),
        ({"messages": CALLED}, False),
    ],
)
def test_none_are_added_otherwise(upstream: Json, takes: bool) -> None:
    able = CLAUDE if takes else Capabilities(tools=False)
    draft = Draft({}, context(able), Report(Shape.CHAT, Shape.MESSAGES), dict(upstream))
    write_tools_of_history(draft)
    assert draft.upstream == upstream
    assert not draft.report.size


def test_a_name_is_sent_once() -> None:
    f, g = ({"name": name, "input_schema": NOTHING} for name in "fg")
    other = {**f, "description": "d"}
    tools = [("a", f), ("b", g), ("c", {**f}), ("d", other)]
    draft = Draft({}, context(), Report(Shape.CHAT, Shape.MESSAGES))
    with pytest.raises(UnsupportedParameter, match="one tool of the name 'f'") as refused:
        named_once(tools, draft)
    assert refused.value.param == "d"
    draft = Draft({}, context(on_unsupported="drop"), Report(Shape.CHAT, Shape.MESSAGES))
    assert named_once(tools, draft) == [0, 1]
    assert draft.report.dropped == ["c", "d"]
