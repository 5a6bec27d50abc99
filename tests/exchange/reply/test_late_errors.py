"""Errors in the end of a reply that was passed on: found once it is over, in no other reply."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from gateway.errors import Reason, UpstreamError
from gateway.exchange.answers import untouched_answer
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.late_errors import late_error
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.usage import TAIL
from gateway.shapes import RawHeaders, Shape
from tests.bodies import read_out
from tests.exchange.reply.test_untouched import BEGUN, COMPLETE
from tests.exchange.reply.test_wrapped_errors import ANSWERS, ERRORS, sse
from tests.fakes import EVENT_STREAM, JSON, ArrivedReply, FakeReply

PING = b": ping\n\n"
BESIDE = sse({"id": "g", "choices": [{"index": 0, "delta": {}}], "error": {"message": "no"}})
OF_A_CHOICE = sse({"choices": [{"index": 0, "error": {"message": "no", "code": 502}}]})
GROQS = sse({"choices": [{"index": 0, "delta": {}}], "x_groq": {"error": "no"}})
RESULTS = {
    "a text": sse({"choices": [{"index": 0, "delta": {"content": 'an {"error":1}'}}]}),
    "null beside it": sse({"choices": [{"index": 0, "delta": {}}], "error": None}),
    "a call's": sse({"type": "response.output_item.done", "item": {"error": "no"}}),
    "a response": sse({"type": "response.completed", "response": {"error": None}}),
    "none": b"",
}


async def passed(
    pieces: Sequence[bytes], client: Shape | None, headers: RawHeaders = EVENT_STREAM
) -> ReplyBody:
    """Return the body of a reply that is silent for longer than its beginning is waited for."""
    reply = await untouched_answer(client, FakeReply(200, headers, pieces), 0)
    assert isinstance(reply, ClientReply)
    assert isinstance(reply.body, ReplyBody)
    return reply.body


@pytest.mark.parametrize("before", ["nothing", "comments", "events"])
@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_after_the_grace_or_in_mid_stream_is_a_failure(
    kind: str, client: Shape, before: str
) -> None:
    sent = {"nothing": [], "comments": [PING] * 9, "events": [BEGUN[client]] * 9}[before]
    pieces = [*sent, ERRORS[kind][0], b"data: [DONE]\n\n"]

    async def scenario() -> None:
        body = await passed(pieces, client)
        seen: list[UpstreamError | None] = []

        def sink(_: bytes) -> bool:
            seen.append(body.failure)  # type: ignore[arg-type]  # an upstream's, if any
            return True

        await body.pipe(sink)
        await body.aclose()
        assert set(seen) == {None}, "what is made of single events changes"
        assert isinstance(body.failure, UpstreamError)
        assert body.failure.reason in (Reason.ERROR_REPLY, Reason.REJECTED)

    asyncio.run(scenario())


@pytest.mark.parametrize("event", [BESIDE, OF_A_CHOICE, GROQS])
@pytest.mark.parametrize("whole", [False, True])
def test_so_is_one_beside_choices(event: bytes, *, whole: bool) -> None:
    pieces = [BEGUN[Shape.CHAT], event, b"data: [DONE]\n\n"]
    kind = ArrivedReply if whole else FakeReply

    async def scenario() -> None:
        reply = await untouched_answer(Shape.CHAT, kind(200, EVENT_STREAM, pieces), 60)
        assert isinstance(reply, ClientReply)
        assert isinstance(reply.body, ReplyBody)
        assert await read_out(reply.body) == b"".join(pieces)
        assert reply.body.failure is not None
        assert reply.body.failure.message == "no"

    asyncio.run(scenario())


@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("event", RESULTS.values(), ids=RESULTS)
def test_results_that_speak_of_errors_are_none(client: Shape, event: bytes) -> None:
    body = asyncio.run(passed([BEGUN[client], event, COMPLETE[client]], client))
    asyncio.run(read_out(body))
    assert body.failure is None


@pytest.mark.parametrize(
    ("event", "is_error"),
    [
        *[(event, False) for event in ANSWERS.values()],
        (sse(b"Error handling"), False),
        (sse({"id": "r", "data": {}, "error": "of a tool"}), False),
        (sse({"error": {"message": "no"}}), True),
        (sse({"type": "error", "error": {"message": "no"}}), True),
        (sse({"message": "no"}, "error"), True),
    ],
)
def test_at_other_endpoints_only_an_event_that_is_nothing_else(
    event: bytes, *, is_error: bool
) -> None:
    body = asyncio.run(passed([sse({"delta": "a"}), event], None))
    asyncio.run(read_out(body))
    assert (body.failure is not None) is is_error


@pytest.mark.parametrize("client", [Shape.CHAT, None])
@pytest.mark.parametrize("size", [0, 1000, 2 * TAIL])
@pytest.mark.parametrize("step", [7, 100_000])
def test_json_after_the_grace_is_judged_whole(client: Shape | None, size: int, step: int) -> None:
    for body, is_error in (
        ({"error": {"message": "no", "trace": "x" * size}}, size < TAIL),
        ({"choices": [], "text": "x" * size, "error": None}, False),
    ):
        whole = msgspec.json.encode(body)
        pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
        passing = asyncio.run(passed(pieces, client, JSON))
        assert asyncio.run(read_out(passing)) == whole
        assert (passing.failure is not None) is is_error
        assert passing.tokens is None


def test_what_is_no_json_is_not_kept() -> None:
    error = b'{"error":{"message":"no"}}'
    body = asyncio.run(passed([error], None, ((b"content-type", b"audio/mpeg"),)))
    asyncio.run(read_out(body))
    assert body.failure is None


def test_a_client_that_leaves_with_the_error_has_had_it() -> None:
    async def scenario() -> None:
        body = await passed([ERRORS["OpenAI"][0], PING], Shape.CHAT)
        has_it = asyncio.Event()

        def sink(_: bytes) -> bool:
            has_it.set()
            return False

        task = asyncio.ensure_future(body.pipe(sink))
        await has_it.wait()
        assert body.is_complete
        task.cancel()
        await asyncio.wait({task})
        assert body.failure is not None
        assert body.failure.message == "no"
        await body.aclose()

    asyncio.run(scenario())


def test_what_is_replayed_is_not_judged() -> None:
    body = passed_on(FakeReply(200, EVENT_STREAM, [ERRORS["OpenAI"][0]]), Shape.CHAT).body
    assert isinstance(body, ReplyBody)
    asyncio.run(read_out(body))
    assert body.failure is None


def test_the_last_of_several_errors_counts_with_its_status() -> None:
    end = sse({"error": {"message": "first"}}) + sse({"error": {"message": "last", "code": 429}})
    error = late_error(end, Shape.CHAT)
    assert error is not None
    assert (error.message, error.status) == ("last", 429)
    assert late_error(b'{"error":[]}', None, is_whole=True) is not None
