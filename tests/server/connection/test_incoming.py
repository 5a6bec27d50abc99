"""Requests that come in any pieces are the ones that come whole, repeated heads included."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.admission import Admission, refusal
from gateway.errors import GatewayError, InvalidRequest, PayloadTooLarge, UnknownRoute
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Head, Request
from gateway.server.connection.head import MAX_HEAD_BYTES
from gateway.server.connection.incoming import Incoming
from tests.server.wire import request

LIMIT = 1000
TARGET = "/v1/chat/completions"

Seen = tuple[str, bytes, bytes, int | None]
"""Method, target, body, and the length that was known beforehand."""


async def serve(request: Request, decision: Decision) -> ClientReply:
    raise AssertionError


class Judge:
    """Admits all but `/nowhere`; counts."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, head: Head) -> Admission:
        self.asked += 1
        if head.raw_path == b"/nowhere":
            return refusal(UnknownRoute("nowhere"))
        return Admission(Request(head.method, head.raw_path.decode()), serve, LIMIT)


def read(incoming: Incoming, pieces: Sequence[bytes]) -> list[Seen]:
    """Read all requests, one after the other, by the generic path."""
    seen, body, in_body = [], b"", False
    for piece in pieces:
        data = piece
        while True:
            if in_body:
                body += incoming.take_body(data)
            elif incoming.take_head(data):
                body, in_body = incoming.begin_body(), True
            if not (in_body and incoming.body_complete):
                break
            head = incoming.received.head
            seen.append((head.method, head.raw_path, body, incoming.length))
            data, in_body = b"", False
    return seen


def cut(sent: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(sent[:size])
        sent = sent[size:]
    return [*pieces, sent]


def chunked(body: bytes) -> bytes:
    head = request(b"", TARGET, "Transfer-Encoding: chunked", drop=("Content-Length",))
    size = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return head + size + b"0\r\nX-Sum: 1\r\n\r\n"


bodies = st.binary(max_size=200)
requests = st.one_of(
    bodies.map(lambda body: (request(body), ("POST", TARGET.encode(), body, len(body)))),
    bodies.map(
        lambda body: (
            request(body, "/v1/files", "X-Other: head"),
            ("POST", b"/v1/files", body, len(body)),
        )
    ),
    bodies.map(lambda body: (chunked(body), ("POST", TARGET.encode(), body, None))),
    bodies.map(lambda body: (request(body, "/nowhere"), ("POST", b"/nowhere", body, len(body)))),
    st.just(
        (
            request(b"", "/v1/models", method="GET", drop=("Content-Length",)),
            ("GET", b"/v1/models", b"", 0),
        )
    ),
)


@given(
    sent=st.lists(st.tuples(requests, st.sampled_from([b"", b"\r\n", b"\r\n\r\n"])), max_size=5),
    sizes=st.lists(st.integers(0, 300), max_size=12),
)
def test_any_requests_in_any_cuts_are_the_ones_that_were_sent(
    sent: list[tuple[tuple[bytes, Seen], bytes]], sizes: list[int]
) -> None:
    data = b"".join(before + one for (one, _), before in sent)
    incoming = Incoming(Judge())
    assert read(incoming, cut(data, sizes)) == [seen for (_, seen), _ in sent]
    assert incoming.rest == b""


@pytest.mark.parametrize("lines", [b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])
def test_empty_lines_before_a_request_mean_nothing_in_any_two_cuts(lines: bytes) -> None:
    data = lines + request(b"{}")
    for at in range(len(lines) + 3):
        incoming = Incoming(Judge())
        assert len(read(incoming, [data[:at], data[at:]])) == 1, at


def test_the_first_head_is_known_to_be_the_first() -> None:
    incoming = Incoming(Judge())
    whole = request(b"body")
    read(incoming, [whole[:20]])
    assert not incoming.any_head
    read(incoming, [whole[20:]])
    assert incoming.any_head


@given(body=bodies, sizes=st.lists(st.integers(1, 300), max_size=4))
def test_a_repeated_head_gives_what_the_generic_path_gives(body: bytes, sizes: list[int]) -> None:
    judge = Judge()
    incoming = Incoming(judge)
    read(incoming, [request(b"first")])
    again = request(body)
    fast = incoming.repeated(again)
    assert fast == body
    heads = (incoming.received, incoming.admission)
    assert judge.asked == 1
    (seen,) = read(incoming, cut(again, sizes))
    assert seen == ("POST", TARGET.encode(), body, len(body))
    assert (incoming.received.head, incoming.received.keep_alive) == (
        heads[0].head,
        heads[0].keep_alive,
    )
    assert incoming.admission.request == heads[1].request


NOT_REPEATED = {
    "a part": request(b"second")[:-1],
    "more than it": request(b"second") + b"x",
    "two": request(b"second") * 2,
    "another head": request(b"second", TARGET, "X-Other: head"),
    "beyond the limit": request(b"x" * (LIMIT + 1)),
    "no length": request(b"").replace(b": 0", b": "),
    "nothing": b"",
}


@pytest.mark.parametrize("data", NOT_REPEATED.values(), ids=NOT_REPEATED.keys())
def test_what_is_not_one_whole_request_goes_the_generic_path(data: bytes) -> None:
    incoming = Incoming(Judge())
    assert incoming.repeated(data) is None  # nothing is known yet
    read(incoming, [request(b"first")])
    before = (incoming.received, incoming.admission)
    assert incoming.repeated(data) is None
    assert (incoming.received, incoming.admission) == before


def test_a_refused_head_is_judged_again_and_forgets_the_known_one() -> None:
    judge = Judge()
    incoming = Incoming(judge)
    refused = request(b"{}", "/nowhere")
    read(incoming, [request(b"{}")])
    for count in (2, 3):
        assert incoming.repeated(refused) is None
        read(incoming, [refused])
        assert judge.asked == count
    assert incoming.repeated(request(b"{}")) is None


def test_a_known_head_is_known_though_its_body_has_yet_to_come() -> None:
    judge = Judge()
    incoming = Incoming(judge)
    read(incoming, [request(b"first")])
    second = request(b"second")
    assert read(incoming, [second[:-3], second[-3:]])[0][2] == b"second"
    assert judge.asked == 1
    read(incoming, [request(b"third", "/v1/files")])
    assert judge.asked == 2


@pytest.mark.parametrize("piece", [1, 1000, 10**6])
@pytest.mark.parametrize("ends", [False, True])
def test_a_head_has_a_limit_with_and_without_its_end(piece: int, *, ends: bool) -> None:
    begin, end = b"GET /v1/models HTTP/1.1\r\nHost: h\r\nX: ", b"\r\n\r\n"
    longest = begin + b"x" * (MAX_HEAD_BYTES - len(begin) - len(end)) + end
    assert Incoming(Judge()).take_head(longest)
    sent = longest.replace(end, b"x" + (end if ends else b"xxxx"))
    sizes = [piece] * min(len(sent) // piece, 100)
    with pytest.raises(GatewayError) as caught:
        read(Incoming(Judge()), cut(sent, sizes))
    assert (caught.value.status, caught.value.code) == (431, "headers_too_large")


@pytest.mark.parametrize("ahead", [0, 10, 500])
def test_a_body_has_a_limit_declared_or_not(ahead: int) -> None:
    for size in (LIMIT, LIMIT + 1):
        for sent, declared in ((request(b"x" * size), True), (chunked(b"x" * size), False)):
            incoming = Incoming(Judge())
            end = sent.index(b"\r\n\r\n") + 4
            pieces = [sent[: end + ahead], sent[end + ahead :]]
            if size == LIMIT:
                assert len(read(incoming, pieces)[0][2]) == LIMIT
                continue
            assert incoming.take_head(pieces[0])
            if declared:
                with pytest.raises(PayloadTooLarge):
                    incoming.begin_body()
                continue
            incoming.begin_body()
            with pytest.raises(PayloadTooLarge):
                incoming.take_body(pieces[1])


def test_a_body_of_bad_framing_is_refused_wherever_it_is_cut() -> None:
    bad = chunked(b"hello").replace(b"hello\r\n", b"hello!\r\n")
    for at in range(bad.index(b"\r\n\r\n") + 4, len(bad)):
        with pytest.raises(InvalidRequest, match="chunked"):
            read(Incoming(Judge()), [bad[:at], bad[at:]])


def test_a_closed_one_holds_nothing() -> None:
    incoming = Incoming(Judge())
    read(incoming, [request(b"{}"), request(b"{}")[:20]])
    assert incoming.rest
    incoming.close()
    incoming.close()
    assert incoming._parser is None
    assert (bytes(incoming.rest), incoming.body_complete) == (b"", True)
    assert incoming.repeated(request(b"{}")) is None
