"""Common streams: without the generic translation, and as it folds them."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from gateway.errors import UpstreamError
from gateway.exchange.calls.feeding import Feeder
from gateway.fast.codec import EncodedRequest
from gateway.fast.pairs import pair_paths
from gateway.fast.paths import Fast
from gateway.fast.streams.fast_stream import MAX_CHARACTERS, MAX_EVENTS, FastStream
from gateway.shapes import Json, Shape
from tests.fast.both_paths import (
    CONTEXT,
    WILD,
    changed,
    codec_of,
    one_of_the_names,
    with_each_field,
)
from tests.fast.both_streams import (
    Arrivals,
    assert_same_stream,
    by_codec,
    context_of,
    planned,
    sent,
)
from tests.fast.common_streams import (
    ASKED,
    CHAT,
    COMPLETIONS,
    PAIRS,
    RESPONSES,
    common,
    options_of,
    responses,
    wires,
)
from tests.fast.names import names_between
from tests.fast.stream_events import WORDS

each_pair = pytest.mark.parametrize(("client", "home"), PAIRS)
each_asked = pytest.mark.parametrize(("client", "home", "options"), ASKED)


def fast(client: Shape, home: Shape, options: Json | None = None) -> Fast:
    translation = by_codec(client, home, options or {})
    assert translation is not None
    return translation


def arriving(pieces: Sequence[bytes]) -> Arrivals:
    return [*((0, piece) for piece in pieces), (0, None)]


def assert_same(client: Shape, home: Shape, events: list[Json], options: Json) -> None:
    """Check a stream that arrives event by event, and at once."""
    pieces = wires(home, events)
    assert_same_stream(client, home, options, arriving(pieces))
    assert_same_stream(client, home, options, arriving([b"".join(pieces)]))


@each_asked
def test_a_common_stream_needs_no_generic_translation(
    client: Shape, home: Shape, options: Json
) -> None:
    events = common(home, *WORDS)
    assert_same(client, home, events, options)
    for pieces in (wires(home, events), [b"".join(wires(home, events))]):
        translation = fast(client, home, options)
        sent(Feeder(client, home, 1, translation.stream(), fast=True), arriving(pieces))
        assert not translation.fell_back


@each_asked
def test_a_stream_that_breaks_off_anywhere(client: Shape, home: Shape, options: Json) -> None:
    events = common(home, " on", " and", " on")
    for length in range(len(events)):
        assert_same(client, home, events[:length], options)
        assert_same(client, home, events[length:], options)
        assert_same(client, home, events[:length] + events[length + 1 :], options)
        assert_same(client, home, [*events[: length + 1], *events[length:]], options)


@each_pair
def test_an_error_after_text(client: Shape, home: Shape) -> None:
    events = common(home, " on", " and")[:-2]
    for options in options_of(client):
        pieces = [*wires(home, events)[: len(events)], b"data: {\n\n"]
        assert_same_stream(client, home, options, arriving(pieces))
    stream, generic = fast(client, home).stream(), planned(client, home, {}).stream()
    for event in events:
        assert stream.feed(0, event) == generic.feed(0, event)
    assert not stream.satisfied(0)
    error = UpstreamError("gone")
    assert stream.fail(error) == generic.fail(error)


@each_asked
def test_the_generic_translation_takes_over_from_long_streams(
    client: Shape, home: Shape, options: Json
) -> None:
    for texts in (["x" * (MAX_CHARACTERS // 4)] * 6, [" on"] * (MAX_EVENTS + 5)):
        events = common(home, *texts)
        translation, generic = fast(client, home, options), planned(client, home, options)
        stream, other = translation.stream(), generic.stream()
        for event in events:
            assert stream.ping() == other.ping()
            assert stream.feed(0, event) == other.feed(0, event)
            assert stream.passes_text == other.passes_text
            assert stream.satisfied(0) == other.satisfied(0)
        assert stream.end(0) == other.end(0)
        assert translation.fell_back
        assert_same(client, home, events, options)


def objects_in(value: Any, path: str = "") -> list[str]:
    """Return the paths of all objects in a value, as prefixes of their keys."""
    found = [path] if isinstance(value, dict) else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            found += objects_in(inner, f"{path}{key}.")
    return found


FIELDS = [
    (client, home, place, level)
    for client, home in PAIRS
    if (client, home) != (COMPLETIONS, RESPONSES)
    for place, event in enumerate(common(home, " on"))
    for level in objects_in(event)
]


SAID = [None, 7, "x", "failed", ["u"], {"message": "No.", "type": "server_error"}]


@pytest.mark.alone
@pytest.mark.parametrize(("client", "home", "place", "level"), FIELDS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(
    client: Shape, home: Shape, place: int, level: str
) -> None:
    *before, event = common(home, " on")[: place + 1]
    codec = codec_of(client, home)
    for written in with_each_field(event, level, SAID, names_between(client, home)):
        odd = decode(written)
        common_stream = codec.stream(EncodedRequest(b"", 0, False), context_of({}))
        assert common_stream is not None
        events = [common_stream.take(each) for each in (*before, odd)]
        if events[-1] is not None:
            generic = planned(client, home, {}).stream()
            assert [generic.feed(0, each) for each in (*before, odd)] == events
            assert common_stream.ping() == generic.ping()


@each_pair
@given(data=st.data())
def test_whatever_an_event_says_both_paths_are_the_same(
    data: st.DataObject, client: Shape, home: Shape
) -> None:
    events = common(home, *data.draw(st.lists(st.text(max_size=4), max_size=4)))
    place = data.draw(st.integers(0, len(events) - 1))
    level = data.draw(st.sampled_from(objects_in(events[place])))
    name = data.draw(one_of_the_names())
    events[place] = changed(events[place], [(f"{level}{name}", data.draw(WILD))])
    assert_same(client, home, events, data.draw(st.sampled_from(options_of(client))))


def test_what_is_common_for_one_translation_of_two_only() -> None:
    events = responses(" on", phase="final_answer")
    assert_same(COMPLETIONS, RESPONSES, events, {})
    translation = fast(COMPLETIONS, RESPONSES)
    stream = translation.stream()
    for event in events:
        stream.feed(0, event)
    assert translation.fell_back


def test_no_common_stream_of_a_request_that_is_not_common() -> None:
    assert by_codec(CHAT, RESPONSES, {"n": 2}) is None
    assert not isinstance(fast(CHAT, RESPONSES, {"stop": "x"}).stream(), FastStream)
    for options in ({"n": 2}, {"stop": "x"}, {"stream_options": {"include_obfuscation": True}}):
        assert by_codec(COMPLETIONS, CHAT, options) is None
    for client, home in PAIRS:
        if pair_paths(client, home, CONTEXT).agents is None:
            assert by_codec(client, home, {"stream": False, "stream_options": {}}) is None
