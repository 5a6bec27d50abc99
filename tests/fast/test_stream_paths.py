"""The fast path of streams gives what the generic path gives, whatever comes between texts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.calls.feeding import Feeder
from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import encode_events
from tests.fast.both_streams import OPTIONS, PAIRS, Counting, assert_same_stream, planned
from tests.fast.stream_events import WORDS, chat_chunk, cut, streams, usual

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
MESSAGES = Shape.MESSAGES


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(data=st.data())
def test_both_paths_send_the_same_however_it_arrives(
    data: st.DataObject, client: Shape, home: Shape
) -> None:
    events = data.draw(streams(home))
    places = data.draw(st.lists(st.integers(0, 10**4), max_size=12))
    options = data.draw(st.sampled_from(OPTIONS[client]))
    whole = b"".join(events)
    assert_same_stream(
        client, home, options, [*((0, piece) for piece in cut(whole, places)), (0, None)]
    )
    assert_same_stream(client, home, options, [*((0, event) for event in events), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(data=st.data())
def test_both_paths_send_the_same_of_several_calls(
    data: st.DataObject, client: Shape, home: Shape
) -> None:
    options: Json = {"prompt": ["a", "b"]} if client is COMPLETIONS else {}
    options |= {"n": 2} if client is CHAT else {}
    calls = len(planned(client, home, options).calls)
    pieces = [
        list(cut(b"".join(data.draw(streams(home))), data.draw(st.lists(st.integers(0, 10**4)))))
        for _ in range(calls)
    ]
    order = data.draw(st.permutations([c for c in range(calls) for _ in pieces[c]]))
    arrivals: list[tuple[int, bytes | None]] = [(call, pieces[call].pop(0)) for call in order]
    assert_same_stream(client, home, options, [*arrivals, *((call, None) for call in range(calls))])


@pytest.mark.parametrize("nothing", [[], None])
@pytest.mark.parametrize("client", [COMPLETIONS, RESPONSES, MESSAGES])
def test_an_empty_delta_may_be_a_list_or_null(client: Shape, nothing: Any) -> None:
    """Programs in PHP write `[]` for an empty object, Azure null."""
    choice = {"index": 0, "delta": nothing, "finish_reason": "stop"}
    last = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "choices": [choice]}
    events = [
        b"data: %b\n\n" % chat_chunk(b'"Hello"'),
        encode_events(CHAT, [last]),
        b"data: [DONE]\n\n",
    ]
    arrivals: list[tuple[int, bytes | None]] = [*((0, event) for event in events), (0, None)]
    assert_same_stream(client, CHAT, {}, arrivals)
    feeder = Feeder(client, CHAT, 1, planned(client, CHAT, {}).stream())
    said = b"".join(feeder.feed(0, event) for event in events)
    assert feeder.take_error() is None
    assert b"Hello" in said


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_usual_stream_is_sent_the_same_however_it_arrives(
    client: Shape, home: Shape, *, padded: bool
) -> None:
    events = usual(home, WORDS, padded=padded)
    whole = b"".join(events)
    for pieces in (
        [whole],
        events,
        [bytes([byte]) for byte in whole],
        [whole[:-2], b"\n", b"\n"],
        [whole[i : i + 1000] for i in range(0, len(whole), 1000)],
    ):
        assert_same_stream(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])
    for length in range(len(events)):
        assert_same_stream(client, home, {}, [(0, b"".join(events[:length])), (0, None)])


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("size", [10**6, 1000, 300])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_most_events_of_a_usual_stream_take_the_fast_path(
    client: Shape, home: Shape, size: int, *, padded: bool
) -> None:
    whole = b"".join(usual(home, WORDS, padded=padded))
    translation = planned(client, home, {})
    counting = Counting(translation.stream())
    feeder = Feeder(client, home, 1, counting, fast=True)
    for start in range(0, len(whole), size):
        feeder.feed(0, whole[start : start + size])
    assert counting.fed < 10 < len(WORDS)


def test_a_stream_whose_events_differ_too_much_ends_the_search() -> None:
    stream = planned(COMPLETIONS, CHAT, {}).stream()
    feeder = Feeder(COMPLETIONS, CHAT, 1, stream, fast=True)
    wires = [b"data: %b\n\n" % chat_chunk(head=b'"id":"%d"' % number) for number in range(2000)]
    generic = Feeder(COMPLETIONS, CHAT, 1, planned(COMPLETIONS, CHAT, {}).stream())
    for wire in (*wires, b"".join(wires)):
        assert feeder.feed(0, wire) == generic.feed(0, wire)


@pytest.mark.parametrize("client", [COMPLETIONS, CHAT, RESPONSES])
def test_blocks_that_overlap(client: Shape) -> None:
    def at(kind: str, index: int, **fields: Any) -> Json:
        return {"type": f"content_block_{kind}", "index": index, **fields}

    def run(index: int, letter: str) -> list[Json]:
        delta = {"type": "text_delta", "text": letter}
        return [at("delta", index, delta=delta)] * 4

    text = {"type": "text", "text": ""}
    begun = [at("start", index, content_block=text) for index in (0, 1)]
    messages: list[Json] = [
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}},
        *(begun[0], *run(0, "a"), begun[1], *run(1, "c"), *run(0, "b"), *run(1, "d")),
        *(at("stop", 0), *run(1, "e"), at("stop", 1)),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    wire = [encode_events(Shape.MESSAGES, [event]) for event in messages]
    for pieces in (wire, [b"".join(wire)]):
        arrivals = [*((0, piece) for piece in pieces), (0, None)]
        assert_same_stream(client, Shape.MESSAGES, {}, arrivals)
