"""System messages within a conversation, where a server takes none."""

from typing import Any

import pytest

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.history.system_turns import (
    FIRST,
    USERS,
    refuses_system_turn,
    without_system_turns,
)
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape
from gateway.texts import in_system_tags

RETELL = ParameterFix("retell", "role", USERS)
REFUSALS = [
    "messages.1.role: unknown variant `system`",
    "Failed to deserialize the JSON body: messages[7].role: unknown variant `system`",
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.',
    "messages.3.role: Input should be 'user' or 'assistant'",
    "messages.2: role 'system' is not supported on this model",
    "System message must be at the beginning.",
    "invalid params, chat content has invalid message role: system (2013)",
    "Only user, assistant and tool roles are supported, got system.",
    "Unable to apply the template.\nJinja Exception: System message must be at the beginning.",
]
OTHERS = [
    "messages.1.role: unknown variant `developer`",
    "messages.1.content: Input should be a valid string",
    "system: Input should be a valid list",
    "The user wrote that system messages must be at the beginning",
    "",
]


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def turn(role: str, *blocks: Json) -> Json:
    return {"role": role, "content": list(blocks)}


@pytest.mark.parametrize("message", REFUSALS)
def test_each_servers_words_are_known(message: str) -> None:
    assert refuses_system_turn(message)
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    refusal = classify(Shape.MESSAGES, 400, error, model="m", sent=("messages", "model"))
    assert (refusal.verdict, refusal.fixes) == (Verdict.UNSUPPORTED_PARAMETER, (RETELL,))
    marks = ("this model", "must be", "roles are supported")
    assert refusal.model_is_here is any(mark in message for mark in marks)
    chat = classify(Shape.CHAT, 400, error, model="m", sent=("messages", "model"))
    assert RETELL not in chat.fixes


@pytest.mark.parametrize("message", OTHERS)
def test_other_words_are_not(message: str) -> None:
    assert not refuses_system_turn(ErrorDetails(message).message)


def test_system_messages_join_the_users_beside_them() -> None:
    reminder = text("Be brief.", cache_control={"type": "ephemeral"})
    result = {"type": "tool_result", "tool_use_id": "t"}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    body = {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Now."},
            turn("assistant", call),
            turn("system", reminder, {"type": "odd"}),
            turn("user", result),
            turn("user", text("a")),
            turn("user", text("b")),
        ]
    }
    said = {**reminder, "text": in_system_tags("Be brief.")}
    assert apply_fixes(body, (RETELL,))["messages"] == [
        turn("user", text("Hi"), text(in_system_tags("Now."))),
        turn("assistant", call),
        turn("user", result, said, {"type": "odd"}),
        turn("user", text("a")),
        turn("user", text("b")),
    ]
    assert body["messages"][1] == {"role": "system", "content": "Now."}


@pytest.mark.parametrize("system", [None, "One.", [text("One.")]])
def test_or_the_system_prompt(system: object) -> None:
    turns = [turn("user", text("Hi")), turn("system", text("Two.")), turn("user", text("Go"))]
    body = {"messages": turns, "system": system}
    without_system_turns(body, FIRST)
    assert body["system"] == [*([text("One.")] if system else []), text("Two.")]
    assert body["messages"] == [turns[0], turns[2]]


@pytest.mark.parametrize("messages", [None, "x", [], [7], [{"role": "user", "content": 7}]])
@pytest.mark.parametrize("becomes", [USERS, FIRST])
def test_what_has_none_stays(messages: object, becomes: str) -> None:
    body = {"messages": messages}
    without_system_turns(body, becomes)
    assert body == {"messages": messages}


@pytest.mark.parametrize("content", [None, 7, "", []])
def test_odd_content_is_left_out(content: object) -> None:
    body = {"messages": [{"role": "system", "content": content}]}
    without_system_turns(body, USERS)
    assert body == {"messages": [turn("user")]}
