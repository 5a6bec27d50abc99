import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import TimeoutSettings, UpstreamSettings
from gateway.envelopes.slices import Work
from gateway.errors import TruncatedStream, UpstreamUnavailable
from gateway.resolve.metadata.cache import LookupFailed
from gateway.resolve.metadata.fetch import MAX_BODY_BYTES, Answer, Asker, fields_of
from gateway.servers.profile import MetadataCall
from gateway.shapes import RawHeaders, Send
from tests.fakes import Answer as FakeAnswer
from tests.fakes import FakeReply, FakeUpstream, error_reply, json_reply
from tests.upstream.scripted import until

HEADERS: RawHeaders = (
    (b"authorization", b"Bearer alice"),
    (b"api-key", b"k"),
    (b"openai-organization", b"org"),
    (b"openai-project", b"p"),
    (b"x-gateway-hops", b"0123456789abcdef"),
    (b"cookie", b"secret"),
    (b"content-type", b"text/plain"),
    (b"x-forwarded-for", b"10.0.0.1"),
)


UP = UpstreamSettings("up", "http://127.0.0.1:1/v1")


def unread(answer: Answer) -> Work[Answer]:
    yield from ()
    return answer


async def ask(send: Send, upstream: UpstreamSettings, call: MetadataCall) -> Answer | LookupFailed:
    return await Asker(send).ask(upstream, call, HEADERS, unread)


def answer_of(answer: FakeAnswer, call: MetadataCall | None = None) -> Answer | LookupFailed:
    network = FakeUpstream(lambda _: answer)
    return asyncio.run(ask(network.send, UP, call or MetadataCall("/models")))


def test_the_answer_is_decoded_and_has_its_headers() -> None:
    found = answer_of(json_reply({"a": 1}, headers=((b"x-litellm-version", b"1"),)))
    assert isinstance(found, Answer)
    assert found.payload == {"a": 1}
    assert found.headers["x-litellm-version"] == "1"


def test_an_answer_that_came_compressed_is_read() -> None:
    coding: RawHeaders = ((b"content-encoding", b"gzip"),)
    packed = gzip.compress(b'{"a": 1}')
    found = answer_of(FakeReply(200, coding, (packed[:5], packed[5:])))
    assert isinstance(found, Answer)
    assert found.payload == {"a": 1}
    cut = answer_of(FakeReply(200, coding, (packed[:-3],)))
    assert isinstance(cut, LookupFailed)
    assert "compressed" in str(cut)
    bomb = answer_of(FakeReply(200, coding, (gzip.compress(bytes(MAX_BODY_BYTES + 1)),)))
    assert isinstance(bomb, LookupFailed)
    assert f"more than {MAX_BODY_BYTES} bytes" in str(bomb)


def test_only_who_asks_is_passed_on_of_the_clients_headers() -> None:
    assert [name for name, _ in fields_of(HEADERS)] == [
        b"authorization",
        b"api-key",
        b"openai-organization",
        b"openai-project",
        b"x-gateway-hops",
    ]


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (MetadataCall("/models", "a=1"), ("GET", "/models", b"a=1", b"", False)),
        (
            MetadataCall("/api/show", root=True, body={"model": "ü"}),
            ("POST", "/api/show", b"", '{"model":"ü"}'.encode(), True),
        ),
    ],
)
def test_a_call_is_sent_as_it_says(call: MetadataCall, sent: Any) -> None:
    network = FakeUpstream(lambda _: json_reply({}))
    asyncio.run(ask(network.send, UP, call))
    (made,) = network.calls
    assert (made.method, made.path, made.query, made.body, made.root) == sent
    typed = dict(made.client_headers).get(b"content-type")
    assert typed == (b"application/json" if call.body is not None else None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (UpstreamUnavailable("no connection"), "no connection"),
        (error_reply(401, "no"), "status 401"),
        (FakeReply(pieces=(b"<html>",)), "not JSON"),
        (FakeReply(pieces=(b"\xff",)), "not JSON"),
        (FakeReply(pieces=(b"[" * 100_000,)), "not JSON"),
        (FakeReply(pieces=(b"{",), error=TruncatedStream("cut off")), "cut off"),
    ],
)
def test_whatever_goes_wrong_is_a_failed_look_up_and_the_connection_is_freed(
    answer: FakeAnswer, reason: str
) -> None:
    failed = answer_of(answer)
    assert isinstance(failed, LookupFailed)
    assert failed.reason.startswith("GET /models: ")
    assert reason in failed.reason
    assert not isinstance(answer, FakeReply) or answer.closed


def test_an_endless_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.fetch.MAX_BODY_BYTES", 10)
    endless = FakeReply(pieces=[b"[1, 2, 3, "] * 1000)
    failed = answer_of(endless)
    assert isinstance(failed, LookupFailed)
    assert "more than 10 bytes" in failed.reason
    assert endless.delivered == 2


def test_a_body_that_does_not_end_is_given_up_in_time() -> None:
    class Trickling(FakeReply):
        async def _read(self) -> AsyncIterator[bytes]:
            yield b"["
            await asyncio.Event().wait()

    async def scenario() -> None:
        reply = Trickling()
        network = FakeUpstream(lambda _: reply)
        hasty = replace(UP, timeouts=TimeoutSettings(metadata=0.001))
        failed = await ask(network.send, hasty, MetadataCall("/models"))
        assert failed == LookupFailed("GET /models: no whole reply within 0.005 s")
        assert reply.closed

    asyncio.run(scenario())


class Pausing(FakeReply):
    """A long reply that pauses before its end until it may go on."""

    def __init__(self) -> None:
        super().__init__(pieces=[b"[" + b"1," * 100, b"1,", b"1]"])
        self.goes_on = asyncio.Event()

    async def _read(self) -> AsyncIterator[bytes]:
        async for piece in super()._read():
            if self.delivered == len(self.pieces):
                await self.goes_on.wait()
            yield piece


def test_long_answers_are_taken_in_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.fetch.LONG", 100)
    monkeypatch.setattr("gateway.resolve.metadata.fetch.LONG_ANSWERS", 2)

    async def scenario() -> None:
        replies = [Pausing() for _ in range(3)]
        waiting = list(replies)
        asker = Asker(FakeUpstream(lambda _: waiting.pop(0)).send)
        asked = [
            asyncio.create_task(asker.ask(UP, MetadataCall("/models"), HEADERS, unread))
            for _ in range(3)
        ]
        await until(lambda: [reply.delivered for reply in replies[:2]] == [3, 3])
        assert replies[2].delivered == 1
        short = FakeUpstream(lambda _: json_reply({}))
        assert isinstance(await ask(short.send, UP, MetadataCall("/models")), Answer)
        for reply in replies:
            reply.goes_on.set()
        answers = await asyncio.gather(*asked)
        assert all(isinstance(answer, Answer) for answer in answers)
        assert all(reply.closed for reply in replies)

    asyncio.run(scenario())


def test_long_answers_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.fetch.LONG", 100)
    under_way, most = 0, 0

    def slowly(answer: Answer) -> Work[Answer]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        yield
        under_way -= 1
        return answer

    async def scenario() -> None:
        long = FakeUpstream(lambda _: json_reply([1] * 100))
        asker = Asker(long.send)
        call = MetadataCall("/models")
        await asyncio.gather(*(asker.ask(UP, call, HEADERS, slowly) for _ in range(4)))

    asyncio.run(scenario())
    assert most == 1


def test_a_fault_that_shows_late_spoils_the_whole_answer() -> None:
    body = b'{"data":[%b {}], "models": [%b nil]}' % (b'{"id": "m"},' * 9999, b"{}," * 19999)
    failed = answer_of(FakeReply(pieces=(body,)))
    assert failed == LookupFailed("GET /models: not JSON")


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_a_failure(body: bytes) -> None:
    assert isinstance(answer_of(FakeReply(pieces=(body,))), Answer | LookupFailed)
