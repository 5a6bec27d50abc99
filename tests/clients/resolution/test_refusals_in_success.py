"""Refusals in replies of status 200: in one piece, in chunks, and as a stream's first event."""

from collections.abc import Callable

import msgspec
import pytest

from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.faulty_upstream import JSON, SSE, chunk, head
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    EMPTY,
    MODEL,
    Scene,
    absent,
    answer,
    as_json,
    at_once,
    elsewhere,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, set_up

pytestmark = pytest.mark.anyio

Wrap = Callable[[bytes], bytes]
JSON_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
)


def body_of(refusal: bytes) -> bytes:
    return refusal.partition(b"\r\n\r\n")[2]


def with_a_length(refusal: bytes) -> bytes:
    return as_json(msgspec.json.decode(body_of(refusal)))


def in_chunks(refusal: bytes) -> bytes:
    body = body_of(refusal)
    return head(JSON) + b"".join(map(chunk, (body[:20], body[20:], b"")))


def as_an_event(refusal: bytes) -> bytes:
    return head(SSE) + chunk(b"data: " + body_of(refusal) + b"\n\n") + chunk(b"")


def as_a_named_event(refusal: bytes) -> bytes:
    event = b": ping\n\nevent: error\ndata: " + body_of(refusal) + b"\n\ndata: [DONE]\n\n"
    return head(SSE) + chunk(event) + chunk(b"")


def as_an_event_of_responses(refusal: bytes) -> bytes:
    inside: Json = msgspec.json.decode(body_of(refusal))["error"]
    error = {"type": "error", "sequence_number": 0, **{k: inside[k] for k in ("message", "code")}}
    event = b"event: error\ndata: " + msgspec.json.encode({**error, "param": None}) + b"\n\n"
    return head(SSE) + chunk(event) + chunk(b"")


WHOLE = (with_a_length, in_chunks)
STREAMED = (with_a_length, in_chunks, as_an_event, as_a_named_event)
WRAPPED = [
    *((wrap, False) for wrap in WHOLE),
    *((wrap, True) for wrap in STREAMED),
]


@pytest.mark.parametrize("text", ["absent", "elsewhere"])
@pytest.mark.parametrize(("wrap", "streamed"), WRAPPED)
@pytest.mark.parametrize(
    ("client", "home"),
    [
        (Shape.CHAT, Shape.RESPONSES),
        (Shape.CHAT, Shape.COMPLETIONS),
        (Shape.COMPLETIONS, Shape.CHAT),
        (Shape.COMPLETIONS, Shape.RESPONSES),
        (Shape.RESPONSES, Shape.CHAT),
    ],
)
async def test_a_refusal_is_one_however_it_comes(
    client: Shape, home: Shape, wrap: Wrap, streamed: bool, text: str
) -> None:
    """At the client's endpoint, where bytes are passed on, and at others, where they are not."""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is home:
            return answer(shape, MODEL, streamed=body.get("stream", False))
        return wrap(absent() if text == "absent" else elsewhere(shape, home))

    async with set_up(kinds.AUTO) as stage:
        scene = Scene("in 200", home, at_once(listing(MODEL)), at_once(EMPTY), generate=generate)
        scene = stage.set(scene)
        said, calls = await stage.answered(scene, client, streamed=streamed)
        assert said == RIGHT[client]
        assert len(calls) <= 3
        stage.clock.advance(A_MOMENT)
        again = await stage.answered(scene, client, streamed=streamed)
        assert again == (RIGHT[client], [home])


async def test_a_refusal_in_the_words_of_responses_events_is_one() -> None:
    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is Shape.CHAT:
            return answer(shape, MODEL, streamed=True)
        return as_an_event_of_responses(elsewhere(shape, Shape.CHAT))

    async with set_up(kinds.AUTO) as stage:
        scene = Scene("event", None, at_once(listing(MODEL)), at_once(EMPTY), generate=generate)
        scene = stage.set(scene)
        said, _ = await stage.answered(scene, Shape.RESPONSES, streamed=True)
        assert said == RIGHT[Shape.RESPONSES]


@pytest.mark.parametrize("wrap", STREAMED)
async def test_a_refused_parameter_is_fixed_however_that_is_said(wrap: Wrap) -> None:
    refused = as_json(
        {
            "error": {
                "message": "Unsupported parameter: 'temperature' is not supported with this model.",
                "type": "invalid_request_error",
                "param": "temperature",
                "code": "unsupported_parameter",
            }
        }
    )

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        return wrap(refused) if "temperature" in body else answer(shape, MODEL, streamed=True)

    async with set_up(kinds.OPENAI) as stage:
        scene = Scene("fix", None, at_once(listing(MODEL)), at_once(EMPTY), generate=generate)
        scene = stage.set(scene)
        for calls in (2, 1):
            scene.calls.clear()
            said, _ = await stage.answered(scene, Shape.CHAT, streamed=True, temperature=0.2)
            assert said == RIGHT[Shape.CHAT]
            assert len(scene.calls) == calls
            stage.clock.advance(A_MOMENT)
