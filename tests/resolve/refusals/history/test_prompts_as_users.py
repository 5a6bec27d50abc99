"""System prompts become the user's, in whatever field they stand."""

from typing import Any

import pytest

from gateway.resolve.refusals.history.prompts_as_users import (
    without_any_system,
    without_instructions,
)
from gateway.shapes import Json

TOLD = "<system>\nBe brief.\n</system>"
RESULT: Json = {"type": "tool_result", "tool_use_id": "a", "content": "r"}


def text(words: str, kind: str = "text") -> Json:
    return {"type": kind, "text": words}


def users(content: Any) -> Json:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"system": "Be brief.", "messages": [users("Hi")]}, [users(f"{TOLD}\n\nHi")]),
        (
            {"system": [text("Be brief.")], "messages": [users("Hi")]},
            [users([text(TOLD), text("Hi")])],
        ),
        (
            {
                "system": "Be brief.",
                "messages": [{"role": "system", "content": "Be brief."}, users([RESULT])],
            },
            [users([text(TOLD), RESULT, text(TOLD)])],
        ),
        ({"system": "", "messages": [users("Hi")]}, [users("Hi")]),
        ({"system": "Be brief.", "messages": []}, [users(TOLD)]),
        (
            {"messages": [{"role": "developer", "content": "Be brief."}, users("Hi")]},
            [users(f"{TOLD}\n\nHi")],
        ),
        ({"messages": "odd"}, "odd"),
    ],
)
def test_those_of_messages_and_chat(body: Json, messages: Any) -> None:
    before = str(body)
    fixed = dict(body)
    without_any_system(fixed)
    assert fixed == {"messages": messages}
    assert str(body) == before


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (
            {"instructions": "Be brief.", "input": "Hi"},
            [users([text(TOLD, "input_text"), text("Hi", "input_text")])],
        ),
        (
            {"instructions": "Be brief.", "input": [users([text("Hi", "input_text")])]},
            [users([text(TOLD, "input_text"), text("Hi", "input_text")])],
        ),
        (
            {
                "input": [
                    users("Hi"),
                    {"type": "reasoning"},
                    {"role": "developer", "content": "Be brief."},
                ]
            },
            [
                users([text("Hi", "input_text")]),
                {"type": "reasoning"},
                users([text(TOLD, "input_text")]),
            ],
        ),
        ({"instructions": None, "input": "Hi"}, "Hi"),
        ({"instructions": "", "input": [users("Hi"), 3]}, [users("Hi"), 3]),
        ({"instructions": "Be brief.", "input": 3}, 3),
    ],
)
def test_those_of_responses(body: Json, items: Any) -> None:
    fixed = dict(body)
    without_instructions(fixed)
    assert fixed == {"input": items}
