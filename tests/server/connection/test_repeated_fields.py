"""Fields that repeat are written from known lines: the same bytes as field by field."""

import asyncio
from copy import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.server.connection.head import ReceivedHead
from gateway.server.connection.state import State
from gateway.server.connection.writer import WireWriter
from gateway.shapes import RawHeaders, RepeatedFields, ReplyHeaders
from tests.bodies import BodyOf
from tests.server.connection.test_writer import CLOSING, HEAD, OLD, POST, FakeListener, FakeWire

fields = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"x-a", b"vary", b"content-type"]), st.sampled_from([b"1 2"])),
        st.tuples(
            st.sampled_from([b"x-request-id", b"request-id", b"access-control-allow-origin"]),
            st.sampled_from([b"req_1", b"req 2", b"req_3", b"x" * 200]),
        ),
    ),
    max_size=4,
).map(tuple)


def written(
    headers: RawHeaders, reply: ClientReply, received: ReceivedHead, wire: FakeWire, asked: Decision
) -> tuple[object, ...]:
    """Return what is written for a reply, and what the writer and the decision say then."""
    decision = copy(asked)
    writer = WireWriter(wire, FakeListener(), received)
    failure = None
    try:
        asyncio.run(writer.write(replace(reply, headers=headers), decision))
    except Exception as error:  # noqa: BLE001 - compared
        failure = str(error)
    ends = (writer.complete, writer.keep_alive, writer.ends_with_connection)
    return wire.written, decision.request_id, failure, ends


@given(
    before=fields,
    after=fields,
    digits=st.sampled_from([b"4", b"004", b"0", b"5"]),
    status=st.sampled_from([200, 201, 204, 304, 429, 599]),
    received=st.sampled_from([POST, HEAD, OLD, CLOSING]),
    state=st.sampled_from([State.SERVING, State.BODY]),
    decision=st.builds(
        Decision,
        id_line=st.sampled_from([b"", b"x-request-id: mine\r\n"]),
        is_clients_id=st.booleans(),
        anthropic=st.booleans(),
        cors=st.sampled_from([(), ((b"access-control-allow-origin", b"*"),)]),
    ),
    streamed=st.booleans(),
)
def test_known_lines_are_what_is_written_field_by_field(
    before: RawHeaders,
    after: RawHeaders,
    digits: bytes,
    status: int,
    received: ReceivedHead,
    state: State,
    decision: Decision,
    *,
    streamed: bool,
) -> None:
    repeated = RepeatedFields(before, after)
    for _ in range(2):
        headers = ReplyHeaders(repeated, digits)
        reply = ClientReply(status, headers, BodyOf([b"fo", b"ur"]) if streamed else b"four")
        known = written(headers, reply, received, FakeWire(state), decision)
        again = replace(reply, body=BodyOf([b"fo", b"ur"])) if streamed else reply
        assert known == written(tuple(headers), again, received, FakeWire(state), decision)


@pytest.mark.parametrize(("is_clients", "shown"), [(False, b"theirs"), (True, b"mine")])
def test_an_upstreams_id_takes_the_place_of_the_gateways_only(
    shown: bytes, *, is_clients: bool
) -> None:
    ids = ((b"x-request-id", b"first"), (b"x-request-id", b"theirs"), (b"x-request-id", b"a b"))
    headers = ReplyHeaders(RepeatedFields(ids, ((b"vary", b"*"),)), b"1")
    wire = FakeWire()
    decision = Decision(id_line=b"x-request-id: mine\r\n", is_clients_id=is_clients)
    writer = WireWriter(wire, FakeListener(), POST)
    assert writer.write_at_once(ClientReply(200, headers, b"x"), b"x", decision)
    lines = (b"HTTP/1.1 200 OK", b"date: today", b"content-length: 1", b"vary: *")
    assert wire.written == b"\r\n".join((*lines, b"x-request-id: " + shown, b"", b"x"))


@pytest.mark.parametrize("state", [State.SERVING, State.BODY])
def test_a_reply_before_the_requests_end_closes_the_connection(state: State) -> None:
    wire = FakeWire(state)
    writer = WireWriter(wire, FakeListener(), POST)
    headers = ReplyHeaders(RepeatedFields((), ()), b"1")
    assert writer.write_at_once(ClientReply(200, headers, b"x"), b"x", Decision())
    is_open = state is State.SERVING
    assert (writer.keep_alive, b"connection: close\r\n" in wire.written) == (is_open, not is_open)
