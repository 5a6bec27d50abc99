from typing import Any

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
    status, message, param, _ = say(assistant, user, answer).error()
    assert (status, param) == (400, "messages[2].role")
    assert message.startswith("Invalid parameter: messages with role 'tool' must be a response")
