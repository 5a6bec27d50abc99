"""Common chat streams as messages streams."""

import pytest

from gateway.fast.streams.chat_as_messages import ChatAsMessages
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, CHUNK, MESSAGES, USAGE, chat, chunk
from tests.fast.streams.test_chat_as_completions import ODD
from tests.fast.streams.test_fast_stream import assert_same

MORE: list[list[Json]] = [
    [*chat(" on", reason="length")],
    [*chat(" on", reason="content_filter")],
    [chunk({}, "stop")],
    [chunk({"content": " on"}, "length"), {**CHUNK, "choices": [], "usage": USAGE}],
    [chunk({"content": " on"}, service_tier="priority", model=""), *chat(" and")],
    [chunk({"content": " on"}, usage=USAGE), chunk({}, "stop")],
    [*chat(" on")[:-1], {**CHUNK, "choices": [], "service_tier": "flex"}, chunk({"role": "x"})],
    [*chat(" on")[:2], chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]})],
    [{**CHUNK, "choices": [], "prompt_filter_results": []}, *chat(" on")],
]


@pytest.mark.parametrize("events", [*ODD, *MORE, [], chat()])
def test_a_stream_is_what_the_generic_path_makes_of_it(events: list[Json]) -> None:
    assert_same(MESSAGES, CHAT, events, {})


@pytest.mark.parametrize("events", MORE[:6])
def test_these_are_common(events: list[Json]) -> None:
    stream = ChatAsMessages(context_of({}))
    taken = [stream.take(event) for event in events]
    assert None not in taken
    assert stream.passes_text
