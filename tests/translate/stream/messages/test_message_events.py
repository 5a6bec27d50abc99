"""Whole messages and the events that say the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TruncatedStream, UpstreamError
from gateway.translate.stream.messages.message_events import check_inputs, events_of, message_of
from tests.messages_grammar import read_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(min_size=1, max_size=9)),
    st.builds(
        lambda text, by: {"type": "thinking", "thinking": text, "signature": by},
        st.text(max_size=9),
        st.text(min_size=1, max_size=4),
    ),
    st.builds(
        lambda data: {"type": "redacted_thinking", "data": data}, st.text(min_size=1, max_size=4)
    ),
    st.builds(
        lambda given: {"type": "tool_use", "id": "call_1", "name": "ls", "input": given},
        st.dictionaries(st.text(max_size=3), JSON, max_size=3),
    ),
)


_OF_THE_END = ("content", "stop_reason", "usage")


def message(*content: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }


@given(st.lists(BLOCKS, max_size=5))
def test_a_message_survives_its_events(blocks: list[Any]) -> None:
    events = list(events_of(message(*blocks)))
    read_message(events)
    assert message_of(events) == message(*blocks)


def test_citations_survive() -> None:
    cited = {"type": "text", "text": "A", "citations": [{"type": "page"}, {"type": "char"}]}
    assert message_of(events_of(message(cited)))["content"] == [cited]


def test_counts_that_come_later_win_and_missing_ones_stay() -> None:
    events = list(events_of(message()))
    events[0]["message"]["usage"] = {"input_tokens": 7, "output_tokens": 0}
    events[-2]["usage"] = {"input_tokens": None, "output_tokens": 3}
    assert message_of(events)["usage"] == {"input_tokens": 7, "output_tokens": 3}


def test_counts_of_zero_change_none_and_may_come_last() -> None:
    events = list(events_of(message()))
    tiers = {"service_tier": "standard", "cache_creation": {"ephemeral_5m_input_tokens": 0}}
    events[0]["message"]["usage"] = {"input_tokens": 7, "output_tokens": 0, **tiers}
    events[-2]["usage"] = {"input_tokens": 0}
    events[-1]["usage"] = {"output_tokens": 3}
    assert message_of(events)["usage"] == {"input_tokens": 7, "output_tokens": 3, **tiers}


def test_what_says_nothing_takes_nothing_back() -> None:
    events = list(events_of(message({"type": "text", "text": "A"})))
    events[1]["content_block"]["text"] = None
    unsaid = {"type": "message_delta", "delta": {"stop_reason": None, "stop_sequence": None}}
    made = message({"type": "text", "text": "A"})
    assert message_of([*events[:-1], unsaid, events[-1]]) == made
    unnamed = {name: value for name, value in made.items() if name not in events[0]["message"]}
    assert message_of(events[1:]) == {**unnamed, **{k: made[k] for k in _OF_THE_END}}


@pytest.mark.parametrize("end", range(6))
def test_a_stream_without_its_end_is_truncated(end: int) -> None:
    events = list(events_of(message({"type": "text", "text": "A"})))
    assert len(events) == 6
    with pytest.raises(TruncatedStream):
        message_of(events[:end])


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}],
        [{"type": "content_block_start", "index": 0}],
        [
            {"type": "content_block_start", "content_block": {"type": "text", "text": 5}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "A"}},
        ],
        [
            {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}},
            {
                "type": "content_block_delta",
                "delta": {"type": "input_json_delta", "partial_json": {}},
            },
        ],
        [{"type": "message_start", "message": {}}, {"type": "message_delta", "delta": []}],
    ],
)
def test_a_stream_that_contradicts_itself_is_the_upstreams_fault(events: list[Any]) -> None:
    with pytest.raises(UpstreamError):
        message_of(events)


@pytest.mark.parametrize(
    "text", ['{"a":', '{"a":"\\ud800"', '{"a":1e400}', "[1]", "null", "0", '"a"', "NaN", "{}{}"]
)
def test_an_input_that_is_not_an_object_stays_a_text_which_messages_cannot_have(text: str) -> None:
    events = list(events_of(calling({"a": 1})))
    events[2]["delta"]["partial_json"] = text
    folded = message_of(events)
    assert list(events_of(folded)) == events
    with pytest.raises(UpstreamError, match="tool 'ls' has an input that is not a JSON object"):
        check_inputs(folded)
    check_inputs({**folded, "stop_reason": "max_tokens"})


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"a":"\ud800"}'])
def test_half_a_character_in_an_input_is_replaced(text: str) -> None:
    events = list(events_of(calling({"a": 1})))
    events[2]["delta"]["partial_json"] = text
    assert message_of(events) == calling({"a": "\ufffd"})


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_an_input_that_a_limit_cuts_off_stays_a_text(reason: str) -> None:
    events = list(events_of({**calling({"a": 1}), "stop_reason": reason}))
    assert message_of(events)["content"][0]["input"] == {"a": 1}
    events[2]["delta"]["partial_json"] = '{"a":'
    folded = message_of(events)
    assert folded["content"][0]["input"] == {}
    assert list(events_of(folded)) == events
    read_message(events)


@pytest.mark.parametrize("delta", [{"type": "new_delta"}, {"type": "text_delta", "text": ""}])
def test_deltas_of_unknown_types_or_without_a_text_are_not_part_of_it(delta: Any) -> None:
    events = list(events_of(message({"type": "text", "text": "A"})))
    events.insert(3, {"type": "content_block_delta", "index": 0, "delta": delta})
    assert message_of(events)["content"] == [{"type": "text", "text": "A"}]


@pytest.mark.parametrize(
    ("reason", "more"), [("max_tokens", {"partial_json": "{}"}), ("end_turn", {})]
)
def test_an_empty_input_that_was_said_is_kept_where_a_limit_ends_the_message(
    reason: str, more: dict[str, Any]
) -> None:
    call = {"type": "tool_use", "id": "c", "name": "ls", "input": {}}
    events = list(events_of({**message(call), "stop_reason": reason}))
    events[2]["delta"]["partial_json"] = "{}"
    assert message_of(events)["content"] == [call]
    whole = message_of(events, keeps_empty=True)
    assert whole["content"] == [{**call, **more}]
    said = [
        event["delta"] for event in events_of(whole) if event.get("index") == 0 and "delta" in event
    ]
    assert [delta["partial_json"] for delta in said] == ([more["partial_json"]] if more else [""])


def test_a_call_that_begins_with_an_empty_text_has_no_input() -> None:
    call = {"type": "tool_use", "id": "call_1", "name": "ls", "input": {}}
    events = list(events_of(message(call)))
    events[1] = {**events[1], "content_block": {**call, "partial_json": ""}}
    assert message_of(events)["content"] == [call]


@pytest.mark.parametrize("content", [None, "text", [1]])
def test_a_reply_without_blocks_is_not_a_message(content: Any) -> None:
    with pytest.raises(UpstreamError, match="it has no list 'content'"):
        list(events_of({**message(), "content": content}))


@pytest.mark.parametrize("signature", [{}, {"signature": ""}, {"signature": None}])
def test_an_unsigned_thought_has_no_signature_delta(signature: dict[str, Any]) -> None:
    events = list(events_of(message({"type": "thinking", "thinking": "A", **signature})))
    kinds = [event["delta"]["type"] for event in events if "index" in event and "delta" in event]
    assert kinds == ["thinking_delta"]
    assert message_of(events)["content"] == [{"type": "thinking", "thinking": "A", "signature": ""}]


def test_a_text_without_citations_may_say_so() -> None:
    text = {"type": "text", "text": "A", "citations": None}
    assert message_of(events_of(message(text)))["content"] == [{"type": "text", "text": "A"}]


def test_blocks_without_texts_begin_whole() -> None:
    blocks = (
        {"type": "redacted_thinking", "data": "EmwK"},
        {"type": "tool_use", "id": "c", "name": "now", "input": {}},
    )
    events = list(events_of(message(*blocks)))
    assert [event["content_block"] for event in events if "content_block" in event] == [*blocks]
    assert message_of(events)["content"] == [*blocks]


def calling(given: Any) -> dict[str, Any]:
    return message({"type": "tool_use", "id": "c", "name": "ls", "input": given})


@pytest.mark.parametrize("given", ['{"a":1}', ' {"a": "\\u00e4"}', "{}", "", " "])
def test_an_input_may_be_the_text_of_an_object(given: str) -> None:
    events = list(events_of(calling(given)))
    read_message(events)
    assert events[1]["content_block"]["input"] == {}
    assert events[2]["delta"]["partial_json"] == (given if given.strip() else "")
    assert message_of(events) == calling(json.loads(given or "{}") if given.strip() else {})


@pytest.mark.parametrize("given", ["ls", "[1]", '"{}"', '{"a":', "null"])
def test_an_input_that_is_another_text_is_the_upstreams_fault(given: str) -> None:
    with pytest.raises(UpstreamError, match="a text that is not a JSON object"):
        list(events_of(calling(given)))
