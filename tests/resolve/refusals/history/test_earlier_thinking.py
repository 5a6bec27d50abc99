"""Which errors refuse earlier thinking, and what is sent instead."""

import pytest

from gateway.resolve.refusals.history.earlier_thinking import (
    ask_to_leave_out,
    is_asked_to,
    is_bound,
    leave_out,
    refuses_reasoning,
    refuses_thinking,
    without_reasoning,
)
from gateway.shapes import Json

THOUGHT: Json = {"type": "thinking", "thinking": "", "signature": "x"}
REDACTED: Json = {"type": "redacted_thinking", "data": "x"}
TEXT: Json = {"type": "text", "text": "So"}
USER: Json = {"role": "user", "content": "w?"}
BOUND = (
    "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a "
    "different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
)


@pytest.mark.parametrize(
    ("message", "refuses", "bound"),
    [
        ("messages.1.content.0: Invalid `signature` in `thinking` block", True, False),
        ("messages.7.content.2: Invalid signature in thinking block", True, False),
        ("messages.1.content.0: Invalid `data` in `redacted_thinking` block", True, False),
        (BOUND, True, True),
        ("messages.1.content.0: Invalid `source` in `image` block", False, False),
        ("The user said: Invalid `signature` in `thinking` block", False, False),
    ],
)
def test_the_error_is_known(message: str, refuses: bool, bound: bool) -> None:
    assert (refuses_thinking(message), is_bound(message)) == (refuses, bound)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, {"type": "adaptive"}),
        ({"thinking": None}, {"type": "adaptive"}),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            {"type": "adaptive", "display": "summarized"},
        ),
    ],
)
def test_the_api_is_asked_to_leave_it_out(given: Json, asked: Json) -> None:
    messages = [USER, {"role": "assistant", "content": [THOUGHT, TEXT]}]
    body: Json = {"messages": messages, **given}
    ask_to_leave_out(body)
    binding = {"prefix_mismatch_behavior": "drop_block"}
    assert body == {"messages": messages, "thinking": {**asked, "block_binding": binding}}
    assert is_asked_to(body)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "f"}])
def test_it_is_left_out_where_a_call_is_forced(choice: Json) -> None:
    messages = [USER, {"role": "assistant", "content": [THOUGHT, TEXT]}]
    body: Json = {"messages": messages, "tool_choice": choice}
    ask_to_leave_out(body)
    left = [USER, {"role": "assistant", "content": [TEXT]}]
    assert body == {"messages": left, "tool_choice": choice}
    assert not is_asked_to(body)
    free: Json = {"messages": messages, "tool_choice": {"type": "auto"}}
    ask_to_leave_out(free)
    assert is_asked_to(free)


@pytest.mark.parametrize("kind", [{"a": 1}, ["any"], None])
def test_types_that_are_no_texts_are_none_of_these(kind: object) -> None:
    messages: list[Json] = [{"role": "assistant", "content": [{"type": kind}]}]
    body: Json = {"messages": [*messages, {"role": "assistant", "content": [THOUGHT]}]}
    given = {**body, "tool_choice": {"type": kind}}
    ask_to_leave_out(given)
    assert is_asked_to(given)
    leave_out(given)
    assert given["messages"] == messages


def test_it_is_left_out() -> None:
    messages = [
        USER,
        {"role": "assistant", "content": [THOUGHT, TEXT, REDACTED]},
        {"role": "assistant", "content": [REDACTED]},
        "odd",
    ]
    body: Json = {"messages": messages, "thinking": {"type": "disabled"}}
    ask_to_leave_out(body)
    left = [USER, {"role": "assistant", "content": [TEXT]}, "odd"]
    assert body == {"messages": left, "thinking": {"type": "disabled"}}
    assert len(messages) == 4


@pytest.mark.parametrize("messages", [[USER], None, [{"role": "assistant", "content": [TEXT]}]])
def test_bodies_without_it_stay_as_they_are(messages: object) -> None:
    body: Json = {"messages": messages}
    ask_to_leave_out(body)
    assert body == {"messages": messages}
    assert not is_asked_to(body)


def test_a_body_without_messages_has_nothing_to_leave_out() -> None:
    body: Json = {"messages": [USER]}
    leave_out(body)
    assert body == {"messages": [USER]}


@pytest.mark.parametrize(
    ("message", "code", "refuses"),
    [
        ("The encrypted content gAAA...wXBV could not be verified.", None, True),
        ("Encrypted content is not supported.", None, True),
        ("Encrypted content is not supported with this model.", None, False),
        ("The encrypted content for item rs_0af9 could not be verified.", None, True),
        ("Something else", "invalid_encrypted_content", True),
        ("The encrypted content was verified", None, False),
    ],
)
def test_the_error_about_encrypted_reasoning_is_known(
    message: str, code: str | None, refuses: bool
) -> None:
    assert refuses_reasoning(message, code) is refuses


def test_reasoning_items_are_left_out_and_the_ids_of_what_came_with_them() -> None:
    call: Json = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    said: Json = {"type": "message", "role": "assistant", "content": "So"}
    search: Json = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    body: Json = {
        "input": [
            USER,
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"id": "fc_1", **call},
            search,
            {"id": "msg_1", **said},
        ]
    }
    without_reasoning(body)
    assert body == {"input": [USER, call, search, said]}


def test_an_input_of_text_has_no_reasoning_items() -> None:
    body: Json = {"input": "w?"}
    without_reasoning(body)
    assert body == {"input": "w?"}
