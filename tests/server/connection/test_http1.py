"""One connection: requests in any pieces, one after the other, and how each of them ends."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from math import inf

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import request_ids
from gateway.api.admission import Admission
from gateway.api.writing import ReplyWriter
from gateway.config.settings import ClientSettings, ServerSettings
from gateway.errors import TruncatedStream
from gateway.request import Body, Head
from gateway.server.connection.body import MAX_LINES
from gateway.server.connection.reception import MAX_PIPELINED
from gateway.server.connection.state import State
from gateway.shapes import RawHeaders, Sink, UpstreamCall
from tests.api.client import Client
from tests.exchange.scene import chat_chunk, chat_completion
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.server.wire import FakeTransport, Wire, request

MESSAGES = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = msgspec.json.encode(MESSAGES)
STREAMED_CHAT = msgspec.json.encode({**MESSAGES, "stream": True})
COMPLETION = b'{"model": "gpt-4o", "prompt": "Hi"}'
STREAMED_COMPLETION = b'{"model": "gpt-4o", "prompt": "Hi", "stream": true}'
KEY_OF_A_CLIENT = "0" * 64


def answer(call: UpstreamCall) -> Answer:
    assert isinstance(call.body, bytes)
    if msgspec.json.decode(call.body).get("stream"):
        return stream_reply(chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(finish="stop"))
    return json_reply(chat_completion(), headers=((b"x-request-id", b"req_1"),))


class Counting:
    """A gateway that counts what is asked of it."""

    def __init__(self, client: Client) -> None:
        self._gateway = client.gateway
        self.server = client.gateway.server
        self.admitted = 0
        self.served = 0

    def admit(self, head: Head) -> Admission:
        self.admitted += 1
        return self._gateway.admit(head)

    async def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None
    ) -> None:
        self.served += 1
        await self._gateway.serve(admission, body, writer, length)

    def abandoned(self, admission: Admission) -> None:
        self._gateway.abandoned(admission)


@pytest.fixture(autouse=True)
def one_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every request the same id, so that replies can be compared."""
    monkeypatch.setattr(request_ids, "new_line", lambda: request_ids.header_line("req_same"))


REQUESTS = {
    "a chat": request(CHAT),
    "a stream": request(STREAMED_CHAT),
    "a translation": request(COMPLETION, "/v1/completions"),
    "a translated stream": request(STREAMED_COMPLETION, "/v1/completions"),
    "another spelling": request(CHAT, "/openai/deployments/gpt-4o/chat/completions?api-version=1"),
    "a last request": request(CHAT, "/v1/chat/completions", "Connection: close"),
    "a refused one": request(b'{"model": "gpt-4o", "prompt": 5}', "/v1/completions"),
    "no JSON": request(b"{"),
    "nothing": request(b""),
    "no model": request(b"{}"),
    "another path": request(b"{}", "/v1/embeddings"),
}
REFUSED = {
    "no path": request(b"{}", "/nowhere"),
    "a bad host": request(CHAT, "/v1/chat/completions", "Host: two"),
    "an underscore": request(CHAT, "/v1/chat/completions", "X_Api_Key: z"),
    "compressed": request(CHAT, "/v1/chat/completions", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_gets_the_same_reply_whole_and_in_any_two_pieces(sent: bytes) -> None:
    async def reply_to(*pieces: bytes) -> tuple[bytes, bool]:
        connection = Wire(Client(answer).gateway)
        received = await connection.send(*pieces)
        closed = connection.transport.is_closing()
        connection.end()
        return received, closed

    async def scenario() -> None:
        whole = await reply_to(sent)
        assert whole[0].startswith(b"HTTP/1.1 ")
        for cut in {1, 20, sent.index(b"\r\n\r\n") + 2, sent.index(b"\r\n\r\n") + 4, len(sent) - 1}:
            assert await reply_to(sent[:cut], sent[cut:]) == whole

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_request_is_answered_by_its_head_alone(sent: bytes) -> None:
    async def scenario() -> None:
        whole = Wire(Client(answer).gateway)
        expected = await whole.send(sent)
        assert b"connection: close" not in expected
        assert whole.state is State.IDLE
        whole.end()
        early = Wire(Client(answer).gateway)
        end = sent.index(b"\r\n\r\n") + 4
        received = await early.send(sent[:end])
        assert received.replace(b"connection: close\r\n", b"") == expected
        assert early.state is State.HALF_CLOSED
        assert await early.send(sent[end:]) == b""
        early.end()

    asyncio.run(scenario())


@settings(max_examples=40, deadline=None)
@given(
    order=st.lists(st.sampled_from([*REQUESTS.values()]), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 400), max_size=6),
)
def test_requests_one_after_the_other_get_the_same_replies_in_any_pieces(
    order: list[bytes], cuts: list[int]
) -> None:
    pieces, rest = [], b"".join(order)
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    pieces = [piece for piece in [*pieces, rest] if piece]

    async def scenario() -> None:
        whole = Wire(Client(answer).gateway)
        expected = b""
        for sent in order:
            if not whole.transport.is_closing():
                expected += await whole.send(sent)
        cut_up = Wire(Client(answer).gateway)
        for piece in pieces:
            if not cut_up.transport.is_closing():
                cut_up.protocol.data_received(piece)
            await asyncio.sleep(0)
        await cut_up.settle()
        assert cut_up.take() == expected
        whole.end()
        cut_up.end()

    asyncio.run(scenario())


def test_a_head_that_is_repeated_is_looked_at_once() -> None:
    async def scenario() -> None:
        app = Counting(Client(answer))
        connection = Wire(app)
        for body in (CHAT, STREAMED_CHAT, CHAT):
            assert (await connection.send(request(body))).startswith(b"HTTP/1.1 200")
        assert (app.admitted, app.served) == (1, 3)
        await connection.send(request(CHAT, "/v1/chat/completions", "X-Other: head"))
        assert (app.admitted, app.served) == (2, 4)
        connection.end()

    asyncio.run(scenario())


def test_another_callers_key_is_never_taken_for_the_known_one() -> None:
    async def scenario() -> None:
        client = Client(answer)
        connection = Wire(client.gateway)
        for key in (b"sk-one", b"sk-two", b"sk-one"):
            await connection.send(request(CHAT).replace(b"sk-test", key))
        sent = [dict(call.client_headers)[b"authorization"] for call in client.scene.network.calls]
        assert sent == [b"Bearer sk-one", b"Bearer sk-two", b"Bearer sk-one"]
        connection.end()

    asyncio.run(scenario())


def test_an_unknown_client_is_refused_with_every_request() -> None:
    clients = (ClientSettings("a", (KEY_OF_A_CLIENT,), ("*",)),)

    async def scenario() -> None:
        client = Client(answer, clients=clients)
        connection = Wire(client.gateway)
        for _ in range(2):
            assert (await connection.send(request(CHAT))).startswith(b"HTTP/1.1 401")
        assert client.scene.network.calls == []
        connection.end()

    asyncio.run(scenario())


def test_a_body_beyond_the_limit_is_a_413() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer, ServerSettings(max_body_bytes=50)).gateway)
        received = await connection.send(request(b" " * 51))
        assert received.startswith(b"HTTP/1.1 413")
        assert b"\r\nconnection: close\r\n" in received
        assert connection.transport.ended
        connection.end()

    asyncio.run(scenario())


def test_a_draining_gateway_takes_no_requests_even_with_a_known_head() -> None:
    async def scenario() -> None:
        client = Client(answer)
        connection = Wire(client.gateway)
        await connection.send(request(CHAT))
        client.gateway.drain()
        received = await connection.send(request(CHAT))
        assert received.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in received
        connection.end()

    asyncio.run(scenario())


class Held:
    """Upstream replies that wait, and how many of them were given up.

    A stream waits after `begun`.
    """

    def __init__(self, begun: bytes = b"data: 1\n\n") -> None:
        self.begun = begun
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.given_up = 0

    def client(self, *, in_stream: bool = False, headers: RawHeaders = EVENT_STREAM) -> Client:
        client = Client(answer)

        async def send(call: UpstreamCall) -> FakeReply:
            if in_stream:
                return _HeldReply(self, headers)
            await self.wait()
            return json_reply(chat_completion())

        client.scene.exchange.runner.send = send
        return client

    async def wait(self) -> None:
        self.asked.set()
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise


class _HeldReply(FakeReply):
    def __init__(self, held: Held, headers: RawHeaders) -> None:
        super().__init__(200, headers)
        self._held = held

    async def _read(self) -> AsyncIterator[bytes]:
        yield self._held.begun
        await self._held.wait()
        yield b"data: [DONE]\n\n"


@pytest.mark.parametrize("in_stream", [False, True])
def test_a_client_that_leaves_cancels_its_request(*, in_stream: bool) -> None:
    async def scenario() -> None:
        held = Held()
        client = held.client(in_stream=in_stream)
        connection = Wire(client.gateway)
        connection.protocol.data_received(request(STREAMED_CHAT))
        await held.asked.wait()
        before = connection.take()
        connection.leave()
        await connection.settle()
        assert connection.take() == b""
        assert before.endswith(b"data: 1\n\n\r\n") is in_stream
        assert held.given_up == 1
        assert [seen.outcome for seen in client.observer.seen] == ["client_closed"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (b"data: [DONE]\n\n", "success"),
        (b"data: 1\n\ndata: [DONE]\r\n\r\n", "success"),
        (b"data: 1\n\n: [DONE]\n\n", "client_closed"),
    ],
)
def test_a_client_may_leave_as_soon_as_it_has_the_last_event(last: bytes, outcome: str) -> None:
    async def scenario() -> None:
        held = Held(last)
        client = held.client(in_stream=True)
        connection = Wire(client.gateway)
        connection.protocol.data_received(request(STREAMED_CHAT))
        await held.asked.wait()
        connection.leave()
        await connection.settle()
        assert held.given_up == 1
        assert [seen.outcome for seen in client.observer.seen] == [outcome]
        assert not connection.door.connections

    asyncio.run(scenario())


def test_a_client_that_leaves_at_once_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        client = Client(answer)
        connection = Wire(client.gateway)
        connection.protocol.data_received(request(CHAT))
        task = connection.task
        assert task is not None
        connection.leave()
        assert connection.task is None
        assert not connection.door.connections
        await asyncio.wait([task])
        assert task.cancelled()
        assert client.scene.network.calls == []

    asyncio.run(scenario())


def test_what_follows_a_request_under_way_waits_for_its_turn() -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client().gateway)
        first, second = request(CHAT), request(COMPLETION, "/v1/completions")
        connection.protocol.data_received(first)
        await held.asked.wait()
        connection.protocol.data_received(second[:30])
        connection.protocol.data_received(second[30:])
        held.answers.set()
        await connection.settle()
        received = connection.take()
        assert received.index(b'"chat.completion"') < received.index(b'"text_completion"')
        assert connection.transport.is_reading()
        connection.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("in_stream", [False, True])
def test_what_outlasts_the_grace_period_is_told_or_cut_off_visibly(*, in_stream: bool) -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client(in_stream=in_stream).gateway)
        connection.protocol.data_received(request(STREAMED_CHAT))
        await held.asked.wait()
        connection.protocol.cut_off()
        await connection.settle()
        received = connection.take()
        assert received.startswith(b"HTTP/1.1 200" if in_stream else b"HTTP/1.1 503")
        assert (b"data: 1\n\n" in received) is in_stream
        assert received.count(b'"code":"shutting_down"') == 1
        assert received.endswith(b"\r\n0\r\n\r\n") is in_stream
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_stream_that_breaks_off_gets_no_end() -> None:
    def breaking(_: UpstreamCall) -> Answer:
        return FakeReply(200, (), (b"some",), TruncatedStream("cut"))

    async def scenario() -> None:
        client = Client(breaking)
        connection = Wire(client.gateway)
        received = await connection.send(request(CHAT))
        assert received.endswith(b"4\r\nsome\r\n")
        assert connection.transport.is_closing()
        assert [seen.outcome for seen in client.observer.seen] == ["stream_broken"]

    asyncio.run(scenario())


@pytest.mark.parametrize("length", [b"3", b"5"])
@pytest.mark.parametrize("pieces", [(b"four",), (b"fo", b"ur")])
def test_a_body_that_is_not_as_long_as_it_says_ends_the_connection(
    length: bytes, pieces: tuple[bytes, ...]
) -> None:
    def lying(_: UpstreamCall) -> Answer:
        headers = ((b"content-length", length), (b"content-type", b"text/plain"))
        return FakeReply(200, headers, pieces)

    async def scenario() -> None:
        connection = Wire(Client(lying).gateway)
        await connection.send(request(CHAT))
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_control_character_in_a_replys_header_is_not_written() -> None:
    def splitting(_: UpstreamCall) -> Answer:
        return json_reply({}, headers=((b"x-bad", b"a\r\nset-cookie: b"),))

    async def scenario() -> None:
        connection = Wire(Client(splitting).gateway)
        assert b"set-cookie" not in await connection.send(request(CHAT))
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_body_without_a_type_of_framing_of_its_own_is_chunked_once() -> None:
    def chunked(_: UpstreamCall) -> Answer:
        headers = ((b"transfer-encoding", b"chunked"), (b"connection", b"keep-alive"))
        return FakeReply(200, headers, (b"ab", b"c"))

    async def scenario() -> None:
        connection = Wire(Client(chunked).gateway)
        received = await connection.send(request(CHAT))
        assert received.count(b"transfer-encoding: chunked") == 1
        assert received.endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        connection.end()

    asyncio.run(scenario())


def test_a_status_without_a_body_has_no_framing() -> None:
    async def scenario() -> None:
        connection = Wire(Client(lambda _: FakeReply(204, (), (b"",))).gateway)
        received = await connection.send(request(CHAT))
        assert received.startswith(b"HTTP/1.1 204")
        assert b"transfer-encoding" not in received
        connection.end()

    asyncio.run(scenario())


def test_a_whole_reply_waits_for_what_was_written_before() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.protocol.pause_writing()
        connection.protocol.data_received(request(CHAT))
        for _ in range(20):
            await asyncio.sleep(0)
        assert connection.take() == b""
        connection.protocol.resume_writing()
        await connection.settle()
        assert connection.take().startswith(b"HTTP/1.1 200")
        connection.end()

    asyncio.run(scenario())


def test_a_slow_client_stops_the_stream() -> None:
    async def scenario() -> None:
        delivered = FakeReply(200, EVENT_STREAM, [b"data: %d\n\n" % n for n in range(100)])
        connection = Wire(Client(lambda _: delivered).gateway)
        connection.protocol.pause_writing()
        connection.protocol.data_received(request(STREAMED_CHAT))
        for _ in range(20):
            await asyncio.sleep(0)
        assert delivered.delivered <= 1
        connection.protocol.resume_writing()
        await connection.settle()
        assert connection.take().endswith(b"data: 99\n\n\r\n0\r\n\r\n")
        connection.end()

    asyncio.run(scenario())


class PipedReply(FakeReply):
    """A reply that gives its pieces from within `pipe`, and says when its sink is full."""

    def __init__(self, *pieces: bytes, headers: RawHeaders = EVENT_STREAM) -> None:
        super().__init__(200, headers, pieces)
        self.full = asyncio.Event()

    async def pipe(self, sink: Sink) -> None:
        def watched(piece: bytes) -> bool:
            ready = sink(piece)
            if not ready:
                self.full.set()
            return ready

        await super().pipe(watched)


def test_a_stream_is_piped_and_a_slow_client_stops_it() -> None:
    async def scenario() -> None:
        reply = PipedReply(*[b"data: %d\n\n" % number for number in range(100)])
        connection = Wire(Client(lambda _: reply).gateway)
        connection.transport.full_after = b"data: 7"
        connection.protocol.data_received(request(STREAMED_CHAT))
        await reply.full.wait()
        assert reply.delivered == 8
        connection.transport.full_after = None
        connection.protocol.resume_writing()
        await connection.settle()
        received = connection.take()
        assert received.count(b"data: ") == 100
        assert received.endswith(b"data: 99\n\n\r\n0\r\n\r\n")
        connection.protocol.resume_writing()  # with nothing under way
        connection.end()

    asyncio.run(scenario())


def test_a_piped_stream_that_breaks_off_tells_so_and_any_other_body_gets_no_end() -> None:
    async def scenario() -> None:
        stream = PipedReply(b"data: 1\n\ndata: half")
        other = PipedReply(b"some", headers=())
        stream.error = other.error = TruncatedStream("cut")
        connection = Wire(Client(lambda _: stream).gateway)
        received = await connection.send(request(STREAMED_CHAT))
        assert b"data: 1\n\n" in received
        assert b"half" not in received
        assert b'\r\ndata: {"error"' in received
        assert not connection.transport.is_closing()
        connection.end()
        connection = Wire(Client(lambda _: other).gateway)
        assert (await connection.send(request(CHAT))).endswith(b"4\r\nsome\r\n")
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_bug_ends_the_connection_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Counting):
        async def serve(
            self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None
        ) -> None:
            raise ZeroDivisionError

    async def scenario() -> None:
        connection = Wire(Broken(Client(answer)))
        with caplog.at_level(logging.ERROR, "gateway"):
            assert await connection.send(request(CHAT)) == b""
        assert connection.transport.is_closing()
        assert "ZeroDivisionError" in caplog.text

    asyncio.run(scenario())


def test_an_upstreams_refusal_is_an_error_in_the_envelope() -> None:
    async def scenario() -> None:
        gateway = Client(lambda _: error_reply(429, "slow down")).gateway
        connection = Wire(gateway)
        received = await connection.send(request(CHAT))
        assert received.startswith(b"HTTP/1.1 429")
        assert b"slow down" in received
        connection.end()

    asyncio.run(scenario())


def test_a_client_far_ahead_is_read_no_faster_than_it_is_answered() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        transport, incoming = connection.transport, connection.protocol._incoming
        ahead = MAX_PIPELINED // len(request(CHAT)) + 1
        reads, waiting = 6, [len(request(CHAT))]

        def read() -> None:
            nonlocal reads
            if reads and transport.is_reading():
                reads -= 1
                connection.protocol.data_received(request(CHAT) * ahead)
                waiting.append(len(incoming.rest))
                asyncio.get_running_loop().call_soon(read)

        def resume_reading() -> None:
            FakeTransport.resume_reading(transport)
            asyncio.get_running_loop().call_soon(read)

        transport.resume_reading = resume_reading  # type: ignore[method-assign]
        connection.protocol.data_received(request(CHAT))
        read()
        received = await connection.send()
        assert received.count(b"HTTP/1.1 200") == 1 + 6 * ahead
        assert max(waiting) <= 2 * MAX_PIPELINED + len(request(CHAT))
        connection.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("rest", ["head", "body", "chunks"])
def test_a_request_that_is_not_all_here_is_read_on_after_many(rest: str) -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        ahead = MAX_PIPELINED // len(request(CHAT)) + 1
        last = request(CHAT)
        if rest == "chunks":
            head = request(CHAT, drop=("Content-Length",)).partition(b"\r\n\r\n")[0]
            pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in CHAT)
            last = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
        cut = 30 if rest == "head" else len(last) - 9
        connection.protocol.data_received(request(CHAT))
        connection.protocol.data_received(request(CHAT) * ahead + last[:cut])
        assert not connection.transport.is_reading()
        await connection.settle()
        assert connection.transport.is_reading()
        received = await connection.send(last[cut:])
        assert received.count(b"HTTP/1.1 200") == 2 + ahead
        connection.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("pieces", [1, 2 * MAX_LINES])
def test_a_large_body_that_is_not_all_here_is_read_on_after_one_request(pieces: int) -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        body = CHAT + b" " * (2 * MAX_PIPELINED)
        size = len(body) // pieces + 1
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        head = request(b"", drop=("Content-Length",)).partition(b"\r\n\r\n")[0]
        last = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        connection.protocol.data_received(request(CHAT))
        connection.protocol.data_received(last[:-9])
        assert not connection.transport.is_reading()
        turns = 0
        while not connection.transport.is_reading() and turns < 40:
            await asyncio.sleep(0)
            turns += 1
        assert (turns > 1) is (pieces > 1)  # others are served, too
        await connection.settle()
        assert (connection.state, connection.transport.is_reading()) == (State.BODY, True)
        received = await connection.send(last[-9:])
        assert received.count(b"HTTP/1.1 200") == 2
        connection.end()

    asyncio.run(scenario())


def test_reading_goes_on_once_many_requests_ahead_are_answered() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.protocol.data_received(request(CHAT))
        ahead = MAX_PIPELINED // len(request(CHAT)) + 1
        connection.protocol.data_received(request(CHAT) * ahead)
        assert not connection.transport.is_reading()
        received = await connection.send()
        assert received.count(b"HTTP/1.1 200") == 1 + ahead
        assert connection.transport.is_reading()
        connection.end()

    asyncio.run(scenario())


def test_an_idle_connection_says_since_when_and_closes_unless_something_has_come() -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client().gateway)
        protocol, loop = connection.protocol, asyncio.get_running_loop()
        begun = loop.time()
        assert protocol.idle_since == pytest.approx(begun, abs=1)
        protocol.data_received(request(CHAT)[:10])
        assert protocol.idle_since == inf
        protocol.data_received(request(CHAT)[10:])
        await held.asked.wait()
        assert protocol.idle_since == inf
        held.answers.set()
        await connection.settle()
        assert begun <= protocol.idle_since <= loop.time()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            connection.transport.socket = ours
            theirs.send(b"G")
            assert not protocol.evict()
            assert connection.state is State.IDLE
            ours.recv(1)
            assert protocol.evict()
            assert connection.transport.was_aborted()
            assert not connection.door.connections
            assert not protocol.evict()
        connection.end()

    asyncio.run(scenario())
