"""Which tools a conversation has loaded, added or removed."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.deferred import (
    callable_tools,
    changed_tool,
    report_change,
    tool_changes,
)
from tests.translate.messages_prepared import TARGETS, Prepared, context, prepared
from tests.translate.messages_requests import (
    added,
    asked,
    assistant,
    removed,
    result,
    system,
    tool,
    use,
    user,
)

REFERENCE = {"type": "tool_reference", "tool_name": "b"}


def test_tools_are_loaded_by_a_reference_or_a_call_in_their_order() -> None:
    found = {
        "type": "tool_search_tool_result",
        "content": {"tool_references": [{"type": "tool_reference", "tool_name": "c"}]},
    }
    failed = {"type": "tool_search_tool_result", "content": "unavailable"}
    messages = [
        user("x"),
        assistant(use("1", "search"), found, failed),
        user(
            result(
                "1", [REFERENCE, {"type": "text", "text": "x"}, {**REFERENCE, "tool_name": "a"}]
            ),
            result("2", "text"),
        ),
        assistant(use("3", "a"), use("4", "d")),
    ]
    assert list(tool_changes(messages).loaded) == ["search", "c", "b", "a", "d"]


def test_the_last_change_counts() -> None:
    messages = [user("x"), system(removed("a"), added("b"), added("c"), removed("c")), user("y")]
    changes = tool_changes([*messages, system(removed("b"), added("a"))])
    assert list(changes.loaded) == ["a"]
    assert changes.removed == {"b", "c"}


def test_changes_survive_a_compaction() -> None:
    compacted = {"type": "compaction", "content": "c", "tool_changes": [removed("a")]}
    assert tool_changes([user("x"), assistant(compacted)]).removed == {"a"}
    assert tool_changes([assistant({"type": "compaction"})]).removed == set()


@pytest.mark.parametrize(
    ("block", "dropped"),
    [
        (added("a"), []),
        ({**added("a"), "cache_control": {"type": "ephemeral"}}, []),
        ({**removed("a"), "zzz": 1}, ["x.zzz"]),
        (added("a", zzz=1), ["x.tool.zzz"]),
        (added("a", definition={}), ["x.tool.definition"]),
        (added(definition=tool("a")), []),
        (added("a", type="tool_definition", definition=tool("a")), ["x.tool.name"]),
        (removed(type="mcp_tool_reference", server_name="m", name="a"), ["x"]),
    ],
)
def test_what_says_nothing_to_other_models_is_reported(block: Json, dropped: list[str]) -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    report_change(block, "x", context(), report)
    assert report.dropped == dropped


@pytest.mark.parametrize(
    ("block", "name"),
    [
        (added("a"), "a"),
        (added(definition=tool("a")), "a"),
        (added(definition={"type": "mcp_toolset", "mcp_server_name": "m"}), None),
        (added("a", type="mcp_tool_reference", server_name="m"), None),
        (removed(type="mcp_toolset_reference", server_name="m"), None),
    ],
)
def test_a_change_names_its_tool(block: Json, name: str | None) -> None:
    assert changed_tool(block) == name
    changes = tool_changes([system(block)])
    assert list(changes.loaded) == ([] if name is None else [name])


def names(sent: Prepared) -> list[str]:
    return [each.get("function", each)["name"] for each in sent.call.get("tools", ())]


@pytest.mark.parametrize("target", TARGETS)
def test_tools_come_and_go_with_the_conversation(target: Shape) -> None:
    tools = [tool("a"), tool("b", defer_loading=True), tool("c")]
    history = (user("x"), assistant("y"), user("z"))
    change = system(removed("a"), added("b"), added(definition=tool("d", {"x": 1})))
    body = asked(*history, change, tools=tools)
    sent = prepared(body, target=target)
    assert names(sent) == ["c", "b", "d"]
    inner = ".function" if target is Shape.CHAT else ""
    path = "messages[3].content[2].tool.definition"
    assert sent.named(f"tools[2]{inner}.parameters") == f"{path}.input_schema"
    assert "messages[3].content[0]" in sent.report.emulated
    shown = str(sent.call)
    assert "Tool a is no longer available." in shown
    assert "Tool d is now available." in shown


@pytest.mark.parametrize("target", TARGETS)
def test_a_tool_is_announced_by_the_name_that_it_is_sent_under(target: Shape) -> None:
    long = [f"mcp__{letter * 60}" for letter in "abc"]
    tools = [tool(long[0], defer_loading=True), tool(long[1]), tool("f")]
    found = result("1", [{"type": "tool_reference", "tool_name": long[0]}])
    change = system(removed(long[1]), added(definition=tool(long[2])))
    history = (user("x"), assistant(use("1", "f")), user(found), change)
    sent = prepared(asked(*history, tools=tools), target=target)
    assert [len(name) for name in names(sent)] == [1, 64, 64]
    shown = str(sent.call)
    for name in names(sent)[1:]:
        assert f"Tool {name} is now available." in shown
    assert "Tool mcp__bbbbb" in shown
    assert not any(name in shown for name in long)


def test_tools_of_the_request_and_of_its_conversation_can_be_called() -> None:
    tools = [
        tool("a"),
        tool("b", type="custom", defer_loading=True),
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20260209", "name": "web_search"},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ]
    body = asked(user("x"), system(added(definition=tool("d")), added("e")), tools=tools)
    assert callable_tools(body, tool_changes(body["messages"])) == {"a", "b", "bash", "d"}
    assert callable_tools(asked(), tool_changes([])) == frozenset()


@pytest.mark.parametrize("target", TARGETS)
def test_a_tool_that_is_not_there_is_not_announced(target: Shape) -> None:
    found = result("1", [{"type": "tool_reference", "tool_name": "nope"}])
    history = (user("x"), assistant(use("1", "a")), user(found, "y"), system(added("no"), "z"))
    sent = prepared(asked(*history, tools=[tool("a")]), target=target)
    assert "available" not in str(sent.call)
    assert sent.report.dropped == ["messages[2].content[0].content[0]", "messages[3].content[0]"]


def test_a_conversation_alone_can_have_tools() -> None:
    sent = prepared(
        asked(
            user("x"),
            system(added(definition=tool("d"))),
            tool_choice={"type": "tool", "name": "d"},
        )
    )
    assert names(sent) == ["d"]
    assert "tools" not in prepared(asked(user("x"), system("y", removed("d")))).call
