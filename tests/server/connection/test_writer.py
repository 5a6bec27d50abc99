"""Replies on the wire, as llhttp reads them: their framing, and what is never written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.server.connection.backpressure import Backpressure
from gateway.server.connection.head import MALFORMED, ReceivedHead, parse
from gateway.server.connection.state import State
from gateway.server.connection.writer import WireWriter
from gateway.server.websocket.client_socket import ClientSocket
from gateway.sockets import SocketSession, Traffic
from gateway.system.outbox import Outbox
from tests.bodies import BodyOf
from tests.server.wire import FakeTransport, request
from tests.waiting import PATIENCE

Fields = list[tuple[bytes, bytes]]
HEAD = parse(request(b"", method="HEAD").partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
POST = parse(request(b""))
OLD = parse(request(b"", version="1.0"))
CLOSING = parse(request(b"", "/v1/models", "Connection: close"))


class FakeListener:
    date_line = b"date: today\r\n"


@dataclass
class FakeWire:
    """A connection that keeps what is written to it."""

    state: State = State.SERVING
    kept: FakeTransport = field(default_factory=FakeTransport)
    transport: asyncio.Transport = field(init=False)
    flow: Backpressure = field(init=False)
    outbox: Outbox = field(default_factory=Outbox)

    def __post_init__(self) -> None:
        self.transport = self.kept
        self.flow = Backpressure(self.transport, 30)

    def write_late(self, data: bytes) -> None:
        self.transport.write(data)

    def open_socket(
        self, session: SocketSession, decision: Decision, traffic: Traffic
    ) -> ClientSocket:
        raise AssertionError

    @property
    def written(self) -> bytes:
        return b"".join(self.kept.written)


class Read:
    """What a client reads, by llhttp. `complete`: without waiting for the connection's end."""

    def __init__(self, data: bytes) -> None:
        self.body = b""
        self.fields: dict[bytes, list[bytes]] = {}
        self.complete = False
        self.keep_alive = False
        self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(data)
        self.status = self._parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.setdefault(name, []).append(value)

    def on_body(self, body: bytes) -> None:
        assert not self.complete
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True
        self.keep_alive = self._parser.should_keep_alive()


DELIVERIES = ["whole", "streamed"]


def body_of(pieces: Sequence[bytes], delivery: str) -> bytes | ReplyBody:
    if delivery == "whole":
        return b"".join(pieces)
    return BodyOf(pieces)


def write(
    status: int,
    fields: Fields,
    body: bytes | ReplyBody,
    received: ReceivedHead = POST,
    wire: FakeWire | None = None,
) -> tuple[FakeWire, WireWriter]:
    wire = wire or FakeWire()
    writer = WireWriter(wire, FakeListener(), received)
    asyncio.run(writer.write(ClientReply(status, fields, body), Decision(upstream="openai")))
    return wire, writer


bodies = st.lists(st.binary(min_size=1, max_size=40), max_size=4)


@given(
    status=st.integers(200, 999).filter(lambda status: status not in (204, 304)),
    pieces=bodies,
    announced=st.booleans(),
    delivery=st.sampled_from(DELIVERIES),
)
def test_any_reply_is_read_as_it_was_meant(
    status: int, pieces: list[bytes], *, announced: bool, delivery: str
) -> None:
    body = b"".join(pieces)
    fields = [(b"content-length", b"%d" % len(body))] if announced else []
    wire, writer = write(status, [(b"x-a", b"\xe4 1"), *fields], body_of(pieces, delivery))
    read = Read(wire.written)
    assert (read.status, read.body, read.complete) == (status, body, True)
    assert (writer.complete, writer.keep_alive, read.keep_alive) == (True, True, True)
    assert read.fields[b"x-a"] == [b"\xe4 1"]
    assert read.fields[b"date"] == [b"today"]
    assert read.fields[b"x-gateway-upstream"] == [b"openai"]
    framed_by = b"content-length" if announced or delivery == "whole" else b"transfer-encoding"
    assert (b"content-length" in read.fields) is (framed_by == b"content-length")
    assert (b"transfer-encoding" in read.fields) is (framed_by == b"transfer-encoding")


def test_a_status_has_its_phrase_or_none() -> None:
    for status in (200, 426, 599, 999):
        wire, _ = write(status, [], b"")
        known = {each.value: each.phrase for each in HTTPStatus}
        line = f"HTTP/1.1 {status} {known.get(status, '')}\r\n"
        assert wire.written.startswith(line.encode())


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("fields", [[], [(b"content-length", b"5")]], ids=["no length", "length"])
@pytest.mark.parametrize(("status", "received"), [(204, POST), (304, POST), (200, HEAD)])
def test_where_a_reply_has_no_body_none_is_written_whatever_its_length(
    status: int, received: ReceivedHead, fields: Fields, delivery: str
) -> None:
    wire, writer = write(status, fields, body_of([b"hello"], delivery), received)
    assert wire.written.endswith(b"\r\n\r\n")
    assert wire.written.count(b"\r\n\r\n") == 1
    assert b"transfer-encoding" not in wire.written
    length = [b"5"] if fields and status != 204 else None
    lines = wire.written.split(b"\r\n")
    assert (b"content-length: 5" in lines) is (length is not None)
    assert (writer.complete, writer.keep_alive) == (True, True)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_http_1_0_gets_no_chunks_and_the_connections_end(delivery: str) -> None:
    wire, writer = write(200, [], body_of([b"a", b"b"], delivery), OLD)
    read = Read(wire.written)
    assert (read.body, read.keep_alive) == (b"ab", False)
    assert b"transfer-encoding" not in read.fields
    assert read.fields[b"connection"] == [b"close"]
    assert writer.complete
    assert not writer.keep_alive
    assert writer.ends_with_connection is (delivery != "whole")
    assert read.complete is (delivery == "whole")


def test_the_upstreams_coding_is_never_passed_on() -> None:
    coded = [(b"transfer-encoding", b"gzip, chunked")]
    wire, _ = write(200, coded, BodyOf([b"ab"]))
    assert Read(wire.written).fields[b"transfer-encoding"] == [b"chunked"]
    wire, _ = write(200, coded, b"ab")
    assert b"transfer-encoding" not in wire.written


@pytest.mark.parametrize(
    ("received", "state", "fields"),
    [
        (CLOSING, State.SERVING, []),
        (MALFORMED, State.SERVING, []),
        (POST, State.BODY, []),
        (POST, State.SERVING, [(b"connection", b"upgrade, Close")]),
        (POST, State.SERVING, [(b"connection", b"close"), (b"connection", b"upgrade")]),
    ],
    ids=["the client", "no head", "a body that is not waited for", "a reply", "a reply of two"],
)
def test_who_ends_the_connection_says_so_once(
    received: ReceivedHead, state: State, fields: Fields
) -> None:
    wire, writer = write(200, fields, b"x", received, FakeWire(state))
    assert not writer.keep_alive
    assert not Read(wire.written).keep_alive
    assert wire.written.lower().count(b"close\r\n") == 1


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize(
    ("length", "message"), [(b"5", "shorter than its"), (b"3", "longer than its")]
)
def test_a_body_that_is_not_as_long_as_announced_is_an_error_and_never_complete(
    length: bytes, message: str, delivery: str
) -> None:
    wire = FakeWire()
    writer = WireWriter(wire, FakeListener(), POST)
    body = body_of([b"fo", b"ur"], delivery)
    reply = ClientReply(200, [(b"content-length", length)], body)
    with pytest.raises(GatewayError, match=message):
        asyncio.run(writer.write(reply, Decision()))
    assert not writer.complete
    assert len(wire.written.partition(b"\r\n\r\n")[2]) <= 4
    assert not wire.written.endswith(b"four") or length == b"5"


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("character", [b"\r\n", b"\n", b"\r", b"\x00", b"\x1b", b"\x7f"])
def test_a_field_with_a_control_character_is_not_written_nor_anything_else(
    character: bytes, delivery: str
) -> None:
    wire = FakeWire()
    writer = WireWriter(wire, FakeListener(), POST)
    fields = [(b"x-a", b"1"), (b"x-b", b"a" + character + b"set-cookie: c")]
    with pytest.raises(GatewayError, match="control character"):
        asyncio.run(writer.write(ClientReply(200, fields, body_of([b"x"], delivery)), Decision()))
    assert wire.written == b""
    assert not writer.complete


def test_a_tab_within_a_field_is_none() -> None:
    wire, _ = write(200, [(b"x-a", b"a\tb")], b"")
    assert b"x-a: a\tb\r\n" in wire.written


def test_what_a_decision_says_cannot_begin_another_field() -> None:
    wire = FakeWire()
    writer = WireWriter(wire, FakeListener(), POST)
    decision = Decision(upstream="a\r\nset-cookie: b", warning="\u20ac\x00")
    asyncio.run(writer.write(ClientReply(200, [], b""), decision))
    assert b"x-gateway-upstream: a??set-cookie: b\r\n" in wire.written
    assert b"x-gateway-warning: \\u20ac?\r\n" in wire.written


def test_an_error_is_a_whole_reply() -> None:
    wire = FakeWire()
    writer = WireWriter(wire, FakeListener(), POST)
    error = InvalidRequest("no", headers=(("retry-after", "1"),))
    asyncio.run(writer.write_error(error, Decision()))
    assert len(wire.kept.written) == 1
    read = Read(wire.written)
    assert (read.status, read.complete) == (400, True)
    assert read.fields[b"retry-after"] == [b"1"]


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_nothing_is_written_to_a_client_that_has_left(delivery: str) -> None:
    wire = FakeWire()
    writer = WireWriter(wire, FakeListener(), POST)
    writer.gone = True
    asyncio.run(writer.write(ClientReply(200, [], body_of([b"a"], delivery)), Decision()))
    assert wire.written == b""


@pytest.mark.parametrize("delivery", ["whole", "streamed"])
def test_a_reply_waits_for_a_client_that_does_not_read(delivery: str) -> None:
    async def scenario() -> None:
        wire = FakeWire()
        wire.flow.pause(0)
        writer = WireWriter(wire, FakeListener(), POST)
        writer.resume()  # with nothing under way
        reply = ClientReply(200, [], body_of([b"a"], delivery))
        task = asyncio.create_task(writer.write(reply, Decision()))
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.written == b""
        wire.flow.resume()
        await asyncio.wait_for(task, PATIENCE)
        assert Read(wire.written).body == b"a"

    asyncio.run(scenario())


def test_a_body_stops_while_the_client_does_not_read() -> None:
    async def scenario() -> None:
        wire, body = FakeWire(), BodyOf([b"a", b"b"])
        writer = WireWriter(wire, FakeListener(), POST)
        await writer._start([], Decision())
        wire.flow.pause(0)
        task = asyncio.create_task(writer._write_body(body))
        await asyncio.wait_for(body.full.wait(), PATIENCE)
        assert (body.delivered, task.done()) == (1, False)
        wire.flow.resume()
        writer.resume()
        await asyncio.wait_for(task, PATIENCE)
        assert wire.written.endswith(b"1\r\na\r\n1\r\nb\r\n")
        await body.aclose()

    asyncio.run(scenario())
