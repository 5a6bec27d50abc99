"""The tools of messages requests as functions."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from tests.translate.messages_prepared import Prepared, context, prepared, refused
from tests.translate.messages_requests import (
    CLAUDE_CODE,
    added,
    asked,
    assistant,
    result,
    system,
    tool,
    use,
    user,
)

NO_PARAMETERS: Json = {"type": "object", "properties": {}}
STRICT: Json = {**NO_PARAMETERS, "additionalProperties": False}
DROPS: Json = {"on_unsupported": "drop"}
SEARCH: Json = {"type": "web_search_20260209", "name": "web_search"}
LONG = "mcp__" + "x" * 100


def functions(sent: Prepared) -> list[Json]:
    return [each["function"] for each in sent.call.get("tools", ())]


@pytest.mark.parametrize(
    ("given", "function", "dropped"),
    [
        (tool("f"), {"name": "f", "parameters": NO_PARAMETERS}, []),
        (
            tool("f", {"properties": {"a": {}}}, description="d", type="custom"),
            {
                "name": "f",
                "description": "d",
                "parameters": {"type": "object", "properties": {"a": {}}},
            },
            [],
        ),
        (
            tool("f", {"properties": {"a": {"type": "array"}}}),
            {
                "name": "f",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "array", "items": {}}},
                },
            },
            [],
        ),
        (
            tool("f", STRICT, strict=True),
            {"name": "f", "parameters": STRICT, "strict": True},
            [],
        ),
        (
            tool("f", strict=True),
            {"name": "f", "parameters": NO_PARAMETERS},
            ["tools[0].strict"],
        ),
        (tool("f", strict=False), {"name": "f", "parameters": NO_PARAMETERS}, []),
        (
            tool("f", eager_input_streaming=True, input_examples=[{}], allowed_callers=["x"], z=1),
            {"name": "f", "parameters": NO_PARAMETERS},
            [
                "tools[0].eager_input_streaming",
                "tools[0].input_examples",
                "tools[0].allowed_callers",
                "tools[0].z",
            ],
        ),
        (
            tool("f", eager_input_streaming=False, allowed_callers=["direct"]),
            {"name": "f", "parameters": NO_PARAMETERS},
            [],
        ),
    ],
)
def test_a_tool_becomes_a_function_with_nothing_else_in_its_schema(
    given: Json, function: Json, dropped: list[str]
) -> None:
    sent = prepared(asked(tools=[given]))
    assert functions(sent) == [function]
    assert sent.report.dropped == dropped


def test_tools_that_the_client_runs_have_the_schema_that_they_are_known_by() -> None:
    given = [
        {"type": "bash_20250124", "name": "bash"},
        {
            "type": "text_editor_20250728",
            "name": "str_replace_based_edit_tool",
            "max_characters": 10000,
            "strict": True,
            "zzz": 1,
        },
    ]
    sent = prepared(asked(tools=given))
    assert [each["name"] for each in functions(sent)] == ["bash", "str_replace_based_edit_tool"]
    assert "command" in functions(sent)[0]["parameters"]["properties"]
    assert sent.report.emulated == ["tools[0]", "tools[1]"]
    assert sent.report.dropped == [
        "tools[1].zzz",
        "tools[1].max_characters",
        "tools[1].strict",
    ]
    assert sent.named("tools[0].function.parameters.properties") == "tools[0]"


OTHERS = [
    *("computer_20250124", "computer_toolset_20260101", "browser_toolset_20260101"),
    *("web_search_20260209", "web_fetch_20250910", "code_execution_20250825"),
    *("tool_search_tool_regex_20251119", "mcp_toolset", "advisor_20260301"),
]


@pytest.mark.parametrize("kind", OTHERS)
def test_tools_that_no_other_model_can_call_are_refused_by_name(kind: str) -> None:
    body = asked(tools=[tool("f"), {"type": kind, "name": "x"}])
    error = refused(body)
    assert error.param == "tools[1]"
    assert kind in error.message
    for settings in (DROPS, {"hosted_tools": "drop"}):
        sent = prepared(body, context(settings=settings))
        assert [each["name"] for each in functions(sent)] == ["f"]
        assert sent.report.dropped == ["tools[1]"]


def test_a_deferred_tool_joins_the_others_once_it_is_named() -> None:
    tools = [tool("a", defer_loading=True), tool("b"), tool("c", defer_loading=True)]
    sent = prepared(asked(tools=tools))
    assert [each["name"] for each in functions(sent)] == ["b"]
    assert sent.report.emulated == ["tools[0].defer_loading", "tools[2].defer_loading"]
    loaded = result("1", [{"type": "tool_reference", "tool_name": "c"}])
    history = (user("x"), assistant(use("1", "b")), user(loaded))
    sent = prepared(asked(*history, tools=tools))
    assert [each["name"] for each in functions(sent)] == ["b", "c"]
    assert sent.call["messages"][-1]["content"] == "Tool c is now available."
    assert sent.named("tools[1].function.name") == "tools[2].name"
    later = (*history, assistant(use("2", "a"), use("3", "zzz")), user(result("2"), result("3")))
    sent = prepared(asked(*later, tools=tools))
    assert [each["name"] for each in functions(sent)] == ["b", "c", "a"]


def test_a_deferred_tool_that_must_be_called_is_there() -> None:
    body = asked(tools=[tool("a", defer_loading=True)], tool_choice={"type": "tool", "name": "a"})
    assert [each["name"] for each in functions(prepared(body))] == ["a"]


def test_without_anthropics_search_all_deferred_tools_are_there() -> None:
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    body = asked(tools=[tool("a", defer_loading=True), search, tool("b")])
    sent = prepared(body, context(settings=DROPS))
    assert [each["name"] for each in functions(sent)] == ["b", "a"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_a_choice_has_other_words(choice: Json, sent: object) -> None:
    made = prepared(asked(tools=[tool("f")], tool_choice=choice))
    assert made.call["tool_choice"] == sent
    assert "parallel_tool_calls" not in made.call
    only = {**choice, "disable_parallel_tool_use": True, "zzz": 1}
    made = prepared(asked(tools=[tool("f")], tool_choice=only))
    assert made.call["parallel_tool_calls"] is False
    assert made.report.dropped == ["tool_choice.zzz"]


@pytest.mark.parametrize("kind", ["auto", "none"])
def test_without_tools_nothing_is_chosen(kind: str) -> None:
    choice = {"type": kind, "disable_parallel_tool_use": True}
    sent = prepared(asked(tool_choice=choice))
    assert sent.call.keys().isdisjoint({"tools", "tool_choice", "parallel_tool_calls"})


@pytest.mark.parametrize(
    ("parameters", "param", "settings"),
    [
        ({"tool_choice": {"type": "any"}}, "tool_choice", {}),
        ({"tool_choice": {"type": "tool", "name": "g"}}, "tool_choice.name", {}),
        (
            {"tools": [tool("f")], "tool_choice": {"type": "tool", "name": "g"}},
            "tool_choice.name",
            {},
        ),
        ({"tools": [SEARCH], "tool_choice": {"type": "any"}}, "tool_choice", DROPS),
        (
            {
                "tools": [SEARCH, tool("f")],
                "tool_choice": {"type": "tool", "name": "web_search"},
            },
            "tool_choice",
            DROPS,
        ),
    ],
)
def test_a_call_that_cannot_be_made_is_not_asked_for(
    parameters: Any, param: str, settings: Json
) -> None:
    assert refused(asked(**parameters), context(settings=settings)).param == param


def test_a_model_without_tools_is_not_given_any() -> None:
    of, drops = context(able={"tools": False}), context(able={"tools": False}, settings=DROPS)
    body = asked(tools=[tool("f")])
    assert refused(body, of).param == "tools"
    assert prepared(body, drops).report.dropped == ["tools"]
    sent = prepared({**body, "tool_choice": {"type": "none"}}, of)
    assert sent.report.dropped == ["tools"]
    assert "tools" not in sent.call


def test_agents_are_told_that_they_cannot_run_on_a_model_that_continues_text() -> None:
    error = refused(CLAUDE_CODE, context(is_pivot=True))
    assert error.param == "tools"
    assert "agents cannot run on it" in error.message
    inline = asked(user("x"), system(added(definition=tool("f"))))
    path = "messages[1].content[0].tool.definition"
    assert refused(inline, context(is_pivot=True)).param == path


def test_a_long_name_is_shortened_everywhere() -> None:
    history = (user("x"), assistant(use("1", LONG)), user(result("1")))
    for target in (Shape.CHAT, Shape.RESPONSES):
        body = asked(*history, tools=[tool(LONG)], tool_choice={"type": "tool", "name": LONG})
        sent = prepared(body, target=target)
        (short,) = sent.options.tool_names
        assert len(short) == 64
        assert LONG not in str(sent.call)
        assert str(sent.call).count(short) == 3


def test_names_that_become_the_same_are_refused() -> None:
    short = next(iter(prepared(asked(tools=[tool(LONG)])).options.tool_names))
    error = refused(asked(tools=[tool(LONG), tool(short)]))
    assert error.param == "tools[1].name"
    # That two tools have one name is for the upstream to refuse.
    assert len(functions(prepared(asked(tools=[tool("f"), tool("f")])))) == 2


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("tools[0].function.parameters", "tools[1].input_schema"),
        ("tools[0].function.parameters.properties.a", "tools[1].input_schema.properties.a"),
        ("tools[0].function.name", "tools[1].name"),
        ("tools[0].function.description", "tools[1].description"),
        ("tools[0].function", "tools[1]"),
        ("tools[0].type", "tools[1]"),
        ("tools[7]", "tools"),
        ("tools", "tools"),
    ],
)
def test_a_tool_is_named_as_the_client_has_it(upstream: str, client: str) -> None:
    sent = prepared(asked(tools=[SEARCH, tool("f")]), context(settings=DROPS))
    assert sent.named(upstream) == client
