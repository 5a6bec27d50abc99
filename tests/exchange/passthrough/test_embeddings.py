"""Embeddings in the encoding that was asked for."""

import asyncio
import gzip
from base64 import b64encode
from collections.abc import AsyncIterator
from struct import pack
from typing import Any

import msgspec
import pytest

from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.shapes import Json
from tests.exchange.passthrough.test_forward import passed, pieces
from tests.exchange.scene import Scene
from tests.fakes import Answer, FakeReply, error_reply, json_reply

NUMBERS = [[0.5, -2.25, 3], [1.0, 0.0, -0.5]]
PACKED = [b64encode(pack("<3f", *each)).decode() for each in NUMBERS]
ASKED: dict[str, list[Json]] = {
    "base64": [{"encoding_format": "base64"}],
    "float": [{"encoding_format": "float"}, {}, {"encoding_format": None}],
}
FIELDS = {"object": "list", "model": "é", "usage": {"prompt_tokens": 2, "total_tokens": 2}}


def reply_of(embeddings: list[Any]) -> Json:
    data = [
        {"object": "embedding", "index": index, "embedding": each}
        for index, each in enumerate(embeddings)
    ]
    return {**FIELDS, "data": data}


def body_of(**more: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "input": ["a", "b"], **more})


Embedded = tuple[ClientReply, Decision, bytes]


def embed(answer: Answer, body: bytes | AsyncIterator[bytes]) -> Embedded:
    async def scenario() -> Embedded:
        reply, decision = await passed(Scene(lambda _: answer), body=body)
        if isinstance(reply.body, bytes):
            return reply, decision, reply.body
        try:
            return reply, decision, b"".join([piece async for piece in reply.body])
        finally:
            await reply.body.aclose()

    return asyncio.run(scenario())


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(
    ("asked", "sent", "expected", "told"),
    [
        ("base64", NUMBERS, PACKED, "changed=embedding:float->base64"),
        ("float", PACKED, NUMBERS, "changed=embedding:base64->float"),
        ("base64", PACKED, PACKED, ""),
        ("float", NUMBERS, NUMBERS, ""),
    ],
)
def test_they_come_as_they_were_asked_for(
    asked: str, sent: list[Any], expected: list[Any], told: str, *, split: bool
) -> None:
    for more in ASKED[asked]:
        whole = msgspec.json.encode(reply_of(sent))
        parts = (whole[:50], whole[50:150], whole[150:]) if split else (whole,)
        headers = ((b"content-type", b"application/json"), (b"x-own", b"1"))
        answer = FakeReply(200, headers, parts)
        body = pieces(*body_of(**more).partition(b"input")) if split else body_of(**more)
        reply, decision, received = embed(answer, body)
        assert msgspec.json.decode(received) == reply_of(expected)
        assert decision.translation == told
        assert (b"x-own", b"1") in reply.headers
        if told:
            assert (b"content-length", b"%d" % len(received)) in reply.headers
        else:
            assert received == whole


@pytest.mark.parametrize(
    "odd",
    [
        [["x"]],
        [[0.5], {"no": 1}],
        [[0.5], "AAAA"],
        [[1e300]],
        [[[0.5]]],
    ],
)
def test_what_is_no_list_of_numbers_comes_as_it_is(odd: list[Any]) -> None:
    answer = json_reply(reply_of(odd))
    whole = msgspec.json.encode(reply_of(odd))
    _, decision, received = embed(answer, body_of(encoding_format="base64"))
    assert (received, decision.translation) == (whole, "")


@pytest.mark.parametrize("odd", [["AAA"], ["AAAA"], ["%%%%"], [PACKED[0], [0.5]], ["AADAfw=="]])
def test_what_is_no_packed_numbers_comes_as_it_is(odd: list[Any]) -> None:
    whole = msgspec.json.encode(reply_of(odd))
    _, decision, received = embed(json_reply(reply_of(odd)), body_of())
    assert (received, decision.translation) == (whole, "")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"{}",
        b'{"data": 3, "embedding": [1',
        b'{"data": [{"embedding": [1]}], "x": \xff}',
        b" " * 5000 + b'{"data": [{"embedding": [1.0]}]}',
    ],
)
def test_what_is_no_reply_comes_as_it_is(reply: bytes) -> None:
    answer = FakeReply(200, ((b"content-type", b"application/json"),), (reply,) if reply else ())
    _, _, received = embed(answer, body_of(encoding_format="base64"))
    assert received == reply


def test_errors_and_compressed_replies_come_as_they_are() -> None:
    reply, _, received = embed(error_reply(400, '"embedding":['), body_of(encoding_format="base64"))
    assert reply.status == 400
    assert b"embedding" in received
    packed = gzip.compress(msgspec.json.encode(reply_of(NUMBERS)))
    answer = FakeReply(200, ((b"content-encoding", b"gzip"),), (packed,))
    assert embed(answer, body_of(encoding_format="base64"))[2] == packed


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        body_of(encoding_format="ubinary"),
        body_of(encoding_format="base64", padding="x" * 1_100_000),
    ],
)
def test_of_a_request_that_says_nothing_the_reply_comes_as_it_is(body: bytes) -> None:
    whole = msgspec.json.encode(reply_of(NUMBERS))
    for given in (body, pieces(body[:600_000], body[600_000:1_050_000], body[1_050_000:])):
        if isinstance(given, bytes) and len(body) > 1_000_000:
            continue  # what is here as a whole is read
        _, decision, received = embed(json_reply(reply_of(NUMBERS)), given)
        assert (received, decision.translation) == (whole, "")


def test_a_large_reply_is_changed_beside_the_event_loop() -> None:
    answer = json_reply(reply_of(NUMBERS * 20_000))
    _, _, received = embed(answer, body_of(encoding_format="base64"))
    assert msgspec.json.decode(received)["data"][39_999]["embedding"] == PACKED[1]
