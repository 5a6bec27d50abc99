"""Whatever comes between texts means the same on both paths."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.calls.feeding import Feeder
from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import SSEDecoder
from tests.fast.both_paths import WILD, one_of_the_names
from tests.fast.both_streams import OPTIONS, PAIRS, assert_same_stream, planned, sent
from tests.fast.stream_events import (
    ODD,
    ODD_WIRES,
    WORDS,
    chat_chunk,
    completions_chunk,
    messages_event,
    text_event,
    usual,
)

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_what_came_before_an_event_that_is_too_long_is_sent(client: Shape, home: Shape) -> None:
    first, *events = usual(home, WORDS[:8])[:-2]
    feeder = Feeder(client, home, 1, planned(client, home, {}).stream(), fast=True)
    feeder._decoders = [SSEDecoder(10_000)]
    endless = b"".join(events) + b"data: " + b"x" * 10_000
    *pieces, error, _ = sent(feeder, [(0, first), (0, endless)])
    assert sum(part.count(b"data: ") for part in pieces if isinstance(part, bytes)) > 5
    assert "more than 10000 bytes" in str(error)


@pytest.mark.alone
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_whatever_comes_between_texts_takes_the_generic_path(client: Shape, home: Shape) -> None:
    events = usual(home, WORDS[:8])
    wires = [*(b"data: %b\n\n" % data for data in ODD[home]), *ODD_WIRES]
    for options in OPTIONS[client]:
        for odd in wires:
            pieces = [*events[:6], odd, *events[3:5], odd, odd, *events[3:]]
            assert_same_stream(
                client, home, options, [*((0, piece) for piece in pieces), (0, None)]
            )
            assert_same_stream(client, home, options, [(0, b"".join(pieces)), (0, None)])


@pytest.mark.parametrize("home", [CHAT, COMPLETIONS])
def test_a_reply_that_grows_too_long_ends_where_it_would_have(
    home: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("gateway.translate.contract", "gateway.fast.deltas.text_deltas"):
        monkeypatch.setattr(f"{module}.MAX_REPLY_CHARACTERS", 4000)
    # The generic translation takes over long before that.
    monkeypatch.setattr("gateway.fast.streams.fast_stream.MAX_CHARACTERS", 1000)
    events = usual(home, [word * 50 for word in WORDS])
    assert_same_stream(RESPONSES, home, {}, [(0, b"".join(events)), (0, None)])
    assert_same_stream(RESPONSES, home, {}, [*((0, event) for event in events), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_event_that_is_held_is_not_lost_at_the_end(client: Shape, home: Shape) -> None:
    events = usual(home, WORDS)
    for missing in (1, 2):
        for length in range(len(events)):
            pieces = [b"".join(events[:length]), events[length][:-missing]]
            assert_same_stream(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])


@pytest.mark.parametrize("rest", [b"", b"\\ude42"])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_half_a_character_comes_before_the_next_text(
    client: Shape, home: Shape, rest: bytes
) -> None:
    # Each half takes the generic path, until looking for templates does not pay any more.
    wires = usual(home, ["a", "HALF", "REST b", "c"] * 20)
    pieces = [wire.replace(b"HALF", b"\\ud83d").replace(b"REST", rest) for wire in wires]
    assert_same_stream(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])


@pytest.mark.parametrize("count_of_texts", [1, 5, 40])
@pytest.mark.parametrize(
    ("client", "home"), [pair for pair in PAIRS if pair[1] in (CHAT, RESPONSES)]
)
def test_what_a_repetition_adds_is_sent_however_the_text_came(
    client: Shape, home: Shape, count_of_texts: int
) -> None:
    said = " on" * count_of_texts
    if home is CHAT:
        row = [chat_chunk() for _ in range(count_of_texts)]
        whole = b'{"choices":[{"index":0,"message":{"content":"%b!"},"finish_reason":"stop"}]}'
    else:
        row = [text_event(number=b"%d" % number) for number in range(count_of_texts)]
        whole = (
            b'{"type":"response.completed","response":{"status":"completed","output":[{"id":"z",'
            b'"type":"message","content":[{"type":"output_text","text":"%b!"}]}]}}'
        )
    wires = [b"data: %b\n\n" % event for event in [*row, whole % said.encode()]]
    for pieces in ([b"".join(wires)], wires, [bytes([byte]) for byte in b"".join(wires)]):
        translation = planned(client, home, {})
        feeder = Feeder(client, home, 1, translation.stream(), fast=True)
        wire = b"".join(feeder.feed(0, piece) for piece in pieces) + feeder.finish(0)
        assert feeder.take_error() is None
        events = [msgspec.json.decode(event.data) for event in SSEDecoder().feed(wire)]
        assert "".join(map(text_in(client), events)) == f"{said}!"


def text_in(shape: Shape) -> Any:
    def of(event: Json) -> str:
        if shape is RESPONSES:
            text: str = event["delta"] if event["type"] == "response.output_text.delta" else ""
            return text
        if shape is Shape.MESSAGES:
            found: str = event.get("delta", {}).get("text", "")
            return found
        (choice,) = event["choices"]
        content = choice["text"] if shape is COMPLETIONS else choice["delta"].get("content")
        return content or ""

    return of


def places_of(home: Shape, event: Json) -> list[Json]:
    """Return the objects that a text event consists of."""
    if home is RESPONSES:
        return [event]
    if home is Shape.MESSAGES:
        return [event, event["delta"]]
    (choice,) = event["choices"]
    return [event, choice, choice["delta"]] if home is CHAT else [event, choice]


def text_events(home: Shape, count_of_texts: int) -> list[Json]:
    if home is RESPONSES:
        return [
            msgspec.json.decode(text_event(b'"%d"' % number, number=b"%d" % number))
            for number in range(count_of_texts)
        ]
    chunks: Mapping[Shape, Callable[[bytes], bytes]] = {
        CHAT: chat_chunk,
        COMPLETIONS: completions_chunk,
        Shape.MESSAGES: messages_event,
    }
    chunk = chunks[home]
    return [msgspec.json.decode(chunk(b'"%d"' % number)) for number in range(count_of_texts)]


NAMES = one_of_the_names()


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(name=NAMES | st.text(max_size=5), value=WILD, place=st.integers(0, 2))
def test_a_field_that_every_text_event_has_means_what_it_means_generically(
    client: Shape, home: Shape, name: str, value: Any, place: int
) -> None:
    events = text_events(home, 6)
    for event in events:
        places = places_of(home, event)
        places[place % len(places)][name] = value
    row = b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events)
    rest = b"".join(usual(home, WORDS[:3]))
    assert_same_stream(client, home, {}, [(0, row + rest), (0, None)])


@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[0] is not RESPONSES])
def test_a_stop_sequence_is_found_across_texts(client: Shape, home: Shape) -> None:
    wires = usual(home, ["x"] * 9 + ["ya", "bz", "never"] + ["x"] * 9)
    name = "stop_sequences" if client is Shape.MESSAGES else "stop"
    stopped = {name: ["ab", "never"]}
    for pieces in ([b"".join(wires)], wires):
        assert_same_stream(client, home, stopped, [*((0, piece) for piece in pieces), (0, None)])
    translation = planned(client, home, stopped)
    feeder = Feeder(client, home, 1, translation.stream(), fast=True)
    written = feeder.feed(0, b"".join(wires))
    assert written.count(b'"x"') == 9
    assert b"never" not in written
