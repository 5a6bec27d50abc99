"""Common messages streams as chat streams."""

import pytest

from gateway.fast.streams.messages_as_chat import MessagesAsChat
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, MESSAGES, OPTIONS, messages
from tests.fast.streams.test_fast_stream import assert_same
from tests.fast.streams.test_responses_as_chat import Change, each

THINKING: Json = {"type": "thinking", "thinking": "", "signature": ""}
CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
SECOND: list[Json] = [
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": " more"}},
    {"type": "content_block_stop", "index": 1},
]

# The events are: start, block, ping, two deltas, the block's end, and two of the message's.
ODD: list[Change] = [
    *each("0.message.id", "", "msg_", "chatcmpl-", "chatcmpl-7", "own", None, 5),
    *each("0.message.type", None, "error"),
    *each("0.message.model", None, "", 5),
    *each("0.message.content", None, [{"type": "text", "text": "a"}]),
    *each("0.message.stop_reason", None, "end_turn"),
    *each("0.message.container", None, {"id": "c"}),
    *each("0.message.usage", None, {}, 5, {"input_tokens": 4, "output_tokens": 1}),
    *each("0.usage", {"input_tokens": 4, "output_tokens": 1}),
    *each("0.type", "own", ["x"], None, "message_stop"),
    *each("1.index", 5, None, "0"),
    *each("1.content_block", THINKING, CALL, {"type": "text", "text": "a"}, {"text": ""}),
    *each("1.content_block.citations", None, [], [{"type": "char_location"}]),
    *each("2.type", "own", "error"),
    *each("3.index", 1, None),
    *each("3.delta.text", "", None, 5),
    *each("3.delta.type", "thinking_delta", "citations_delta", None),
    *each("5.index", 1, None),
    *each("6.delta.stop_reason", None, "max_tokens", "stop_sequence", "tool_use", "refusal", "own"),
    *each("6.delta.stop_sequence", "up"),
    *each("6.delta.stop_details", {"type": "refusal", "category": "cyber"}),
    *each("6.delta.container", None, {"id": "c"}),
    *each("6.usage", None, {}, 5, {"output_tokens": 0}, {"output_tokens": 9, "cost": 1}),
    *each("6.usage.service_tier", "priority"),
    lambda events: [*events, events[-1]],
    lambda events: [*events, {"type": "ping"}],
    lambda events: [events[0], *events],
    lambda events: events[1:],
    lambda events: [*events[:6], *SECOND, *events[6:]],
    lambda events: [*events[:5], *SECOND, *events[5:]],
    lambda events: [*events[:7], *SECOND, *events[7:]],
    lambda events: [*events[:5], *events[6:]],
    lambda events: [*events[:6], *events[7:]],
    lambda events: [*events[:7], events[6], *events[7:]],
]


@pytest.mark.parametrize("limit", [{}, {"max_tokens": 5}])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("change", [*ODD, lambda events: events])
def test_a_stream_is_what_the_generic_path_makes_of_it(
    change: Change, options: Json, limit: Json
) -> None:
    assert_same(CHAT, MESSAGES, change(messages(" on", " and")), {**options, **limit})


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "stop_sequence", "tool_use"])
@pytest.mark.parametrize("texts", [(), (" on", "", " and")])
def test_whole_streams_are_common(texts: tuple[str, ...], reason: str) -> None:
    events = messages(*texts, reason=reason)
    events[-2:-2] = SECOND
    stream = MessagesAsChat(context_of({}), include_usage=True)
    assert stream.end() is None
    assert all(stream.take(event) is not None for event in events)
    last = stream.end()
    assert last is not None
    assert [chunk["usage"]["completion_tokens"] for chunk in last] == [9]
    assert stream.length == len("".join(texts) + " more")
    assert_same(CHAT, MESSAGES, events, {})
