"""Common chat streams as completions streams."""

from typing import Any

import pytest

from gateway.fast.streams.chat_as_completions import ChatAsCompletions
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, CHUNK, COMPLETIONS, OPTIONS, USAGE, chat, chunk
from tests.fast.streams.test_fast_stream import assert_same

ODD: list[list[Json]] = [
    [chunk({"content": " on"}, "stop")],
    [chunk({"content": " on"}, id=""), *chat(" on")],
    [chunk({"content": " on"}, id="chatcmpl-")],
    [chunk({"content": " on"}, id=7)],
    [chunk({"content": " on"}, object="error")],
    [chunk({"content": " on"}, usage=USAGE), *chat(" on")],
    [{**CHUNK, "choices": [], "usage": {}}, *chat(" on")],
    [*chat(" on")[:-1], chunk({"content": " and"}), chunk({}, "length")],
    [*chat(" on"), chunk({}, "stop")],
    [chunk({"content": " on", "role": "assistant"}), *chat(" on")],
    [chunk({"content": None}), chunk({"reasoning_content": "Hm."}), *chat(" on")],
    [chunk({"refusal": "No."}), *chat(" on")],
    [chunk({}, "tool_calls")],
    [{"choices": []}, *chat(" on")],
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("events", [*ODD, [], chat(), chat(" on", reason="length")])
def test_a_stream_is_what_the_generic_path_makes_of_it(events: list[Json], options: Json) -> None:
    assert_same(COMPLETIONS, CHAT, events, options)


def test_an_id_that_only_one_translation_would_draw_is_not_common() -> None:
    for upstream_id in ("", "chatcmpl-", "cmpl-", "resp_"):
        stream = ChatAsCompletions(context_of({}), include_usage=False)
        assert stream.take(chunk({"content": " on"}, id=upstream_id)) is None


@pytest.mark.parametrize(
    "more",
    [{"stop_reason": 5}, {"matched_stop": "x"}, {"seed": 3}, {"native_finish_reason": ""}],
)
def test_fields_that_completions_do_not_have(more: Any) -> None:
    events = chat(" on", " and")
    events[-2]["choices"][0] |= more
    events[-2]["timings"] = {"prompt_n": 1}
    stream = ChatAsCompletions(context_of({}), include_usage=True)
    assert all(stream.take(event) is not None for event in events)
    assert not stream.passes_text
    assert_same(COMPLETIONS, CHAT, events, {})
