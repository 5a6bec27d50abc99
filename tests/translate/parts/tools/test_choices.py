import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.parts.tools.choices import (
    ToolChoice,
    ToolName,
    chat_choice,
    read_chat_choice,
    read_responses_choice,
    responses_choice,
)

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
def test_choices_go_both_ways(choice: ToolChoice, chat: str | Json, responses: str | Json) -> None:
    assert read_chat_choice(chat) == choice
    assert read_responses_choice(responses) == choice
    assert chat_choice(choice) == chat
    assert responses_choice(choice) == responses


def test_hosted_tools_are_named_by_their_type_in_responses() -> None:
    choice = read_responses_choice({"type": "web_search"})
    assert choice.named == ToolName("web_search", "")
    assert responses_choice(choice) == {"type": "web_search"}


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"),
        (5, "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.name"),
        ({"type": "allowed_tools", "tools": []}, "tool_choice.mode"),
        ({"type": "allowed_tools", "mode": "auto", "tools": [5]}, "tool_choice.tools[0]"),
        ({"type": "allowed_tools", "mode": "none", "tools": []}, "tool_choice.mode"),
    ],
)
def test_a_malformed_choice_is_refused(choice: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_responses_choice(choice)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"),
        (5, "tool_choice"),
        ({"type": "web_search"}, "tool_choice.type"),
        ({"type": "function", "name": "f"}, "tool_choice.function"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
    ],
)
def test_a_malformed_chat_choice_is_refused(choice: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_chat_choice(choice)
    assert caught.value.param == param


NAMES = st.builds(ToolName, st.sampled_from(["function", "custom"]), st.text(min_size=1))
CHOICES = st.one_of(
    st.sampled_from([ToolChoice("none"), ToolChoice("auto"), ToolChoice("required")]),
    NAMES.map(lambda name: ToolChoice("required", named=name)),
    st.builds(
        lambda mode, names: ToolChoice(mode, allowed=tuple(names)),
        st.sampled_from(["auto", "required"]),
        st.lists(NAMES, max_size=3),
    ),
)


@given(choice=CHOICES)
def test_what_is_written_is_read_back(choice: ToolChoice) -> None:
    assert read_chat_choice(chat_choice(choice)) == choice
    assert read_responses_choice(responses_choice(choice)) == choice
