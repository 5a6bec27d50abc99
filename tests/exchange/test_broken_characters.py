"""Upstreams that write bytes of no character: a token may be a part of one.

Clients get valid JSON, the same on both paths: characters that come in parts are whole, and what
is none is U+FFFD, as servers that look at texts write it.
"""

import re
from collections.abc import Sequence
from itertools import permutations

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene
from tests.exchange.test_retries import ASKED, REPLIES
from tests.fakes import EVENT_STREAM, Answer, FakeReply, json_reply
from tests.fast.stream_events import usual

PAIRS = list(permutations(Shape, 2))
PARTS = {b"AA": b"\xf0", b"BB": b"\x9f\x98", b"CC": b"\x80", b"DD": b"\xe2\x82", b"EE": b"\xff"}
"""What is written in the place of words, which the wire is made with."""
JSON = ((b"content-type", b"application/json"),)


def broken(wire: bytes) -> bytes:
    for word, part in PARTS.items():
        wire = wire.replace(word, part)
    return wire


def asked(
    client: Shape, home: Shape, answer: FakeReply, *, fast: bool, model: str | None = None
) -> Exchanged:
    def server(call: UpstreamCall) -> Answer:
        return json_reply({"data": []}) if call.method == "GET" else answer

    stage = Scene(
        server,
        UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER),
        rules=(ModelRule("m", model=model, endpoints=(home,)),),
        performance=PerformanceSettings(fast_paths=fast),
    )
    stream = answer.headers == EVENT_STREAM
    return stage.generate(client, {"model": "m", "stream": stream, **ASKED[client]})


def on_both_paths(
    client: Shape,
    home: Shape,
    headers: RawHeaders,
    pieces: Sequence[bytes],
    model: str | None = None,
) -> bytes:
    """Return the body of a reply, which both paths make."""
    bodies = []
    for fast in (True, False):
        reply = FakeReply(200, headers, list(pieces))
        result = asked(client, home, reply, fast=fast, model=model)
        assert result.reply.status == 200
        bodies.append(re.sub(rb"[0-9a-f]{32}", b"drawn", result.body))
    assert bodies[0] == bodies[1]
    assert b"error" not in bodies[0].replace(b'"error":null', b"")
    return bodies[0]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_whole_reply_has_a_sign_in_the_place_of_what_is_no_character(
    client: Shape, home: Shape
) -> None:
    whole = msgspec.json.encode(REPLIES[home.path]).replace(b"Hello", b"HAABBCCelDDloEE")
    body = on_both_paths(client, home, JSON, [broken(whole)])
    assert "H\U0001f600el\ufffdlo\ufffd" in body.decode()


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_character_in_parts_is_whole_in_a_stream(client: Shape, home: Shape, size: int) -> None:
    wire = broken(b"".join(usual(home, ["He", "AA", "BB", "CC", " l", "DD", "lo", "EE", "!"])))
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
    said = said_in(client, on_both_paths(client, home, EVENT_STREAM, pieces))
    assert said == "He\U0001f600 l\ufffdlo\ufffd!"


@pytest.mark.parametrize("shape", Shape)
def test_so_it_is_for_an_alias_at_its_own_endpoint(shape: Shape) -> None:
    wire = [broken(piece) for piece in usual(shape, ["He", "AA", "BB", "CC", "llo"])]
    said = said_in(shape, on_both_paths(shape, shape, EVENT_STREAM, wire, "sent"))
    assert said == "He\U0001f600llo"


@pytest.mark.parametrize("shape", Shape)
def test_at_its_own_endpoint_bytes_are_passed_on(shape: Shape) -> None:
    whole = broken(msgspec.json.encode(REPLIES[shape.path]).replace(b"Hello", b"HDDEE"))
    assert on_both_paths(shape, shape, JSON, [whole]) == whole


def said_in(client: Shape, stream: bytes) -> str:
    """Return the text of a client's stream, by its deltas."""
    lines = [line[6:] for line in stream.decode().split("\n") if line.startswith("data: {")]
    return "".join(delta_of(client, msgspec.json.decode(line)) for line in lines)


def delta_of(client: Shape, event: Json) -> str:
    if client is Shape.RESPONSES:
        return event["delta"] if event["type"] == "response.output_text.delta" else ""
    if client is Shape.MESSAGES:
        return event["delta"]["text"] if event["type"] == "content_block_delta" else ""
    choices = event["choices"] or [{"text": "", "delta": {}}]
    if client is Shape.COMPLETIONS:
        return choices[0]["text"] or ""
    return choices[0]["delta"].get("content") or ""
