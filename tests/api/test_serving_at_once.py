"""Requests that are served without a task: what their clients see is what they see of tasks."""

import asyncio
import hashlib
import logging
import re
from typing import cast
from unittest.mock import Mock

import msgspec
import pytest

from gateway.api import endings
from gateway.api.admission import refusal
from gateway.api.serving_at_once import ServingAtOnce
from gateway.config.settings import ClientSettings, TimeoutSettings
from gateway.errors import UnknownRoute
from gateway.exchange.repeated_call import RepeatedCall
from gateway.exchange.repeats import Repeats
from gateway.observe.observer import Observer, RequestObserver
from gateway.request import GenerationRequest, Head
from gateway.server.connection.writer import WireWriter
from gateway.shapes import ClientHeaders, Shape
from tests.api.at_once import ANSWER, Caller, Stage, post, stage, without_ids
from tests.api.client import Client, Recorder
from tests.server.connection.test_http1 import answer
from tests.server.connection.test_writer import POST, FakeListener, FakeWire
from tests.upstream.scripted import Peer, Script, chunked, replies, until, with_length

pytestmark = pytest.mark.anyio

JSON = "Content-Type: application/json"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SHAPES = pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def refused(status: str, message: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return with_length(msgspec.json.encode({"error": error}), status, JSON)


ODD = {
    "simple": [ANSWER],
    "in two pieces": [ANSWER[:-20], ANSWER[-20:]],
    "its head in pieces": [ANSWER[:30], ANSWER[30:50], ANSWER[50:]],
    "chunked": [chunked(ANSWER.partition(b"\r\n\r\n")[2])],
    "a hint before it": [b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", ANSWER],
    "not found": [refused("404 Not Found", "The model 'm' does not exist")],
    "refused": [refused("400 Bad Request", "temperature must be less")],
    "too many": [refused("429 Too Many Requests", "slow down")],
    "failed": [refused("500 Internal Server Error", "oops")],
    "not JSON": [with_length(b"<html>", "200 OK", "Content-Type: text/html")],
    "cut off in JSON": [with_length(b'{"id":', "200 OK", JSON)],
    "an error under 200": [with_length(b'{"error":{"message":"no"}}', "200 OK", JSON)],
    "nothing": [with_length(b"", "200 OK", JSON)],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "cut off": [ANSWER[:-20], None],
    "closed": [None],
    "half a head": [ANSWER[:40], None],
    "not HTTP": [b"220 mail.example ESMTP\r\n\r\n"],
    "a control character": [
        with_length(ANSWER.partition(b"\r\n\r\n")[2], "200 OK", JSON, "X-Odd: \x01")
    ],
}
"""What the upstream sends after a warm-up, piece by piece; None: it closes."""


def after_one(pieces: list[bytes | None]) -> Script:
    """Answer one request, and the next in these pieces; further connections answer as usual."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        for piece in pieces:
            if piece is None:
                return
            await peer.send(piece)
            await asyncio.sleep(0.001)  # a packet of its own; what it is joined with is right, too
        await always(peer)

    return script


async def always(peer: Peer) -> None:
    """Answer all requests."""
    while True:
        await peer.request()
        await peer.send(ANSWER)


def holding(arrived: asyncio.Event, left: asyncio.Event) -> Script:
    """Answer one request; when the next one has come, wait until its client has gone."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        arrived.set()
        await peer.gone()
        left.set()

    return script


async def three_replies(pieces: list[bytes | None], shape: Shape, *, fast_paths: bool) -> object:
    """Return all that is seen of three requests of a connection, the odd reply the second."""
    async with stage(after_one(pieces), always, fast_paths=fast_paths) as one:
        caller = await one.caller()
        got = [without_ids(await caller.ask(post(shape))) for _ in range(2)]
        if caller.reader.at_eof():
            caller = await one.caller()
        got.append(without_ids(await caller.ask(post(shape))))
        await until(lambda: one.in_flight == (0, 0))
        return got, one.seen, one.upstream.connections


@SHAPES
@pytest.mark.parametrize("pieces", ODD.values(), ids=ODD.keys())
async def test_what_is_seen_is_as_by_tasks(pieces: list[bytes | None], shape: Shape) -> None:
    without = await three_replies(pieces, shape, fast_paths=False)
    assert await three_replies(pieces, shape, fast_paths=True) == without


@SHAPES
async def test_a_repeated_request_needs_no_task(shape: Shape) -> None:
    async with stage(replies(*[ANSWER] * 5)) as one:
        caller = await one.caller()
        for _ in range(5):
            assert (await caller.ask(post(shape))).startswith(b"HTTP/1.1 200 OK")
        assert one.in_tasks == 1  # the first, which finds out
        assert one.seen == [(200, "success", 1)] * 5
        assert one.in_flight == (0, 0)


async def test_another_connection_needs_none_either() -> None:
    async with stage(replies(*[ANSWER] * 3)) as one:
        for _ in range(3):
            caller = await one.caller()
            assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")
        assert one.in_tasks == 1


@SHAPES
async def test_requests_in_a_row_are_answered_in_their_order(shape: Shape) -> None:
    async with stage(replies(*[ANSWER] * 20)) as one:
        caller = await one.caller()
        caller.writer.write(post(shape) * 20)
        for _ in range(20):
            assert (await caller.reply()).startswith(b"HTTP/1.1 200 OK")
        assert one.upstream.connections == 1
        assert one.seen == [(200, "success", 1)] * 20


async def test_each_request_sends_its_own_id() -> None:
    ids: list[str | None] = []

    async def script(peer: Peer) -> None:
        while True:
            ids.append((await peer.request()).header("x-request-id"))
            await peer.send(ANSWER)

    async with stage(script) as one:
        caller = await one.caller()
        given = "x-request-id: mine"
        replied = [await caller.ask(post(Shape.CHAT, *own)) for own in ((), (), (given,), (given,))]
        assert len(set(ids[:2])) == 2
        assert ids[2:] == ["mine", "mine"]
        for own, reply in zip(ids, replied, strict=True):
            assert f"x-request-id: {own}".encode() in reply


@pytest.mark.parametrize("pipelined", [1, 3])
async def test_requests_of_one_turn_send_their_own_ids(pipelined: int) -> None:
    """Whatever the others have: calls of one turn are made in one context."""
    sent: list[list[str]] = []

    async def script(peer: Peer) -> None:
        while True:
            fields = (await peer.request()).headers
            sent.append([value for name, value in fields if name == "x-request-id"])
            await peer.send(ANSWER)

    async with stage(*[script] * 8) as one:
        callers = [await one.caller() for _ in range(8)]
        for _ in range(2):  # the second time, each has a connection that is idle
            got: list[str] = []
            sent.clear()
            for number, caller in enumerate(callers):
                own = (f"x-request-id: mine-{number}",) if number % 3 == 1 else ()
                caller.writer.write(post(Shape.CHAT, *own) * pipelined)
            for caller in callers:
                replied = [await caller.reply() for _ in range(pipelined)]
                got += [re.findall(r"x-request-id: (\S+)", r.decode())[0] for r in replied]
            assert sorted(sent) == [[each] for each in sorted(got)]
            assert len(set(got)) == (8 if pipelined == 1 else 8 * pipelined - 3 * (pipelined - 1))


def closes_when_used(times: int = 1) -> Script:
    """Answer some requests, then close at the moment when the next one comes, without reading."""

    async def script(peer: Peer) -> None:
        for _ in range(times):
            await peer.request()
            await peer.send(ANSWER)
        peer.half_close()
        await peer.gone()

    return script


async def test_what_goes_on_in_a_task_keeps_its_own_id() -> None:
    """The upstream's connection was opened by another request, whose id is not sent again."""
    ids: list[str | None] = []

    async def script(peer: Peer) -> None:
        ids.append((await peer.request()).header("x-request-id"))
        await peer.send(ANSWER)
        ids.append((await peer.request()).header("x-request-id"))
        await peer.send(refused("400 Bad Request", "Unsupported parameter: 'top_k'"))
        ids.append((await peer.request()).header("x-request-id"))
        await peer.send(ANSWER)
        await peer.gone()

    async with stage(script) as one:
        caller = await one.caller()
        await caller.ask(post())
        assert (await caller.ask(post(top_k=1))).startswith(b"HTTP/1.1 200 OK")
        assert ids[1] == ids[2] != ids[0]
        assert one.seen[0] == (200, "success", 2)


async def test_a_stream_is_passed_on_by_a_task() -> None:
    event = b'data: {"choices":[]}\n\n'
    pieces = [EVENTS, b"%x\r\n%b\r\n" % (len(event), event), b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"]
    async with stage(after_one([*pieces])) as one:
        caller = await one.caller()
        await caller.ask(post())
        streamed = await caller.ask(post(stream=True))
        assert event in streamed
        assert streamed.endswith(b"[DONE]\n\n\r\n0\r\n\r\n")
        assert one.seen[0][:2] == (200, "success")


@SHAPES
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_client_that_leaves_ends_its_call(shape: Shape, reset: bool) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()
    async with stage(holding(arrived, left), replies(ANSWER)) as one:
        caller = await one.caller()
        await caller.ask(post(shape))
        caller.writer.write(post(shape))
        await arrived.wait()
        if reset:
            caller.writer.transport.abort()
        else:
            caller.writer.close()
        await left.wait()
        await until(lambda: one.in_flight == (0, 0))
        assert one.seen[0][:2] == (0, "client_closed")


async def outcome_of_a_leaving_client(turns: int, *, reset: bool, fast_paths: bool) -> str:
    """Return what is recorded if the upstream replies so many turns after the client left."""
    callers: list[Caller] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        writer = callers[0].writer
        if reset:
            writer.transport.abort()
        else:
            writer.close()
        for _ in range(turns):
            await asyncio.sleep(0)
        await peer.send(ANSWER)
        await peer.gone()

    async with stage(script, fast_paths=fast_paths) as one:
        callers.append(await one.caller())
        await callers[0].ask(post())
        callers[0].writer.write(post())
        await until(lambda: len(one.seen) == 2 and one.in_flight == (0, 0))
        return one.seen[0][1]


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("turns", range(4))
async def test_a_client_that_leaves_in_the_turn_of_its_reply_is_recorded_as_by_tasks(
    turns: int, *, reset: bool
) -> None:
    without = await outcome_of_a_leaving_client(turns, reset=reset, fast_paths=False)
    assert await outcome_of_a_leaving_client(turns, reset=reset, fast_paths=True) == without


async def test_a_client_that_leaves_with_its_request_leaves_nothing_in_flight() -> None:
    async with stage(replies(ANSWER, ANSWER)) as one:
        caller = await one.caller()
        await caller.ask(post())
        caller.writer.write(post())
        caller.writer.close()
        await until(lambda: len(one.seen) == 2 and one.in_flight == (0, 0))
        assert one.seen[0][1] in ("client_closed", "success")  # its end may come after the reply


async def test_an_upstream_that_says_nothing_is_a_timeout() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.gone()

    timeouts = TimeoutSettings(first_byte=0.05)
    async with stage(script, timeouts=timeouts) as one:
        caller = await one.caller()
        await caller.ask(post())
        reply = await caller.ask(post())
        assert reply.startswith(b"HTTP/1.1 504 ")
        assert b"timeouts.first_byte" in reply
        assert one.in_flight == (0, 0)


async def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async with stage(closes_when_used(2), replies(ANSWER, ANSWER)) as one:
        caller = await one.caller()
        for _ in range(4):
            assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")
        assert one.upstream.connections == 2


async def test_nothing_is_begun_without_a_free_slot() -> None:
    held = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        await held.wait()
        await peer.send(ANSWER)
        await peer.request()
        await peer.send(ANSWER)

    async with stage(script, max_connections=1) as one:
        first, second = await one.caller(), await one.caller()
        await first.ask(post())
        await second.ask(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
        first.writer.write(post())
        await until(lambda: one.in_flight == (1, 1))
        second.writer.write(post())
        await until(lambda: one.application.upstreams.stats()["local"].queued == 1)
        held.set()
        assert (await first.reply()).startswith(b"HTTP/1.1 200 OK")
        assert (await second.reply()).startswith(b"HTTP/1.1 200 OK")
        assert one.upstream.connections == 1


@pytest.mark.parametrize("fast_paths", [True, False])
async def test_the_end_of_the_grace_period_ends_it(fast_paths: bool) -> None:
    arrived = asyncio.Event()
    script = holding(arrived, asyncio.Event())
    async with stage(script, fast_paths=fast_paths, grace=0.0) as one:
        caller = await one.caller()
        await caller.ask(post())
        caller.writer.write(post())
        await arrived.wait()
        one.running.stop.set()
        reply = await caller.reply()
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in reply
        assert one.seen[0][:2] == (503, "shutting_down")


async def test_a_gateway_that_drains_refuses_it() -> None:
    async with stage(replies(ANSWER, ANSWER)) as one:
        caller = await one.caller()
        await caller.ask(post())
        one.application.gateway.drain()
        assert (await caller.ask(post())).startswith(b"HTTP/1.1 503 ")


async def test_a_client_that_reads_slowly_gets_its_reply() -> None:
    large = msgspec.json.decode(ANSWER.partition(b"\r\n\r\n")[2])
    large["choices"][0]["message"]["content"] = "x" * 200_000
    reply = with_length(msgspec.json.encode(large), "200 OK", JSON)
    count = 60
    async with stage(replies(*[reply] * count)) as one:
        caller = await one.caller()
        caller.writer.write(post() * count)
        await until(lambda: one.in_flight[0] == 1 and len(one.seen) > 3)
        got = [await caller.reply() for _ in range(count)]
        assert all(each.startswith(b"HTTP/1.1 200 OK") for each in got)
        assert len({len(each) for each in got}) == 1


async def failing(one: Stage) -> bytes:
    caller = await one.caller()
    await caller.ask(post())
    await caller.ask(post())
    return await caller.ask(post())


@pytest.mark.parametrize(
    ("where", "name"), [(Repeats, "repeated"), (RepeatedCall, "begin"), (RepeatedCall, "reply_now")]
)
async def test_a_bug_on_the_way_is_made_good_by_the_task(
    where: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    async with stage(replies(*[ANSWER] * 4)) as one:
        monkeypatch.setattr(where, name, bug)
        assert (await failing(one)).startswith(b"HTTP/1.1 200 OK")
        assert one.in_flight == (0, 0)
        assert len(one.seen) == 3


async def test_a_bug_in_the_record_is_not_the_clients(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(always) as one:
        caller = await one.caller()
        await caller.ask(post())

        def bug(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(RequestObserver, "finished", bug)
            assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")
            await until(lambda: "ZeroDivisionError" in caplog.text)
        assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")


async def test_a_bug_after_the_reply_writes_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(_: bytes) -> None:
        raise ZeroDivisionError

    async with stage(always) as one:
        caller = await one.caller()
        await caller.ask(post())
        monkeypatch.setattr(endings, "tokens_in", bug)
        with caplog.at_level(logging.CRITICAL, "gateway"):
            for _ in range(2):
                assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")
        await until(lambda: one.in_flight == (0, 0))
        assert [each[:2] for each in one.seen[:2]] == [(200, "internal_error")] * 2


async def test_without_fast_paths_every_request_has_a_task() -> None:
    async with stage(replies(*[ANSWER] * 2), fast_paths=False) as one:
        caller = await one.caller()
        for _ in range(2):
            await caller.ask(post())
        assert one.in_tasks == 0  # none has begun without one
        assert one.seen == [(200, "success", 1)] * 2


@pytest.mark.parametrize(
    ("path", "limit", "traced", "begins"),
    [
        (b"/v1/chat/completions", None, False, True),
        (b"/v1/messages", None, False, True),
        (b"/v1/chat/completions", 5, False, False),  # it is counted
        (b"/v1/chat/completions", None, True, False),  # a span belongs to a task
        (b"/openai/deployments/m/chat/completions", None, False, False),  # its body gets a model
        (b"/v1/embeddings", None, False, False),
    ],
)
def test_what_needs_a_task_has_one_from_the_start(
    path: bytes, limit: int | None, traced: bool, begins: bool
) -> None:
    digest = hashlib.sha256(b"sk-a").hexdigest()
    own = (ClientSettings("a", (digest,), max_concurrency=limit),)
    tracing = Mock(without_context=lambda headers: headers) if traced else None
    gateway = Client(answer, clients=own, tracing=tracing).gateway
    headers = ClientHeaders([(b"host", b"h"), (b"authorization", b"Bearer sk-a")])
    admission = gateway.admit(Head("POST", path, b"", headers))
    assert admission.error is None
    assert (admission.at_once is not None) is begins


async def test_a_reply_that_its_client_is_not_ready_for_is_written_by_a_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(always) as one:
        caller = await one.caller()
        await caller.ask(post())
        monkeypatch.setattr(WireWriter, "write_at_once", lambda *_: False)
        assert (await caller.ask(post())).startswith(b"HTTP/1.1 200 OK")
        assert one.in_tasks == 2
        assert one.seen == [(200, "success", 1)] * 2
        assert one.in_flight == (0, 0)


async def test_a_client_that_has_gone_before_its_request_began_costs_nothing() -> None:
    writer = WireWriter(FakeWire(), FakeListener(), POST)
    writer.gone = True
    recorder, repeats, connection = Recorder(), Mock(), Mock()
    call = GenerationRequest("POST", "/chat/completions")
    serving = ServingAtOnce(
        cast("Observer", recorder), repeats, refusal(UnknownRoute("no")), call, writer, connection
    )
    rest = serving.rest()
    serving.begin()  # it comes too late
    serving._notified()
    await rest()
    assert (repeats.mock_calls, connection.mock_calls) == ([], [])
    assert [each.outcome for each in recorder.seen] == ["client_closed"]
    assert recorder.in_flight["other"] == 0
