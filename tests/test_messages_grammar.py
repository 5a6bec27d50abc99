"""The automaton takes what Anthropic's grammar allows, and nothing else."""

from typing import Any

import pytest

from tests.messages_grammar import Event, check_begun, read_broken, read_message

USAGE = {"input_tokens": 3, "output_tokens": 0}
START: Event = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    },
}
STOP: Event = {"type": "message_stop"}
PING: Event = {"type": "ping"}


def begin(index: int, **block: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: str) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def last(reason: str = "end_turn", sequence: str | None = None) -> Event:
    stopped = {"stop_reason": reason, "stop_sequence": sequence}
    return {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": 7}}


THINKING = [
    begin(0, type="thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="Hm."),
    delta(0, "signature_delta", signature="gw1."),
    end(0),
]
TEXT = [
    begin(1, type="text", text=""),
    delta(1, "text_delta", text="A"),
    PING,
    delta(1, "text_delta", text="B"),
    end(1),
]
TOOL = [
    begin(2, type="tool_use", id="call_1", name="ls", input={}),
    delta(2, "input_json_delta", partial_json='{"dir":'),
    delta(2, "input_json_delta", partial_json='"/"}'),
    end(2),
]
HIDDEN = [begin(3, type="redacted_thinking", data="gw1.x"), end(3)]
WHOLE = [START, PING, *THINKING, *TEXT, *TOOL, *HIDDEN, last("tool_use"), STOP]


def test_a_whole_stream_makes_a_message() -> None:
    message = read_message(WHOLE)
    assert message["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "gw1."},
        {"type": "text", "text": "AB"},
        {"type": "tool_use", "id": "call_1", "name": "ls", "input": {"dir": "/"}},
        {"type": "redacted_thinking", "data": "gw1.x"},
    ]
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == {"input_tokens": 3, "output_tokens": 7}


def test_a_message_may_be_empty_and_a_call_without_arguments() -> None:
    assert read_message([START, last(), STOP])["content"] == []
    call = [begin(0, type="tool_use", id="a", name="ls", input={}), end(0)]
    assert read_message([START, *call, last("tool_use"), STOP])["content"][0]["input"] == {}


def test_arguments_may_be_cut_off_at_a_limit_only() -> None:
    call = [
        begin(0, type="tool_use", id="a", name="ls", input={}),
        delta(0, "input_json_delta", partial_json='{"a'),
        end(0),
    ]
    cut = read_message([START, *call, last("max_tokens"), STOP])
    assert cut["content"][0]["input"] == '{"a'
    with pytest.raises(AssertionError, match="not JSON"):
        read_message([START, *call, last("tool_use"), STOP])


ERROR: Event = {"type": "error", "error": {"type": "api_error", "message": "broken"}}


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_an_error_may_come_at_any_time_and_ends_the_stream(length: int) -> None:
    begun = WHOLE[:length]
    check_begun(begun)
    assert read_broken([*begun, ERROR])["type"] == "api_error"
    with pytest.raises(AssertionError, match="message_stop"):
        read_message(begun)
    with pytest.raises(AssertionError, match="after the end"):
        check_begun([*begun, ERROR, STOP])
    with pytest.raises(AssertionError, match="no error event"):
        read_broken(begun)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([PING, START], "before message_start"),
        ([ERROR], "before message_start"),
        ([START, START], "second"),
        ([START, STOP], "no message_delta"),
        ([START, *TEXT], "wrong index"),
        ([START, end(0)], "without a block"),
        ([START, THINKING[0], last()], "open block"),
        ([START, THINKING[0], THINKING[0]], "overlap"),
        ([START, THINKING[0], end(0)], "without a signature"),
        ([START, begin(0, type="text", text=""), end(0)], "empty text"),
        ([START, begin(0, type="text", text="x")], "something in it"),
        ([START, THINKING[0], delta(0, "text_delta", text="x")], "another type"),
        ([START, *THINKING[:3], THINKING[1]], "behind the signature"),
        ([START, delta(0, "text_delta", text="x")], "without a block"),
        ([START, THINKING[0], delta(1, "thinking_delta", thinking="x")], "wrong index"),
        ([START, last("stop_sequence")], "stop_sequence"),
        ([START, last("end_turn", "x")], "stop_sequence"),
        ([START, last("why")], "unknown stop_reason"),
        ([START, last(), *THINKING], "behind the message_delta"),
        ([START, {"type": "done"}], "unknown type"),
        ([START, {**STOP, "x": 1}], "fields"),
        ([{**START, "message": {}}], "missing"),
    ],
)
def test_everything_else_is_refused(events: list[Event], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check_begun(events)
