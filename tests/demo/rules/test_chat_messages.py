from typing import Any

import pytest

from tests.demo.client import Reply
from tests.demo.endpoints.test_chat import chat
from tests.demo.rules.test_chat import CALL


def say(*messages: dict[str, Any]) -> Reply:
    return chat(messages=list(messages))


def test_every_role_is_taken_in_its_place() -> None:
    reply = say(
        {"role": "developer", "content": "d"},
        {"role": "system", "content": [{"type": "text", "text": "s"}]},
        {"role": "user", "content": "u", "name": "me"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "t"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "function", "name": "clock", "content": "f"},
        {"role": "user", "content": "bye"},
    )
    assert reply.status == 200


def test_a_reply_is_taken_back_as_it_was() -> None:
    user = {"role": "user", "content": "u"}
    message = say(user).json()["choices"][0]["message"]
    assert message["annotations"] == []
    assert say(user, message, user).status == 200


def test_a_tools_turn_must_follow_its_call() -> None:
    answer = {"role": "tool", "tool_call_id": "call_1", "content": "t"}
    assistant = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    user = {"role": "user", "content": "u"}
    assert say(assistant, answer, answer).status == 200
    status, message, param, _ = say(assistant, answer, user, answer).error()
    assert (status, param) == (400, "messages.[3].role")
    assert message.startswith("Invalid parameter: messages with role 'tool' must be a response")


@pytest.mark.parametrize("after", [[], [{"role": "user", "content": "u"}]])
def test_every_call_must_be_answered_at_once(after: list[dict[str, Any]]) -> None:
    user = {"role": "user", "content": "u"}
    calls = [CALL, {**CALL, "id": "call_2"}, {**CALL, "id": "call_3"}]
    assistant = {"role": "assistant", "content": None, "tool_calls": calls}
    answer = {"role": "tool", "tool_call_id": "call_2", "content": "t"}
    late = [{**answer, "tool_call_id": each} for each in ("call_1", "call_3")]
    assert say(user, assistant, answer, *late, *after).status == 200
    status, message, param, _ = say(user, assistant, answer, *after).error()
    assert (status, param) == (400, "messages.[1].role")
    assert message.endswith("did not have response messages: call_1, call_3")
    if after:
        assert say(user, assistant, answer, *after, *late).error()[2] == "messages.[1].role"


@pytest.mark.parametrize("said", [{}, {"content": None}, {"content": None, "refusal": None}])
def test_an_assistant_must_have_said_something(said: dict[str, Any]) -> None:
    user = {"role": "user", "content": "u"}
    message = "Invalid value for 'content': expected a string, got null."
    refused = say(user, {"role": "assistant", **said}, user)
    assert refused.error() == (400, message, "messages.[1].content", None)
    assert say(user, {"role": "assistant", **said, "content": ""}, user).status == 200
    assert say(user, {"role": "assistant", **said, "refusal": "no"}, user).status == 200
