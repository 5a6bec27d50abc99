import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.parts.tools.choices import (
    ToolChoice,
    ToolName,
    read_chat_choice,
    responses_choice,
)

ALLOWED = "tool_choice.allowed_tools"
F, P = ToolName("function", "f"), ToolName("custom", "p")


@pytest.mark.parametrize(
    ("choice", "chat", "responses"),
    [
        (ToolChoice("none"), "none", "none"),
        (ToolChoice("auto"), "auto", "auto"),
        (ToolChoice("required"), "required", "required"),
        (
            ToolChoice("required", named=F),
            {"type": "function", "function": {"name": "f"}},
            {"type": "function", "name": "f"},
        ),
        (
            ToolChoice("required", named=P),
            {"type": "custom", "custom": {"name": "p"}},
            {"type": "custom", "name": "p"},
        ),
        (
            ToolChoice("auto", allowed=(F, P)),
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "p"}},
                    ],
                },
            },
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}],
            },
        ),
    ],
)
def test_choices_of_chat_become_those_of_responses(
    choice: ToolChoice, chat: str | Json, responses: str | Json
) -> None:
    assert read_chat_choice(chat) == choice
    assert responses_choice(choice) == responses


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"),
        (5, "tool_choice"),
        ({"type": "web_search"}, "tool_choice.type"),
        ({"type": "function", "name": "f"}, "tool_choice.function"),
        ({}, "tool_choice.type"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        ({"type": "allowed_tools", "allowed_tools": {"tools": []}}, f"{ALLOWED}.mode"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "none", "tools": []}},
            f"{ALLOWED}.mode",
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [5]}},
            f"{ALLOWED}.tools[0]",
        ),
    ],
)
def test_a_malformed_chat_choice_is_refused(choice: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_chat_choice(choice)
    assert caught.value.param == param
