"""Thinking in a messages request."""

from typing import Any

import pytest

from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.thinking import (
    Thought,
    report_signature,
    shown_as,
    thought_in,
    wants_thinking,
)
from gateway.translate.parts.messages.signatures import pack
from tests.translate.messages_prepared import context


@pytest.mark.parametrize(
    ("client", "shown", "wanted"),
    [
        ({}, "summarized", False),
        ({"thinking": {"type": "adaptive"}}, "summarized", True),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "summarized", True),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, "summarized", True),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, "omitted", False),
        ({"thinking": {"type": "disabled", "display": "omitted"}}, "none", False),
    ],
)
def test_thinking_is_shown_as_the_client_wants_it(
    client: dict[str, Any], shown: str, wanted: bool
) -> None:
    assert shown_as(client) == shown
    assert wants_thinking(client) is wanted


def test_what_the_gateway_has_packed_comes_back() -> None:
    of, content = context(), {"item": {"id": "rs_1"}}
    signed = {"type": "thinking", "thinking": "Hm.", "signature": pack(content, "Hm.", of)}
    assert thought_in(signed, of) == Thought(content, "Hm.")
    redacted = {"type": "redacted_thinking", "data": pack(content, "", of)}
    assert thought_in(redacted, of) == Thought(content, "")


def test_what_others_have_signed_is_only_its_text() -> None:
    assert thought_in({"thinking": "Hm.", "signature": "EqoB", "type": "thinking"}, context()) == (
        Thought(None, "Hm.")
    )
    assert thought_in({"thinking": "Hm.", "type": "thinking"}, context()) == Thought(None, "Hm.")
    assert thought_in({"data": "EqoB", "type": "redacted_thinking"}, context()) == Thought(None, "")


def test_only_a_signature_of_a_gateway_with_something_in_it_is_reported() -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    for block in ({}, {"signature": "gw1."}, {"signature": "EqoB"}):
        report_signature(block, "a", report)
    report_signature({"signature": "gw1.x"}, "b", report)
    assert report.dropped == ["b.signature"]
