from typing import Any

import pytest

from gateway.demo.generation.signing import signature
from tests.demo.messages_client import ADAPTIVE, BUDGETED, CLOCK, message, refused, say

USER: Any = {"role": "user", "content": "hi"}
ANSWER: Any = {"role": "assistant", "content": "hello"}
LATE: Any = {"role": "system", "content": "Now be brief."}
THINKING = {"type": "thinking", "thinking": "x", "signature": signature("x")}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def call(*ids: str) -> Any:
    blocks = [{"type": "tool_use", "id": each, "name": "clock", "input": {}} for each in ids]
    return {"role": "assistant", "content": blocks}


def results(*ids: str) -> Any:
    blocks = [{"type": "tool_result", "tool_use_id": each, "content": "noon"} for each in ids]
    return {"role": "user", "content": blocks}


def test_a_conversation_begins_with_the_user() -> None:
    assert refused("", messages=[]) == "messages: at least one message is required"
    assert refused([ANSWER, USER]) == 'messages: first message must use the "user" role'


def test_neighbours_of_one_role_are_one_turn() -> None:
    conversation = [USER, USER, call("a"), call("b"), results("a"), results("b")]
    assert message(conversation, tools=[CLOCK])["content"][0]["text"] == "The tool said: noon"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (
            [USER, call("a", "b"), results("a")],
            (
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately"
                " after: b."
            ),
        ),
        ([USER, call("a"), USER, results("a")], "messages.1: `tool_use` ids were found without"),
        (
            [USER, results("z")],
            "messages.0.content.1: unexpected `tool_use_id` found in `tool_result` blocks: z.",
        ),
        ([USER, call("a", "a"), results("a")], "messages.1.content: `tool_use` ids must be unique"),
        ([USER, call("a")], "messages.1: `tool_use` ids were found without"),
        ([USER, ANSWER, {"role": "user", "content": ""}], "messages.2: all messages must have"),
        ([USER, {"role": "assistant", "content": ""}, USER], "messages.1: all messages must have"),
    ],
)
def test_calls_and_results_belong_together(messages: list[Any], text: str) -> None:
    assert refused(messages, tools=[CLOCK]).startswith(text)


def test_a_prefill_is_taken_by_some_models() -> None:
    prefilled = [USER, {"role": "assistant", "content": "hel"}]
    assert say(prefilled).status == 200
    assert say([USER, {"role": "assistant", "content": []}]).status == 200
    assert refused([USER, {"role": "assistant", "content": "hel "}]) == (
        "messages: final assistant content cannot end with trailing whitespace"
    )
    assert "does not support assistant message prefill" in refused(prefilled, model=ADAPTIVE)
    paused = [USER, {"role": "assistant", "content": [{"type": "server_tool_use"}]}]
    assert say(paused, model=ADAPTIVE).status == 200
    thought = [USER, {"role": "assistant", "content": [THINKING]}]
    assert say(thought).status == 200


def test_late_system_messages_are_taken_by_some_models() -> None:
    assert 'Unexpected role "system"' in refused([USER, LATE])
    assert say([USER, LATE], model=ADAPTIVE).status == 200
    conversation = [USER, LATE, call("a"), results("a"), LATE]
    assert say(conversation, model=ADAPTIVE, tools=[CLOCK]).status == 200


@pytest.mark.parametrize(
    "messages",
    [
        [USER, LATE, USER],
        [USER, LATE, LATE],
        [USER, ANSWER, LATE],
        [USER, {"role": "assistant", "content": ""}, LATE],
    ],
)
def test_late_system_messages_have_a_place(messages: list[Any]) -> None:
    assert "a system message must follow a user message" in refused(messages, model=ADAPTIVE)


def test_calls_need_the_thinking_before_them_while_it_is_enabled() -> None:
    more: Any = {"model": BUDGETED, "tools": [CLOCK], "thinking": ENABLED}
    bare = [USER, call("a"), results("a")]
    assert refused(bare, **more).startswith(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
        " `tool_use`."
    )
    thought = [USER, {**call("a"), "content": [THINKING, *call("a")["content"]]}, results("a")]
    assert say(thought, **more).status == 200
    assert say([USER, ANSWER, USER], **more).status == 200
    assert say([USER], **more).status == 200
    empty = [USER, {"role": "assistant", "content": []}]
    assert say(empty, **more).status == 200
