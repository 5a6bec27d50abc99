"""What realtime sessions take."""

from typing import Any

import pytest

from gateway.demo.refusals import Refused
from gateway.demo.sockets.realtime_rules import check_event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": "inf"}},
        {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": 4096}},
        {"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"},
        {"type": "response.create", "response": None},
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
        },
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_audio", "transcript": "x"}],
            },
        },
    ],
)
def test_right_events_pass(event: dict[str, Any]) -> None:
    assert check_event(event) == event["type"]


@pytest.mark.parametrize(
    ("event", "param"),
    [
        (
            {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": 5000}},
            "session.max_output_tokens",
        ),
        ({"type": "session.update", "session": {"type": "transcription"}}, "session.type"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "tool"}},
            "item.role",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "text", "text": "x"}],
                },
            },
            "item.content[0].type",
        ),
        ({"type": "input_audio_buffer.append", "audio": 1}, "audio"),
        ({"type": "input_audio_buffer.append"}, "audio"),
        ({"type": 1}, "type"),
    ],
)
def test_wrong_ones_are_refused_by_name(event: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refused:
        check_event(event)
    assert refused.value.param == param
