"""The check of messages requests."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.messages import MESSAGES_HINTS, MESSAGES_PARAMETERS, check_messages
from tests.translate.messages_requests import (
    CLAUDE_CODE,
    TOOL_TURN,
    asked,
    assistant,
    image,
    user,
)

PICTURE = image()
EVERYTHING: Json = {
    "container": {"id": "c"},
    "fallbacks": [{"model": "other"}],
    "max_tokens": 2000,
    "mcp_servers": [],
    "messages": [{"role": "user", "content": "a"}],
    "model": "m",
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    "output_format": {"type": "json_schema", "schema": {}},
    "stop_sequences": ["a", " "],
    "stream": False,
    "system": "s",
    "temperature": 1,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "thread": "t",
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "top_k": 4,
    "top_p": 0.5,
    **dict.fromkeys(MESSAGES_HINTS, "of any form"),
}


def test_all_parameters_are_known() -> None:
    assert EVERYTHING.keys() == MESSAGES_PARAMETERS.keys()
    assert check_messages(EVERYTHING) == EVERYTHING


@pytest.mark.parametrize(
    "messages", [CLAUDE_CODE["messages"], [*CLAUDE_CODE["messages"], *TOOL_TURN]]
)
def test_what_claude_code_sends_is_valid(messages: list[Json]) -> None:
    body = {**CLAUDE_CODE, "messages": messages}
    assert check_messages(body) == body


@pytest.mark.parametrize("name", MESSAGES_HINTS)
@pytest.mark.parametrize("value", ["x", 1, [], {}, True])
def test_a_hint_of_any_form_fails_nothing(name: str, value: Any) -> None:
    assert check_messages(asked(**{name: value}))[name] == value


@pytest.mark.parametrize(("budget", "limit"), [(5000, 100), (1024, 1024), (1025, 1024)])
def test_a_budget_without_room_for_text_is_refused(budget: int, limit: int) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    with pytest.raises(InvalidRequest) as caught:
        check_messages(asked(thinking=thinking, max_tokens=limit))
    assert caught.value.param == "thinking.budget_tokens"
    assert caught.value.status == 400
    tools = [{"name": "ls", "input_schema": {"type": "object"}}]
    for others in ({"max_tokens": budget + 1}, {"max_tokens": 0}, {"tools": tools}):
        assert check_messages(asked(thinking=thinking, **others))["thinking"] == thinking
    counted = {**asked(thinking=thinking), "max_tokens": None}
    assert check_messages(counted, counts=True)["thinking"] == thinking


def test_null_is_absent() -> None:
    body = asked(system=None, thinking=None, tools=None, zzz=None)
    assert check_messages(body) == asked()


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"max_tokens": None}, "max_tokens", "missing_required_parameter"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": "x"}, "messages", "invalid_type"),
        ({"messages": [1]}, "messages[0]", "invalid_type"),
        ({"messages": [user("")]}, "messages[0].content", "invalid_value"),
        ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"temperature": 1.5}, "temperature", "decimal_above_max_value"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"top_k": -1}, "top_k", "integer_below_min_value"),
        ({"stop_sequences": "a"}, "stop_sequences", "invalid_type"),
        ({"stop_sequences": ["a", ""]}, "stop_sequences[1]", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"thinking": {}}, "thinking.type", "missing_required_parameter"),
        (
            {"thinking": {"type": "enabled"}},
            "thinking.budget_tokens",
            "missing_required_parameter",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1000}},
            "thinking.budget_tokens",
            "integer_below_min_value",
        ),
        ({"output_config": {"effort": 3}}, "output_config.effort", "invalid_type"),
        (
            {"output_config": {"format": {"type": "text", "schema": {}}}},
            "output_config.format.type",
            "invalid_value",
        ),
        (
            {"output_format": {"type": "json_schema"}},
            "output_format.schema",
            "missing_required_parameter",
        ),
        ({"system": 5}, "system", "invalid_type"),
        ({"system": [{"type": "image"}]}, "system[0].type", "invalid_value"),
        ({"tool_choice": "auto"}, "tool_choice", "invalid_type"),
        ({"tools": [{}]}, "tools[0].name", "missing_required_parameter"),
    ],
)
def test_a_fault_is_named_by_its_path(wrong: Json, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_messages({**asked(), **wrong})
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_system_message_that_sets_an_effort_may_be_empty() -> None:
    effort = {"role": "system", "content": [], "output_config": {"effort": "low"}}
    body = asked(user("a"), effort, user("b"))
    assert check_messages(body) == body


def test_a_message_of_the_assistant_may_be_empty() -> None:
    nothing = {"role": "assistant", "content": []}
    blank = {"role": "assistant", "content": [{"type": "text", "text": ""}]}
    for messages in ([assistant("")], [nothing, user("b")], [assistant(""), blank, user("b")]):
        body = asked(user("a"), *messages)
        assert check_messages(body) == body


@pytest.mark.parametrize("content", ["", []])
def test_a_message_of_the_user_may_not_be_empty(content: Any) -> None:
    with pytest.raises(InvalidRequest, match="user messages must have non-empty") as caught:
        check_messages(asked(user("a"), assistant("b"), {"role": "user", "content": content}))
    assert caught.value.param == "messages[2].content"


@pytest.mark.parametrize("role", ["user", "system", "ctx"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_message_of_the_user_says_more_than_an_empty_text(role: str, count: int) -> None:
    blank = [{"type": "text", "text": ""}]
    with pytest.raises(InvalidRequest, match="text content blocks must be non-empty") as caught:
        check_messages(asked(user("a"), assistant("b"), {"role": role, "content": blank * count}))
    assert caught.value.param == "messages[2].content[0].text"
    for picture in (PICTURE, {**PICTURE, "text": ""}):
        body = asked(user("a"), assistant("b"), {"role": "user", "content": [*blank, picture]})
        assert check_messages(body) == body


@pytest.mark.parametrize("thinking", ["adaptive", "disabled", "between_tools", "of tomorrow"])
def test_types_of_thinking_are_an_open_set(thinking: str) -> None:
    body = asked(thinking={"type": thinking, "display": "of tomorrow"})
    assert check_messages(body) == body


def test_what_is_counted_has_no_limit_and_may_end_with_a_call() -> None:
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    body = {"model": "m", "messages": [user("a"), assistant(use)]}
    assert check_messages(body, counts=True) == body
    with pytest.raises(InvalidRequest, match="'max_tokens'"):
        check_messages(body)
