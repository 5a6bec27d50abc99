"""The tools of a chat request, which no prompt can hold."""

from tests.translate.chat_via_completions.cases import (
    assert_hint,
    assert_ignored,
    assert_refused,
    assert_refused_or_dropped,
    context,
)

TOOL = {"type": "function", "function": {"name": "f"}}


def test_tools_are_refused() -> None:
    assert_refused_or_dropped({"tools": [TOOL]}, "tools")
    assert_refused_or_dropped({"tools": [TOOL], "tool_choice": "auto"}, "tools")
    assert_ignored({"tools": []})


def test_hosted_tools_that_are_merely_offered_are_dropped() -> None:
    hosted = {"type": "web_search"}
    assert_hint({"tools": [hosted]}, "tools[0]")
    assert_refused({"tools": [hosted]}, "tools", context(hosted_tools="refuse"))
    assert_refused({"tools": [hosted], "tool_choice": "required"}, "tool_choice")
    assert_refused({"tools": [hosted, TOOL]}, "tools")


def test_tool_choice_none_lets_tools_be_dropped() -> None:
    assert_hint({"tools": [TOOL], "tool_choice": "none"}, "tools")


def test_tool_choice_without_tools_is_dropped_or_refused() -> None:
    assert_ignored({"tool_choice": "none"})
    assert_ignored({"tool_choice": "auto"})
    assert_refused_or_dropped({"tool_choice": "required"}, "tool_choice")
    assert_refused_or_dropped({"tool_choice": TOOL}, "tool_choice")


def test_functions_are_refused() -> None:
    assert_refused_or_dropped({"functions": [{"name": "f"}]}, "functions")
    assert_ignored({"functions": []})


def test_function_call_none_lets_functions_be_dropped() -> None:
    assert_hint({"functions": [{"name": "f"}], "function_call": "none"}, "functions")


def test_function_call_without_functions_is_dropped_or_refused() -> None:
    assert_ignored({"function_call": "none"})
    assert_ignored({"function_call": "auto"})
    assert_refused_or_dropped({"function_call": {"name": "f"}}, "function_call")


def test_parallel_tool_calls_are_dropped() -> None:
    assert_ignored({"parallel_tool_calls": True})
    assert_hint({"parallel_tool_calls": False}, "parallel_tool_calls")
