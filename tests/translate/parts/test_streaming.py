"""Streams that a chat client asks for, and their options."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.streaming import streaming
from tests.translate.completions_via_chat.chat_backend import make_context

BOTH: Json = {"include_usage": True, "include_obfuscation": True}


def draft(**client: Any) -> Draft:
    report = Report(Shape.CHAT, Shape.RESPONSES)
    return Draft(client, make_context(Capabilities()), report)


@pytest.mark.parametrize(
    ("usage", "obfuscation", "sent", "dropped"),
    [
        (None, False, None, ["include_obfuscation"]),
        (None, True, {"include_obfuscation": True}, []),
        (True, True, BOTH, []),
        (True, False, {"include_usage": True}, ["include_obfuscation"]),
        (False, True, {"include_obfuscation": True}, ["include_usage"]),
        (False, False, None, ["include_usage", "include_obfuscation"]),
    ],
)
def test_options_are_sent_or_reported(
    usage: bool | None, obfuscation: bool, sent: Json | None, dropped: list[str]
) -> None:
    made = draft(stream=True, stream_options=BOTH)
    assert streaming(made, usage=usage, obfuscation=obfuscation)
    assert made.upstream.get("stream") is True
    assert made.upstream.get("stream_options") == sent
    assert made.report.dropped == [f"stream_options.{name}" for name in dropped]


@pytest.mark.parametrize("options", [{}, {"include_usage": False}, {"include_obfuscation": False}])
def test_what_says_nothing_is_not_reported(options: Json) -> None:
    for usage in (None, True, False):
        made = draft(stream=True, stream_options=options)
        assert not streaming(made, usage=usage)
        assert made.report.dropped == []
        assert ("stream_options" in made.upstream) is (usage is True)


def test_without_a_stream_there_are_no_options() -> None:
    made = draft(stream_options=BOTH)
    assert not streaming(made, usage=True, obfuscation=True)
    assert (made.upstream, made.report.dropped) == ({}, ["stream_options"])
    made = draft()
    assert not streaming(made)
    assert made.report.dropped == []
