"""Signatures of gateways never reach a server that checks them."""

from typing import Any

import pytest

from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.parts.messages.unsigned import without_gateways_thinking

OURS = {"type": "thinking", "thinking": "Hm.", "signature": "gw1.abc"}
HIDDEN = {"type": "redacted_thinking", "data": "gw1.abc"}
THEIRS = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}
TEXT = {"type": "text", "text": "Hello"}


def left_of(*messages: Any) -> tuple[Any, list[str]]:
    report = Report(Shape.MESSAGES, Shape.MESSAGES)
    body = {"model": "m", "messages": list(messages)}
    return without_gateways_thinking(body, report)["messages"], report.dropped


def test_blocks_of_gateways_are_left_out_and_reported() -> None:
    asked = {"role": "user", "content": "Hi"}
    said = {"role": "assistant", "content": [OURS, HIDDEN, THEIRS, TEXT]}
    left, dropped = left_of(asked, said)
    assert left == [asked, {"role": "assistant", "content": [THEIRS, TEXT]}]
    assert dropped == ["messages[1].content[0]", "messages[1].content[1]"]


def test_a_message_of_which_nothing_is_left_is_left_out() -> None:
    assert left_of({"role": "assistant", "content": [OURS]})[0] == []


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": []},
        {"role": "assistant", "content": [THEIRS, {"type": ["odd"]}, "text", {"type": "thinking"}]},
        {"role": "user", "content": "gw1."},
        "not a message",
    ],
)
def test_anything_else_stays_as_it_is(message: Any) -> None:
    left, dropped = left_of(message)
    assert left == [message]
    assert left[0] is message
    assert not dropped


def test_a_body_without_messages_stays() -> None:
    body = {"model": "m", "messages": "none"}
    assert without_gateways_thinking(body, Report(Shape.MESSAGES, Shape.MESSAGES)) is body
