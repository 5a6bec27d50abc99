"""Whole requests are recognised strictly, and known again by their bytes alone."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.http_limits import MAX_HEAD_BYTES
from gateway.server.whole_request import KnownHead, read
from tests.server.wire import request

BODY = b'{"model": "m"}'


def known(data: bytes) -> KnownHead:
    found = read(data)
    assert found is not None
    return found


def test_a_whole_request_is_taken_apart() -> None:
    data = request(BODY, "/v1/chat%20x?a=b", "X-Thing:  spaced", "x-thing: again")
    found = known(data)
    assert found.head.raw_path == b"/v1/chat%20x"
    assert found.head.path == "/v1/chat x"
    assert found.head.query == b"a=b"
    assert found.head.headers == (
        (b"host", b"gateway.test"),
        (b"authorization", b"Bearer sk-test"),
        (b"x-thing", b"spaced"),
        (b"x-thing", b"again"),
    )
    assert found.head.keep_alive
    assert found.body_of(data) == BODY


def test_a_connection_that_is_to_be_closed_is_told() -> None:
    assert not known(request(BODY, "/v1/x", "Connection: close")).head.keep_alive


def test_the_same_head_is_known_with_a_body_of_any_length() -> None:
    found = known(request(BODY))
    for body in (b"", b"x", b"y" * 9, b"z" * 100_000):
        assert found.body_of(request(body)) == body


@pytest.mark.parametrize(
    "data",
    [
        request(BODY)[:-1],
        request(BODY) + b"x",
        request(BODY) + request(BODY),
        request(BODY).replace(b"sk-test", b"sk-tesT"),
        request(BODY).replace(b": 14\r", b": +14\r"),
        request(BODY).replace(b": 14\r", b": \r"),
        request(BODY).replace(b": 14\r", b": 14"),
        request(BODY).replace(b": 14\r", b": 1400000000000000000\r"),
        request(BODY, method="PUT"),
        b"",
    ],
)
def test_another_request_is_not_taken_for_a_known_one(data: bytes) -> None:
    assert known(request(BODY)).body_of(data) is None


@pytest.mark.parametrize(
    "data",
    [
        request(BODY)[:-1],
        request(BODY) + b"x",
        request(BODY, method="GET"),
        request(BODY, version="1.0"),
        request(BODY, "*"),
        request(BODY, "/\xfc"),
        request(BODY, drop=["Content-Length"]),
        request(BODY, "/v1/x", "Content-Length: 14"),
        request(BODY, "/v1/x", "Content-Length: 15"),
        request(BODY, "/v1/x", "Transfer-Encoding: chunked"),
        request(BODY, "/v1/x", "Transfer-Encoding: chunked", drop=["Content-Length"]),
        request(BODY, "/v1/x", "Expect: 100-continue"),
        request(BODY, "/v1/x", "Upgrade: h2c", "Connection: upgrade"),
        request(BODY, "/v1/x", "Content-Encoding: gzip"),
        request(BODY, "/v1/x", "Bad Name: x"),
        request(BODY, "/v1/x", "X: a\nb"),
        request(BODY, "/v1/x", "X: a\x00b"),
        request(BODY, "/v1/x", " folded"),
        request(BODY, "/v1/x", "X: " + "x" * MAX_HEAD_BYTES),
        request(BODY).replace(b"\r\n", b"\n"),
        request(BODY, "/v1/x y"),
        request(BODY, "/v1/x", "X: \r\ncontent-length: 14", drop=["Content-Length"]).replace(
            b"X: \r\n", b"X: \r\n "
        ),
        b"POST / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"",
    ],
)
def test_anything_else_is_left_to_the_general_way(data: bytes) -> None:
    assert read(data) is None


names = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))


@given(
    fields=st.lists(st.tuples(names, values), max_size=8),
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
)
def test_what_is_read_is_what_was_sent(fields: list[tuple[str, str]], bodies: list[bytes]) -> None:
    special = {"content-length", "transfer-encoding", "expect", "upgrade", "content-encoding"}
    plain = [field for field in fields if field[0].lower() not in {*special, "connection", "host"}]
    lines = [f"x{name}: {value}" for name, value in plain]
    found = read(request(bodies[0], "/v1/x", *lines))
    assert found is not None
    sent = tuple(
        (f"x{name}".lower().encode(), value.lstrip(" \t").encode("latin-1"))
        for name, value in plain
    )
    assert found.head.headers[2:] == sent
    for body in bodies:
        assert found.body_of(request(body, "/v1/x", *lines)) == body
