"""The operators' listener over real sockets: what its door refuses, and what it refuses itself."""

import asyncio

import pytest

from tests.admin.listener import TOKEN, Admin
from tests.server.test_serving import Running

HOST = b"host: localhost\r\nconnection: close\r\n"
KNOWN = HOST + b"x-admin-token: " + TOKEN.reveal().encode() + b"\r\n"
JSON = b"content-type: application/json\r\n"


def answered(*data: bytes) -> bytes:
    async def scenario() -> bytes:
        running = Running(Admin(TOKEN).app)
        received = await running.exchange(b"".join(data))
        await running.end()
        return received

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /learned HTTP/1.1\r\n" + KNOWN + b"\r\n", 200),
        (b"GET /learned HTTP/1.0\r\n" + KNOWN + b"\r\n", 200),
        (b"GET http://localhost/learned HTTP/1.1\r\n" + KNOWN + b"\r\n", 200),
        (b"GET http://evil.example/learned HTTP/1.1\r\n" + KNOWN + b"\r\n", 421),
        (b"GET /learned HTTP/1.1\r\nhost: localhost\r\n" + KNOWN + b"\r\n", 400),
        (b"GET /learned HTTP/1.1\r\n" + HOST + b"x-admin-token: \xff\r\n\r\n", 401),
        (b"GET /learned HTTP/1.1\r\n" + HOST + b"x_admin_token: admin-token\r\n\r\n", 401),
        (b"GET /page/..%2f..%2fapplication.py HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /page/../application.py HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"POST /reload HTTP/1.1\r\n" + KNOWN + b"origin: http://evil.example\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 80_000 + b"\r\n\r\n", 431),
        (b"POST /forget HTTP/1.1\r\n" + KNOWN + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (
            b"POST /forget HTTP/1.1\r\n"
            + KNOWN
            + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ],
)
def test_requests_are_answered_as_they_should_be(data: bytes, status: int) -> None:
    assert answered(data).startswith(b"HTTP/1.1 %d " % status)


def test_a_long_body_is_refused_before_it_has_arrived() -> None:
    head = b"POST /login HTTP/1.1\r\n" + HOST + b"content-length: 900000000\r\n\r\n"
    received = answered(head, b"x" * 1_500_000)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in received


def test_a_body_may_come_in_chunks() -> None:
    head = b"POST /forget HTTP/1.1\r\n" + KNOWN + JSON + b"transfer-encoding: chunked\r\n\r\n"
    pieces = b'{"upstream":"openai",', b'"model":"m"}'
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    assert answered(head, body + b"0\r\n\r\n").endswith(b'{"forgotten":0}')
