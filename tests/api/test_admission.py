"""What a head alone decides: an admission, its request with a body, and refusals."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.api.admission import Admission, begin, refusal
from gateway.api.concurrency import ClientSlots, Running
from gateway.config.settings import ClientSettings
from gateway.errors import GatewayError, InvalidRequest, PayloadTooLarge
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import GenerationRequest, Request
from gateway.shapes import Shape

TEAM = ClientSettings("team", ("0" * 64,))
HEADERS = ((b"host", b"h"),)
UPLOAD = Request("PUT", "/files", b"a=b", HEADERS, b"", TEAM, "gpt-4o")
GENERATION = GenerationRequest(
    "POST", "/chat/completions", b"a=b", HEADERS, b"", TEAM, "gpt-4o", None, Shape.COMPLETIONS
)


async def serve(request: Request, decision: Decision) -> ClientReply:
    raise AssertionError


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"


@pytest.mark.parametrize("request_", [UPLOAD, GENERATION], ids=["upload", "generation"])
def test_a_request_with_a_body_is_a_new_one_that_is_the_same_otherwise(request_: Request) -> None:
    admission = Admission(request_, serve, 10)
    first, second = admission.with_body(b"one"), admission.with_body(b"two")
    assert (first.body, second.body, request_.body) == (b"one", b"two", b"")
    assert type(first) is type(request_)
    for name in type(request_).__struct_fields__:
        if name != "body":
            assert getattr(first, name) == getattr(request_, name), name


def test_a_stream_has_the_length_that_the_client_said() -> None:
    body = pieces()
    made = Admission(UPLOAD, serve, 10, whole=False).with_body(body, 7)
    assert made.body is body
    assert (made.length, made.model, made.client) == (7, "gpt-4o", TEAM)
    assert Admission(UPLOAD, serve, 10).with_body(b"whole").length is None


def test_a_request_whose_body_fails_keeps_what_is_known_of_it() -> None:
    begun: list[int] = []
    admission = Admission(UPLOAD, serve, 10, client="team", request_id="id")
    admission.begin = lambda: begun.append(1)
    failed = admission.failed(PayloadTooLarge("no"))
    assert (failed.client, failed.request_id, failed.begin) == ("team", "id", admission.begin)
    assert not begin(failed).anthropic
    admission.anthropic = True
    assert begin(admission).anthropic
    assert begin(admission.failed(PayloadTooLarge("no"))).anthropic


def test_a_request_is_counted_once_though_its_body_arrives_later() -> None:
    slots = ClientSlots("team", 1, Running())
    free = Admission(UPLOAD, serve, 10)
    assert free.counted() == (free, None)
    limited = Admission(UPLOAD, serve, 10, slots=slots)
    first, given = limited.counted()
    assert (first.slots, given) == (None, slots)
    second, nothing = limited.counted()
    assert (second.needs_body, nothing) == (False, None)
    assert second.error is not None
    assert second.error.status == 429
    slots.give_back()
    assert limited.counted()[1] is slots


def test_a_refusal_answers_with_its_error_again_and_again() -> None:
    error = InvalidRequest("no", param="n", headers=(("x-a", "1"),))
    refused = refusal(error, "chat")
    assert (refused.label, refused.error, refused.while_draining) == ("chat", error, True)
    assert refused.request.client is None

    async def answered() -> ClientReply:
        return await refused.handler(refused.with_body(b"ignored"), Decision())

    for _ in range(2):
        reply = asyncio.run(answered())
        assert isinstance(reply.body, bytes)
        assert (reply.status, msgspec.json.decode(reply.body)) == (400, error.envelope())
        assert (b"x-a", b"1") in reply.headers


def test_a_refused_body_may_have_come_with_its_head_if_it_is_small() -> None:
    assert 0 < refusal(InvalidRequest("no")).limit <= 64 * 1024


def test_a_body_that_fails_is_told_under_the_same_label() -> None:
    admission = Admission(GENERATION, serve, 10, label="completions")
    failed = admission.failed(PayloadTooLarge("too large"))
    assert failed.label == "completions"
    assert isinstance(failed.error, GatewayError)
    assert failed.error.status == 413
