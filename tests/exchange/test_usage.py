"""The tokens that an upstream counted."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.usage import (
    TAIL,
    Tokens,
    summed,
    tokens_at_start,
    tokens_in,
    tokens_of,
    tokens_of_start,
    updated,
)

CHAT = {"prompt_tokens": 8, "completion_tokens": 9, "total_tokens": 17}
RESPONSES = {
    "input_tokens": 8,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 17,
}
VLLM = {"prompt_tokens": 8, "total_tokens": 17, "completion_tokens": 9}
MESSAGES = {
    "input_tokens": 2,
    "cache_creation_input_tokens": 1,
    "cache_read_input_tokens": 5,
    "output_tokens": 9,
}
ANTHROPIC = {
    **{name: count for name, count in MESSAGES.items() if name != "output_tokens"},
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 9,
}
CACHES_LAST = {"input_tokens": 2, "output_tokens": 9, "cache_read_input_tokens": 6}
NO_CACHES = {"input_tokens": 8, "output_tokens": 9, "cache_read_input_tokens": None}
LITELLM = {**CHAT, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 1}
LITELLM_FIRST = {"cache_read_input_tokens": 5, **CHAT, "input_tokens": 2}
ODD = {"total_tokens": 17, "cost": {"a": {"b": {}}}, "output_tokens": 9, "input_tokens": 8}


@pytest.mark.parametrize(
    "usage",
    [
        *(CHAT, RESPONSES, VLLM, ODD),
        *(MESSAGES, ANTHROPIC, CACHES_LAST, NO_CACHES, LITELLM, LITELLM_FIRST),
    ],
)
@pytest.mark.parametrize("pretty", [False, True])
def test_the_last_usage_of_a_body_counts(usage: dict[str, Any], *, pretty: bool) -> None:
    body = msgspec.json.encode({"id": "x", "usage": usage, "more": [{"a": 1}]})
    body = msgspec.json.format(body) if pretty else body
    assert tokens_in(b'{"usage": {"prompt_tokens": 1}} ' + body) == (8, 9)
    assert tokens_of(usage) == (8, 9)


@pytest.mark.parametrize(
    ("odd", "output"),
    [(9.0, 9), (9.5, None), (-9, None), (True, None), ("9", None), (None, None), ([[]], None)],
)
def test_an_odd_count_takes_nothing_from_the_others(odd: object, output: int | None) -> None:
    for usage in ({**CHAT, "completion_tokens": odd}, {**RESPONSES, "output_tokens": odd}):
        assert tokens_of(usage) == (8, output)
        assert tokens_in(msgspec.json.encode({"usage": usage})) == (8, output)


def test_embeddings_have_no_output() -> None:
    assert tokens_in(b'{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}') == (8, None)


def test_the_chunks_of_a_chat_stream_have_no_usage_but_the_last() -> None:
    last = b'data: {"choices":[],"usage":%b}\n\n' % msgspec.json.encode(CHAT)
    others = b'data: {"choices":[{}],"usage":null}\n\n'
    assert tokens_in(last + others * 3 + b"data: [DONE]\n\n") == (8, 9)
    assert tokens_in(last + others * 8) is None


@pytest.mark.parametrize("beginning", [b"data: ", b"event: message\ndata: ", b": hello\n\ndata: "])
def test_only_the_end_of_a_stream_is_searched(beginning: bytes) -> None:
    counted = b'{"choices":[],"usage":%b}\n\n' % msgspec.json.encode(CHAT)
    others = b'data: {"choices":[{"text":"on"}]}\n\n' * TAIL
    assert tokens_in(beginning + others + b"data: " + counted + b"data: [DONE]\n\n") == (8, 9)
    assert tokens_in(beginning + counted + others) is None
    assert tokens_in(counted + others) == (8, 9)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"usage"',
        b'{"usage":{"prompt_tokens":1',
        b'{"usage":{"prompt_tokens":"1"}}',
        b'{"usage":{"prompt_tokens":-1}}',
        b'{"usage":{"prompt_tokens":1e300}}',
        b'{"usage":{"prompt_tokens":99999999999999999}}',
        b'{"usage":{"prompt_tokens":%b}}' % (b'{"a":' * 200),
        b'{"usage":{}}',
        b'{"usage":[1]}',
    ],
)
def test_what_is_not_a_usage_counts_nothing(body: bytes) -> None:
    assert tokens_in(body) is None


@given(st.text())
def test_no_text_of_a_model_can_look_like_one(text: str) -> None:
    for said in (text, text + '"usage":{"prompt_tokens":1,"completion_tokens":1}' + text):
        body = msgspec.json.encode({"content": said})
        assert tokens_in(body) is None
        assert tokens_in(msgspec.json.encode({"content": body.decode()})) is None


def test_a_beginning_counts_what_comes_first() -> None:
    first, later = (
        b'{"usage":{"input_tokens":8,"output_tokens":1}}',
        b'{"usage":{"output_tokens":9}}',
    )
    assert tokens_at_start(b"data: " + first + b"\n\ndata: " + later) == (8, 1)
    assert tokens_at_start(first) == (8, 1)
    assert tokens_at_start(b'{"usage":null}' + first) is None
    assert tokens_at_start(first[:-5]) is None
    assert tokens_at_start(b"data: {}") is None


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "1"}, {"prompt_tokens": True}])
def test_a_decoded_value_that_counts_nothing(usage: object) -> None:
    assert tokens_of(usage) is None


@pytest.mark.parametrize(
    ("counts", "total"),
    [
        ([], None),
        ([None], None),
        ([(1, 2), None, (3, None)], (4, 2)),
        ([(None, 2)], (None, 2)),
        ([(1, None)], (1, None)),
    ],
)
def test_several_calls_are_summed(counts: list[Tokens | None], total: Tokens | None) -> None:
    assert summed(counts) == total


def test_the_start_of_a_messages_stream_counts_its_prompt() -> None:
    start = {"type": "message_start", "message": {"usage": {**MESSAGES, "output_tokens": 1}}}
    assert tokens_of_start(start) == (8, 1)


@pytest.mark.parametrize("message", [None, [], {}, {"usage": None}, {"usage": {}}])
def test_a_start_without_counts_counts_nothing(message: object) -> None:
    assert tokens_of_start({"type": "message_start", "message": message}) is None
    assert tokens_of_start({}) is None


@pytest.mark.parametrize(
    ("before", "now", "known"),
    [
        (None, None, None),
        ((8, 1), None, (8, 1)),
        (None, (8, 9), (8, 9)),
        ((8, 1), (None, 9), (8, 9)),
        ((8, 1), (10, 9), (10, 9)),
        ((8, 1), (10, None), (10, 1)),
    ],
)
def test_later_counts_of_a_stream_replace_earlier_ones(
    before: Tokens | None, now: Tokens | None, known: Tokens | None
) -> None:
    assert updated(before, now) == known
