"""Odd requests, replies and streams, over every pair of shapes and through the whole gateway.

Whatever comes, there is an answer or an error that names its cause; the fast paths say what the
generic path says; what means the same is said, whole and streamed; and a stream that was cut off
never looks complete.
"""

import os
import re
from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged
from tests.fakes import EVENT_STREAM, Answer, FakeReply, json_reply
from tests.messages_grammar import read_message
from tests.translate.round_trips import requests as asked
from tests.translate.round_trips.clients import streamed_reply, whole_reply
from tests.translate.round_trips.exchanges import MODEL, streaming, whole
from tests.translate.round_trips.odd import UNHEARD_OF, broken, unusual, without_nulls
from tests.translate.round_trips.playing import play, shown, undrawn
from tests.translate.round_trips.replies import replies
from tests.translate.round_trips.streams import events_of
from tests.translate.round_trips.test_round_trips import comparable
from tests.translate.test_messages_fields import REQUESTS
from tests.translate.what_clients_see import reply_seen

SETTINGS = settings(
    derandomize="EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.generate],
)
"""A failure is told as it is: to shrink an exchange takes minutes. The exchanges are the same ones
each time, as in `test_round_trips`, unless EXAMPLES asks for others."""
MESSAGES = Shape.MESSAGES
_ENDS = {
    Shape.COMPLETIONS: (b"data: [DONE]",),
    Shape.CHAT: (b"data: [DONE]",),
    Shape.RESPONSES: (b'"type":"response.completed"', b'"type":"response.incomplete"'),
    MESSAGES: (b'"type":"message_stop"',),
}


def sensible(client: Shape) -> st.SearchStrategy[Json]:
    if client in asked.CLIENTS:
        return asked.requests(client, MODEL)
    return st.sampled_from(REQUESTS).map(lambda body: {**body, "model": MODEL})


def as_stream(client: Shape, request: Json) -> Json:
    return {**request, "stream": True} if client is MESSAGES else streaming(client, request)


def wire(home: Shape, events: Sequence[Json]) -> bytes:
    done = b"data: [DONE]\n\n" if home in (Shape.COMPLETIONS, Shape.CHAT) else b""
    return b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events) + done


def in_pieces(stream: bytes, places: Sequence[int]) -> FakeReply:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return FakeReply(200, EVENT_STREAM, [stream[a:b] for a, b in pairwise(edges)] or [b""])


def answered(data: st.DataObject, client: Shape, home: Shape, request: Json) -> list[Json]:
    """Return replies to a request, of which there must be one."""
    drawn: list[Json] = []

    def deliver(call: int, body: Json) -> Answer:
        drawn.append(data.draw(replies(home, body, call)))
        return json_reply(drawn[-1])

    _, got = play(client, home, request, deliver, fast=True)
    assume(drawn and isinstance(got, Exchanged))
    return drawn


def with_one_form_of_reasoning(reply: Json) -> Json:
    """Return a reply whose reasoning has a text or a summary: of two, the first to come counts."""
    for item in reply.get("output", ()):
        if item["type"] == "reasoning" and item.get("summary"):
            item.pop("content", None)
    return reply


def said(client: Shape, got: Exchanged, *, streamed: bool) -> Any:
    """Return what a client makes of a reply; fails unless all of it is valid."""
    if client is not MESSAGES:
        reply = (streamed_reply if streamed else whole_reply)(client, got)
    elif streamed:
        reply = read_message(got.events)
    else:
        reply = got.json
        # Counts that nobody has heard of are passed on.
        usage = {name: each for name, each in reply["usage"].items() if name not in UNHEARD_OF}
        reply_seen(MESSAGES, {**reply, "usage": usage})
    without = {key: value for key, value in reply.items() if key != "service_tier"}
    return comparable(msgspec.json.decode(undrawn(msgspec.json.encode(without))))


@pytest.mark.parametrize("client", Shape)
@SETTINGS
@given(data=st.data())
def test_a_broken_request_is_answered_or_refused_as_on_the_generic_path(
    client: Shape, data: st.DataObject
) -> None:
    home = data.draw(st.sampled_from(Shape))
    request = data.draw(sensible(client))
    drawn = answered(data, client, home, whole(request))
    request = data.draw(st.sampled_from([whole(request), as_stream(client, request)]))
    request = {**data.draw(broken(request)), "model": MODEL}

    def deliver(call: int, body: Json) -> Answer:
        reply = drawn[call % len(drawn)]
        return (
            in_pieces(wire(home, events_of(home, reply, usage=True)), ())
            if body.get("stream")
            else json_reply(reply)
        )

    fast, generic = (play(client, home, request, deliver, fast=each) for each in (True, False))
    assert shown(fast) == shown(generic)
    sent, got = generic
    if not sent and isinstance(got, GatewayError):
        assert 400 <= got.status < 500


@pytest.mark.parametrize("client", Shape)
@SETTINGS
@given(data=st.data())
def test_a_broken_reply_is_translated_or_a_bad_gateway_on_both_paths(
    client: Shape, data: st.DataObject
) -> None:
    home = data.draw(st.sampled_from([shape for shape in Shape if shape is not client]))
    request = whole(data.draw(sensible(client)))
    drawn = [data.draw(broken(reply)) for reply in answered(data, client, home, request)]
    fast, generic = (
        play(client, home, request, lambda call, _: json_reply(drawn[call % len(drawn)]), fast=each)
        for each in (True, False)
    )
    assert shown(fast) == shown(generic)
    if isinstance(generic[1], GatewayError):
        assert generic[1].status == 502


@pytest.mark.parametrize("client", Shape)
@SETTINGS
@given(data=st.data())
def test_broken_events_are_translated_or_end_the_stream_on_both_paths(
    client: Shape, data: st.DataObject
) -> None:
    home = data.draw(st.sampled_from([shape for shape in Shape if shape is not client]))
    request = data.draw(sensible(client))
    drawn = answered(data, client, home, whole(request))
    streams = [wire(home, data.draw(broken(events_of(home, reply, usage=True)))) for reply in drawn]
    places = data.draw(st.lists(st.integers(0, 10**4), max_size=9))
    fast, generic = (
        play(
            client,
            home,
            as_stream(client, request),
            lambda call, _: in_pieces(streams[call % len(streams)], places),
            fast=each,
        )
        for each in (True, False)
    )
    assert shown(fast) == shown(generic)


@pytest.mark.parametrize("client", Shape)
@SETTINGS
@given(data=st.data())
def test_an_unusual_reply_says_the_same_whole_and_streamed(
    client: Shape, data: st.DataObject
) -> None:
    home = data.draw(st.sampled_from([shape for shape in Shape if shape is not client]))
    request = data.draw(sensible(client))
    assume(not request.get("best_of"))  # no stream has it
    drawn = [
        with_one_form_of_reasoning(data.draw(unusual(reply)))
        for reply in answered(data, client, home, whole(request))
    ]
    places = data.draw(st.lists(st.integers(0, 10**4), max_size=9))
    written = data.draw(st.sampled_from([without_nulls, lambda document: document]))

    def deliver(call: int, body: Json) -> Answer:
        reply = drawn[call % len(drawn)]
        if not body.get("stream"):
            return json_reply(written(reply))
        return in_pieces(wire(home, written(events_of(home, reply, usage=True))), places)

    fast = data.draw(st.booleans())
    _, all_at_once = play(client, home, whole(request), deliver, fast=fast)
    _, streamed = play(client, home, as_stream(client, request), deliver, fast=fast)
    assert isinstance(all_at_once, Exchanged), all_at_once
    assert isinstance(streamed, Exchanged), streamed
    assert said(client, streamed, streamed=True) == said(client, all_at_once, streamed=False)


@pytest.mark.parametrize(("client", "home"), list(product(Shape, repeat=2)))
@SETTINGS
@given(data=st.data())
def test_a_stream_that_is_cut_off_never_looks_complete(
    client: Shape, home: Shape, data: st.DataObject
) -> None:
    request = data.draw(sensible(client))
    streams = [
        wire(home, events_of(home, reply, usage=True))
        for reply in answered(data, client, home, whole(request))
    ]
    cut = data.draw(st.integers(0, len(streams) - 1))
    streams[cut] = streams[cut][: data.draw(_cuts(home, streams[cut]))]
    places = data.draw(st.lists(st.integers(0, 10**4), max_size=3))
    sent, got = play(
        client,
        home,
        as_stream(client, request),
        lambda call, _: in_pieces(streams[call % len(streams)], places),
        fast=data.draw(st.booleans()),
    )
    # Choices that a stream has not begun may be asked for again.
    assume(cut < len(sent) <= len(streams))
    if isinstance(got, Exchanged):
        assert not any(end in got.body for end in _ENDS[client])
    else:
        assert got.status == 502


def _cuts(home: Shape, stream: bytes) -> st.SearchStrategy[int]:
    """Draw where a stream may be cut: behind an event, or anywhere, but before what ends it.

    That is a choice's last reason, or the last event.
    """
    is_chat = home in (Shape.COMPLETIONS, Shape.CHAT)
    end = stream.rfind(b'"finish_reason":"' if is_chat else b"data: ")
    events = [found.end() for found in re.finditer(b"\n\n", stream[:end])]
    return st.sampled_from([0, *events]) | st.integers(0, end)
