"""Heads are taken apart strictly, and known again by their bytes alone."""

import string
from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.server.connection import head as heads
from gateway.server.connection.head import (
    END,
    MAX_HEAD_BYTES,
    HeadParser,
    RepeatedHead,
    parse,
    repeatable,
)
from tests.server.wire import request

BODY = b'{"model": "m"}'


def head_of(data: bytes) -> bytes:
    return data[: data.index(END) + len(END)]


def known(data: bytes) -> RepeatedHead:
    head = head_of(data)
    found = repeatable(head, parse(head))
    assert found is not None
    return found


def coded(coding: str, version: str = "1.1") -> bytes:
    field = f"Transfer-Encoding: {coding}"
    return request(b"", "/v1/x", field, version=version, drop=["Content-Length"])


def refusal(data: bytes) -> int:
    with pytest.raises(GatewayError) as caught:
        parse(data)
    assert caught.value.envelope()["error"]["message"]
    return caught.value.status


def test_a_head_is_taken_apart() -> None:
    received = parse(
        head_of(request(BODY, "/v1/chat%20x?a=b", "X-Thing:  spaced", "x-thing: again"))
    )
    head = received.head
    assert (head.method, head.raw_path, head.path) == ("POST", b"/v1/chat%20x", "/v1/chat x")
    assert head.query == b"a=b"
    assert head.headers == (
        (b"host", b"gateway.test"),
        (b"authorization", b"Bearer sk-test"),
        (b"x-thing", b"spaced"),
        (b"x-thing", b"again"),
    )
    assert (received.length, received.keep_alive) == (14, True)


@pytest.mark.parametrize("fed", [0, 20, -2])
def test_a_head_that_the_parser_has_not_seen_end_is_malformed(fed: int) -> None:
    data = head_of(request(BODY))
    parser = HeadParser()
    parser.feed(data[:fed])
    with pytest.raises(GatewayError, match="does not end where its lines do") as caught:
        parser.finish(data)
    assert caught.value.status == 400


def test_a_connection_that_is_to_be_closed_is_told() -> None:
    for value in ("close", "Close", "x, close", "close , keep-alive"):
        assert not parse(head_of(request(BODY, "/v1/x", f"Connection: {value}"))).keep_alive
    for value in ("keep-alive", "closed", "x-close"):
        assert parse(head_of(request(BODY, "/v1/x", f"Connection: {value}"))).keep_alive


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    head = parse(head_of(request(BODY, "/v1/x", "X-A: \t a \t b\t ", "X-B: \t", "X-C:c ")))
    fields = dict(head.head.headers)
    assert (fields[b"x-a"], fields[b"x-b"], fields[b"x-c"]) == (b"a \t b", b"", b"c")


def test_a_head_without_framing_has_no_body_and_a_chunked_one_has_no_length() -> None:
    assert parse(b"GET /v1/models HTTP/1.1\r\nhost: h\r\n\r\n").length == 0
    head = head_of(request(BODY, "/v1/x", "Transfer-Encoding: Chunked", drop=["Content-Length"]))
    assert parse(head).length is None


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "foo/1, bar"])
def test_an_upgrade_changes_nothing_about_the_framing(protocol: str) -> None:
    fields = (f"Upgrade: {protocol}", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAM")
    received = parse(head_of(request(BODY, "/v1/x", *fields)))
    assert received.length == len(BODY)
    assert (b"upgrade", protocol.encode()) in received.head.headers
    chunked = request(BODY, "/v1/x", *fields, "Transfer-Encoding: chunked", drop=["Content-Length"])
    assert parse(head_of(chunked)).length is None


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("http://a.test/v1/x?y=z", b"/v1/x", b"y=z", b"a.test"),
        ("HTTPS://a.test:8080", b"/", b"", b"a.test:8080"),
        ("http://[::1]:80?q", b"/", b"q", b"[::1]:80"),
        ("/v1/x?a#b", b"/v1/x", b"a", b"gateway.test"),
        ("*", b"*", b"", b"gateway.test"),
    ],
)
def test_the_authority_of_a_target_is_the_host(
    target: str, path: bytes, query: bytes, host: bytes
) -> None:
    head = parse(head_of(request(BODY, target, method="OPTIONS"))).head
    assert (head.raw_path, head.query) == (path, query)
    assert [value for name, value in head.headers if name == b"host"] == [host]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(BODY, version="2.0"), 505),
        (request(BODY, version="0.9"), 505),
        (b"GET /v1/models\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (request(BODY, version="1.7"), 505),
        (request(BODY).replace(b"HTTP/1.1", b"RTSP/1.0"), 400),
        (request(BODY).replace(b"POST ", b"POST  "), 400),
        (request(BODY, "http://a.test/v1", drop=["Host"]), 400),
        (request(BODY, "http://a.test/v1", "Host: two"), 400),
        (request(BODY, "http://a.test/v1", "Host: a b", drop=["Host"]), 400),
        (request(BODY, "/v1/x", "Content-Length: 14"), 400),
        (request(BODY).replace(b": 14", b": +14"), 400),
        (request(BODY).replace(b": 14", b": 14, 14"), 400),
        (request(BODY).replace(b": 14", b": -1"), 400),
        (request(BODY).replace(b": 14", b": 0xE"), 400),
        (request(BODY).replace(b": 14", b": " + b"9" * 20), 400),
        (request(BODY, "/v1/x", "Transfer-Encoding: chunked"), 400),
        (
            request(
                b"", "/v1/x", "Transfer-Encoding: chunked", version="1.0", drop=["Content-Length"]
            ),
            400,
        ),
        (request(b"", "/v1/x", "Transfer-Encoding: gzip, chunked", drop=["Content-Length"]), 501),
        (request(b"", "/v1/x", "Transfer-Encoding: gzip", drop=["Content-Length"]), 400),
        (request(b"", "/v1/x", "Transfer-Encoding: deflate, x", drop=["Content-Length"]), 400),
        (request(b"", "/v1/x", "Transfer-Encoding: chunked, gzip", drop=["Content-Length"]), 400),
        (
            request(b"", "/v1/x", "Transfer-Encoding: chunked, chunked", drop=["Content-Length"]),
            400,
        ),
        (request(b"", "/v1/x", "Transfer-Encoding: identity", drop=["Content-Length"]), 400),
        (request(b"", "/v1/x", "Transfer-Encoding:", drop=["Content-Length"]), 400),
        (request(BODY, "/\xfc"), 400),
        (request(BODY, "http://user@h/v1/x"), 400),
        (request(BODY, "http://h:99999/v1/x"), 400),
        (request(BODY, "/v1/x", "Bad Name: x"), 400),
        (request(BODY, "/v1/x", "X : a"), 400),
        (request(BODY, "/v1/x", "X: a\nb"), 400),
        (request(BODY, "/v1/x", "X: a\rb"), 400),
        (request(BODY, "/v1/x", "X: a\x00b"), 400),
        (request(BODY, "/v1/x", " folded"), 400),
        (request(BODY, "/v1/x y"), 400),
        (request(BODY, method="BREW"), 400),
        (b"\x16\x03\x01\x02\r\n\r\n", 400),
    ],
)
def test_what_is_malformed_or_not_spoken_is_refused(data: bytes, status: int) -> None:
    assert refusal(head_of(data)) == status


def test_a_head_of_which_some_is_missing_is_not_a_head() -> None:
    assert refusal(request(BODY)[:30]) == 400
    assert refusal(head_of(request(BODY)).replace(b"\r\n", b"\n")) == 400


def test_two_heads_are_not_taken_for_one() -> None:
    assert refusal(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n" * 2) == 400


def test_garbage_is_refused_before_the_head_is_complete() -> None:
    parser = HeadParser()
    with pytest.raises(GatewayError):
        parser.feed(b"\x16\x03\x01")
    parser.close()


def test_the_same_head_is_known_with_a_body_of_any_length() -> None:
    found = known(request(BODY))
    for body in (b"", b"x", b"y" * 9, b"z" * 100_000):
        data = request(body)
        assert found.match(data) == (len(data) - len(body), len(body))
    assert found.match(request(BODY)[:-1]) == (len(request(BODY)) - 14, 14)


@pytest.mark.parametrize(
    "data",
    [
        request(BODY).replace(b"sk-test", b"sk-tesT"),
        request(BODY).replace(b": 14\r", b": +14\r"),
        request(BODY).replace(b": 14\r", b": \r"),
        request(BODY).replace(b": 14\r", b": 14"),
        request(BODY).replace(b": 14\r", b": 1400000000000000000\r"),
        request(BODY, method="PUT"),
        request(BODY)[:40],
        b"",
    ],
)
def test_another_request_is_not_taken_for_a_known_one(data: bytes) -> None:
    assert known(request(BODY)).match(data) is None


@pytest.mark.parametrize(
    "data",
    [
        request(BODY, method="PUT"),
        request(BODY, version="1.0"),
        request(BODY, drop=["Content-Length"]),
        request(BODY, "/v1/x", "Transfer-Encoding: chunked", drop=["Content-Length"]),
        request(BODY, "/v1/x", "Expect: 100-continue"),
        request(BODY).replace(b": 14", b": 000000000000000014"),
    ],
)
def test_a_head_that_is_special_is_not_kept(data: bytes) -> None:
    head = head_of(data)
    assert repeatable(head, parse(head)) is None


names = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))


@given(
    fields=st.lists(st.tuples(names, values), max_size=8),
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 200), max_size=4),
)
def test_what_is_read_is_what_was_sent(
    fields: list[tuple[str, str]], bodies: list[bytes], cuts: list[int]
) -> None:
    lines = [f"x{name}: {value}" for name, value in fields]
    data = head_of(request(bodies[0], "/v1/x", *lines))
    parser = HeadParser()
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    for start, end in pairwise(edges):
        parser.feed(data[start:end])
    received = parser.finish(data)
    parser.close()
    sent = tuple(
        (f"x{name}".lower().encode(), value.strip(" \t").encode("latin-1"))
        for name, value in fields
    )
    assert received.head.headers[2:] == sent
    found = repeatable(data, received)
    assert found is not None
    for body in bodies:
        again = request(body, "/v1/x", *lines)
        assert found.match(again) == (len(again) - len(body), len(body))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    for tried in (data + END, b"POST / HTTP/1.1\r\n" + data + END):
        try:
            received = parse(tried[: tried.index(END) + len(END)])
        except GatewayError:
            continue
        assert received.head.method


def test_the_parser_is_the_one_that_the_lock_names() -> None:
    # Its strictness is what these tests rest on: another major version is another parser.
    assert httptools.__version__.split(".")[0] == "0"
    assert MAX_HEAD_BYTES == 72 * 1024


def test_two_framings_are_refused_whatever_the_parser_lets_through() -> None:
    both = heads._Framing([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
    with pytest.raises(GatewayError, match="a Content-Length and a Transfer-Encoding"):
        both.length(is_http_1_0=False)


@pytest.mark.parametrize("lengths", [[b"5", b"5"], [b"5, 5"], [b"+5"], [b"9" * 20], [b""]])
def test_a_length_is_one_number_whatever_the_parser_lets_through(lengths: list[bytes]) -> None:
    framing = heads._Framing([(b"content-length", length) for length in lengths])
    with pytest.raises(GatewayError, match="Content-Length is not one number"):
        framing.length(is_http_1_0=False)
