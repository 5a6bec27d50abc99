"""Bodies that are handed on while they arrive, refused within, late, or not waited for."""

import asyncio

import pytest

from gateway.api.admission import Admission
from gateway.api.concurrency import ClientSlots, Running
from gateway.api.writing import ReplyWriter
from gateway.config.settings import ServerSettings
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Body, Head, Request
from gateway.server.connection.body import MAX_LINES
from gateway.server.connection.reception import LARGE_READ, SMALL_BODY
from gateway.server.connection.state import State
from gateway.server.connection.upload import MAX_BUFFERED
from gateway.shapes import RawHeaders
from tests.api.client import Client
from tests.fakes import EVENT_STREAM
from tests.server.connection.test_http1 import CHAT, Held, answer
from tests.server.wire import Wire, request

CHUNKED = request(b"", "/v1/files", "Transfer-Encoding: chunked", drop=("Content-Length",))
DONE = b'{"read":%d}'


class Uploads:
    """An application that reads bodies as they arrive, when `reads` is set."""

    def __init__(self, limit: int = 10**9, *, whole: bool = False) -> None:
        self.server = ServerSettings(body_idle_timeout=7)
        self.limit = limit
        self.whole = whole
        self.reads = asyncio.Event()
        self.reads.set()
        self.pieces: list[bytes] = []
        self.lengths: list[int | None] = []
        self.failed: list[GatewayError] = []
        self.left = 0
        self.replies_first = False
        self.slots: ClientSlots | None = None

    async def _handler(self, request: Request, decision: Decision) -> ClientReply:
        raise AssertionError

    def admit(self, head: Head) -> Admission:
        request = Request(head.method, head.raw_path.decode())
        return Admission(request, self._handler, self.limit, self.whole, slots=self.slots)

    async def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None
    ) -> None:
        self.lengths.append(length)
        if admission.error is not None:
            await writer.write_error(admission.error, Decision())
            return
        await self.reads.wait()
        try:
            if isinstance(body, bytes):
                self.pieces.append(body)
            elif not self.replies_first:
                async for piece in body:
                    self.pieces.append(piece)
                    await self.reads.wait()
        except GatewayError as error:
            self.failed.append(error)
            await writer.write_error(error, Decision())
            return
        total = len(b"".join(self.pieces))
        await writer.write(ClientReply(200, [], DONE % total), Decision())

    def abandoned(self, admission: Admission) -> None:
        self.left += 1


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def chunk(size: int) -> bytes:
    return b"%x\r\n%b\r\n" % (size, b"x" * size)


LARGE = request(b"y" * (SMALL_BODY + 1), "/v1/files")
HEAD_END = LARGE.index(b"\r\n\r\n") + 4


def test_a_body_is_handed_on_as_it_arrives_and_the_next_request_follows() -> None:
    async def scenario() -> None:
        app = Uploads()
        wire = Wire(app)
        for piece in (CHUNKED + chunk(5), chunk(3)[:4], chunk(3)[4:]):
            wire.protocol.data_received(piece)
            await turns()
        assert [len(piece) for piece in app.pieces] == [5, 1, 2]
        assert (wire.state, wire.transport.is_reading()) == (State.BODY, True)
        wire.protocol.data_received(b"0\r\n\r\n" + LARGE)
        await turns()
        await wire.settle()
        received = wire.take()
        assert received.count(b"HTTP/1.1 200") == 2
        assert b"connection: close" not in received
        assert app.lengths == [None, None]  # the second was here as a whole
        assert wire.state is State.IDLE
        wire.end()

    asyncio.run(scenario())


def test_the_rest_of_many_chunks_waits_for_a_reader_that_has_much_unread() -> None:
    async def scenario() -> None:
        app = Uploads()
        app.reads.clear()
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(MAX_BUFFERED + 1) + chunk(1) * MAX_LINES)
        await turns()
        assert (wire.state, wire.transport.is_reading()) == (State.BODY, False)
        app.reads.set()
        await turns()
        assert wire.transport.is_reading()
        wire.protocol.data_received(b"0\r\n\r\n")
        await wire.settle()
        assert wire.take().endswith(DONE % (MAX_BUFFERED + 1 + MAX_LINES))
        assert len(app.pieces[0]) < len(b"".join(app.pieces))
        wire.end()

    asyncio.run(scenario())


def test_a_client_that_leaves_before_the_rest_of_its_chunks_is_taken_ends_its_request() -> None:
    async def scenario() -> None:
        app = Uploads(whole=True)
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(1) * MAX_LINES)
        assert not wire.transport.is_reading()
        wire.leave()
        await turns()
        assert (wire.state, app.left, app.pieces, wire.take()) == (State.CLOSED, 1, [], b"")

    asyncio.run(scenario())


def test_other_connections_get_their_turn_after_a_large_read() -> None:
    async def scenario() -> None:
        app = Uploads(whole=True)
        wire = Wire(app)
        body = b"y" * (3 * LARGE_READ)
        sent = request(body, "/v1/files")
        begin = len(sent) - len(body)
        wire.protocol.data_received(sent[:begin])
        for size, goes_on in ((LARGE_READ - 1, True), (LARGE_READ, False), (LARGE_READ, False)):
            wire.protocol.data_received(sent[begin : begin + size])
            begin += size
            assert wire.transport.is_reading() is goes_on
            await asyncio.sleep(0)
            assert wire.transport.is_reading()
        assert (await wire.send(sent[begin:])).endswith(DONE % len(body))
        assert app.pieces == [body]
        assert wire.state is State.IDLE
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("leaves", [True, False])
def test_what_happens_before_that_turn_is_over_holds(*, leaves: bool) -> None:
    async def scenario() -> None:
        app = Uploads(whole=True)
        wire = Wire(app)
        sent = request(b"y" * (3 * LARGE_READ), "/v1/files")
        wire.protocol.data_received(sent[:LARGE_READ])
        wire.protocol.data_received(sent[LARGE_READ : 2 * LARGE_READ])
        assert not wire.transport.is_reading()
        if leaves:
            wire.leave()
            await turns()
            assert (wire.state, app.left, wire.take()) == (State.CLOSED, 1, b"")
            return
        wire.protocol._body_late()
        await wire.settle()
        assert wire.take().startswith(b"HTTP/1.1 408")
        assert (wire.state, wire.transport.is_reading()) == (State.HALF_CLOSED, True)
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("size", "handed_on"), [(SMALL_BODY, False), (SMALL_BODY + 1, True)], ids=["small", "large"]
)
def test_a_small_body_is_waited_for_even_where_pieces_are_taken(
    size: int, *, handed_on: bool
) -> None:
    async def scenario() -> None:
        app = Uploads()
        wire = Wire(app)
        sent = request(b"y" * size, "/v1/files")
        wire.protocol.data_received(sent[:-1])
        await turns()
        assert (wire.task is not None) is handed_on
        assert (await wire.send(sent[-1:])).startswith(b"HTTP/1.1 200")
        assert b"".join(app.pieces) == b"y" * size
        assert app.lengths == [size if handed_on else None]
        wire.end()

    asyncio.run(scenario())


def test_a_client_waits_while_its_body_is_not_read_and_its_time_stands_still() -> None:
    async def scenario() -> None:
        app = Uploads()
        app.reads.clear()
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(MAX_BUFFERED))
        await turns()
        wire.protocol.data_received(chunk(1))
        assert not wire.transport.is_reading()
        assert wire.protocol._due == float("inf")
        app.reads.set()
        await turns()
        assert wire.transport.is_reading()
        assert wire.protocol._due < wire.protocol._loop.time() + 7.1  # the reader waits again
        assert (await wire.send(b"0\r\n\r\n")).endswith(DONE % (MAX_BUFFERED + 1))
        assert wire.transport.is_reading()
        wire.end()

    asyncio.run(scenario())


def test_a_body_that_is_complete_but_not_yet_read_lets_reading_go_on() -> None:
    async def scenario() -> None:
        app = Uploads()
        app.reads.clear()
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(MAX_BUFFERED))
        wire.protocol.data_received(chunk(1))
        assert not wire.transport.is_reading()
        wire.protocol.data_received(b"0\r\n\r\n")  # read before reading stopped
        assert (wire.state, wire.transport.is_reading()) == (State.SERVING, True)
        app.reads.set()
        await wire.settle()
        assert wire.take().endswith(DONE % (MAX_BUFFERED + 1))
        assert wire.state is State.IDLE
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("bad", "status"),
    [(b"x\r\n", b"400"), (chunk(101), b"413")],
    ids=["malformed", "beyond the limit"],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_body_that_goes_wrong_on_its_way_is_answered_and_the_rest_thrown_away(
    bad: bytes, status: bytes, *, whole: bool
) -> None:
    async def scenario() -> None:
        app = Uploads(limit=100, whole=whole)
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(5))
        await turns()
        wire.protocol.data_received(bad)
        wire.protocol.data_received(b"more")
        await wire.settle()
        received = wire.take()
        assert received.startswith(b"HTTP/1.1 " + status)
        assert b"\r\nconnection: close\r\n" in received
        assert len(app.failed) == (not whole)
        assert wire.state is State.HALF_CLOSED
        wire.protocol.data_received(b"even more")
        wire.end()

    asyncio.run(scenario())


def test_what_came_before_a_body_went_wrong_is_still_read() -> None:
    async def scenario() -> None:
        app = Uploads()
        app.reads.clear()
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(5))
        await turns()
        wire.protocol.data_received(b"x\r\n")
        app.reads.set()
        await wire.settle()
        assert (app.pieces, len(app.failed)) == ([b"xxxxx"], 1)
        assert wire.take().startswith(b"HTTP/1.1 400")
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("whole", [False, True])
def test_a_body_of_which_nothing_comes_is_a_408(*, whole: bool) -> None:
    async def scenario() -> None:
        app = Uploads(whole=whole)
        wire = Wire(app)
        wire.protocol.data_received(CHUNKED + chunk(5))
        await turns()
        wire.expire()
        await wire.settle()
        received = wire.take()
        assert received.startswith(b"HTTP/1.1 408")
        assert b"for 7 s" in received
        assert wire.state is State.HALF_CLOSED
        wire.end()

    asyncio.run(scenario())


def test_a_reply_before_the_bodys_end_is_the_last() -> None:
    async def scenario() -> None:
        app = Uploads()
        app.replies_first = True
        wire = Wire(app)
        received = await wire.send(LARGE[:-1])
        assert received.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in received
        assert wire.state is State.HALF_CLOSED
        assert wire.transport.ended
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", [CHUNKED, LARGE[:-1]], ids=["chunked", "length"])
@pytest.mark.parametrize("whole", [False, True])
def test_who_leaves_in_the_middle_of_a_body_is_noted_once(sent: bytes, *, whole: bool) -> None:
    async def scenario() -> None:
        app = Uploads(whole=whole)
        wire = Wire(app)
        wire.protocol.data_received(sent)
        await turns()
        task = wire.task
        wire.end()
        if task is not None:
            await asyncio.wait([task])
            assert task.cancelled() or task.exception() is None
        assert app.left == whole
        assert wire.take() == b""
        assert not wire.door.connections

    asyncio.run(scenario())


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("leaves", [False, True])
def test_a_body_that_arrives_holds_its_clients_slot(*, whole: bool, leaves: bool) -> None:
    async def scenario() -> None:
        app, running = Uploads(whole=whole), Running()
        app.slots = ClientSlots("one", 1, running)
        first, second = Wire(app), Wire(app)
        first.protocol.data_received(CHUNKED + chunk(5))
        await turns()
        assert running.count == 1
        received = await second.send(CHUNKED + chunk(5))
        assert received.startswith(b"HTTP/1.1 429")
        assert second.state is State.HALF_CLOSED
        assert running.count == 1
        if leaves:
            first.leave()
            await turns()
        else:
            assert (await first.send(b"0\r\n\r\n")).endswith(DONE % 5)
            first.end()
        assert running.count == 0
        second.end()

    asyncio.run(scenario())


def test_a_body_that_goes_wrong_gives_its_slot_back() -> None:
    async def scenario() -> None:
        app, running = Uploads(whole=True), Running()
        app.slots = ClientSlots("one", 1, running)
        wire = Wire(app)
        assert (await wire.send(CHUNKED, b"x\r\n")).startswith(b"HTTP/1.1 400")
        assert running.count == 0
        wire.end()

    asyncio.run(scenario())


def test_what_comes_while_the_last_reply_is_being_sent_is_thrown_away() -> None:
    async def scenario() -> None:
        wire = Wire(Uploads())
        wire.transport.unread = 1
        received = await wire.send(request(b"y", "/v1/files", "Connection: close"))
        assert received.startswith(b"HTTP/1.1 200")
        assert wire.state is State.CLOSING
        assert await wire.send(request(b"y", "/v1/files")) == b""
        wire.end()

    asyncio.run(scenario())


def test_who_asks_whether_to_send_a_body_is_told() -> None:
    async def scenario() -> None:
        for app, expected in ((Uploads(), b"HTTP/1.1 100 "), (Uploads(limit=1), b"HTTP/1.1 413 ")):
            wire = Wire(app)
            sent = request(b"y" * 9, "/v1/files", "Expect: 100-continue")
            received = await wire.send(sent[:-9])
            assert received.startswith(expected)
            if app.limit > 1:
                assert received == b"HTTP/1.1 100 Continue\r\n\r\n"
                assert (await wire.send(sent[-9:])).startswith(b"HTTP/1.1 200")
            wire.end()

    asyncio.run(scenario())


def test_who_sent_the_body_without_waiting_is_not_told() -> None:
    async def scenario() -> None:
        wire = Wire(Uploads())
        received = await wire.send(request(b"y", "/v1/files", "Expect: 100-continue"))
        assert received.startswith(b"HTTP/1.1 200")
        wire.end()

    asyncio.run(scenario())


def test_a_refused_head_request_gets_no_body_though_its_own_is_not_here() -> None:
    async def scenario() -> None:
        wire = Wire(Client(answer).gateway)
        received = await wire.send(request(CHAT, "/nowhere", method="HEAD")[:-1])
        assert received.startswith(b"HTTP/1.1 404")
        assert b"\r\nconnection: close\r\n" in received
        assert received.endswith(b"\r\n\r\n")
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("headers", [EVENT_STREAM, ((b"content-type", b"audio/mpeg"),)])
def test_a_reply_without_an_end_of_its_own_that_breaks_off_says_so_or_resets(
    headers: RawHeaders,
) -> None:
    async def scenario() -> None:
        held, is_stream = Held(), headers is EVENT_STREAM
        wire = Wire(held.client(in_stream=True, headers=headers).gateway)
        body = CHAT[:-1] + b',"stream":true}'
        wire.protocol.data_received(request(body, version="1.0"))
        await held.asked.wait()
        wire.protocol.cut_off()
        await wire.settle()
        _, _, sent = wire.take().partition(b"\r\n\r\n")
        assert sent.startswith(b"data: 1\n\n")
        assert (b'"code":"shutting_down"' in sent) is is_stream
        assert wire.transport.was_aborted() is not is_stream
        assert wire.transport.is_closing()
        assert wire.protocol.cut_off() is None  # nothing is left to cut off

    asyncio.run(scenario())
