"""`Upgrade` changes nothing of a request's framing (RFC 9110 section 7.8, RFC 9112 section 6).

A body is a body whatever the head offers: read as one it can never be taken for a request, which
would run with another's reply on a connection that a proxy shares between users.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.clients.raw import chunk
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    FILES,
    KILOBYTE,
    RESPONSES,
    Client,
    Door,
    chat,
    connect,
    door,
    prompt,
    raw,
)
from tests.rows import module_fixture

JDK_17 = (
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    "Upgrade: h2c",
    "User-Agent: Java-http-client/17.0.19",
)
"""What the JDK's `HttpClient` sends with every request without TLS, unless told otherwise."""
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: pB75oCUc71HCoAFlFrsl+Q==",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
)
UPGRADES = {
    "h2c of a JDK": JDK_17,
    "websocket": HANDSHAKE,
    "foo": ("Connection: upgrade", "Upgrade: foo/1"),
    "several": ("Connection: keep-alive, Upgrade", "Upgrade: h2c, websocket, foo"),
    "several fields": ("Connection: Upgrade", "Upgrade: foo", "Upgrade: websocket"),
    "TLS": ("Connection: Upgrade", "Upgrade: TLS/1.0, HTTP/1.1"),
    "not named by Connection": ("Connection: keep-alive", "Upgrade: h2c"),
    "without a protocol": ("Connection: Upgrade",),
}
BODIES = {
    CHAT: chat("as it is"),
    COMPLETIONS: prompt(),
    EMBEDDINGS: b'{"model": "text-embedding-3-small", "input": "Hi"}',
    FILES: b"--BOUNDARY--\r\n",
}
SMUGGLED = (
    b"DELETE /v1/files/SMUGGLED HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer sk-stolen\r\n\r\n"
)


@module_fixture
def running() -> Iterator[Door]:
    with door() as both:
        yield both


@pytest.fixture
def client(running: Door) -> Iterator[Client]:
    with connect(running.base_url) as made:
        yield made


def framed(path: str, fields: tuple[str, ...], body: bytes, *, chunked: bool) -> tuple[bytes, ...]:
    """Return head and body of a request with a length or in chunks."""
    line = f"POST {path} HTTP/1.1"
    if not chunked:
        return raw(line, *fields, f"Content-Length: {len(body)}"), body
    half = len(body) // 2
    pieces = chunk(body[:half]) + chunk(body[half:]) + chunk(b"")
    return raw(line, *fields, "Transfer-Encoding: chunked"), pieces


def in_one_piece(client: Client, head: bytes, body: bytes) -> None:
    client.send(head + body)


def head_first(client: Client, head: bytes, body: bytes) -> None:
    client.send(head)
    client.drip(body[:1])
    client.send(body[1:])


def byte_by_byte(client: Client, head: bytes, body: bytes) -> None:
    client.drip(head + body)


Delivery = Callable[[Client, bytes, bytes], None]


def expect_served(client: Client, running: Door, before: int, path: str, body: bytes) -> None:
    """Expect one reply, and one request with this body upstream; then one more of its own."""
    reply = client.reply()
    assert reply.status == 200, reply.body
    (seen,) = running.upstream.since(before)
    assert seen.complete
    if path == COMPLETIONS:
        assert (seen.target, b"Hello" in seen.body) == (CHAT, True)
    else:
        assert (seen.line, seen.body) == (f"POST {path}", body)
    assert seen.header("upgrade") is None
    client.send(raw("GET /v1/files/own HTTP/1.1"))
    own = client.reply()
    assert (own.status, "GET /v1/files/own" in own.body.decode()) == (200, True)
    assert len(running.upstream.since(before)) == 2


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("deliver", [in_one_piece, head_first])
@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
def test_a_body_with_an_upgrade_is_a_body(
    running: Door,
    client: Client,
    upgrade: tuple[str, ...],
    deliver: Delivery,
    path: str,
    *,
    chunked: bool,
) -> None:
    before, body = len(running.upstream.requests), BODIES[path]
    deliver(client, *framed(path, upgrade, body, chunked=chunked))
    expect_served(client, running, before, path, body)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("upgrade", [JDK_17, HANDSHAKE], ids=["h2c of a JDK", "websocket"])
def test_a_body_with_an_upgrade_is_a_body_byte_by_byte(
    running: Door, client: Client, upgrade: tuple[str, ...], path: str, *, chunked: bool
) -> None:
    before, body = len(running.upstream.requests), BODIES[path]
    byte_by_byte(client, *framed(path, upgrade, body, chunked=chunked))
    expect_served(client, running, before, path, body)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, FILES])
@pytest.mark.parametrize("kilobytes", [65, 200, 3000])
def test_a_large_body_with_an_upgrade_is_a_body(
    running: Door, client: Client, kilobytes: int, path: str, *, chunked: bool
) -> None:
    before = len(running.upstream.requests)
    body = b'{"model": "gpt-4o-mini", "messages": [], "x": "' + b"x" * kilobytes * KILOBYTE + b'"}'
    in_one_piece(client, *framed(path, JDK_17, body, chunked=chunked))
    expect_served(client, running, before, path, body)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
def test_requests_with_an_upgrade_can_be_pipelined(
    running: Door, client: Client, path: str, *, chunked: bool
) -> None:
    before, body = len(running.upstream.requests), BODIES[path]
    together = b"".join(framed(path, JDK_17, body, chunked=chunked))
    following = [raw(f"GET /v1/files/{word} HTTP/1.1", *JDK_17) for word in ("one", "two")]
    client.send(together + b"".join(following))
    assert client.reply().status == 200
    for word in ("one", "two"):
        assert f"GET /v1/files/{word}" in client.reply().body.decode()
    seen = running.upstream.since(before)
    assert [each.method for each in seen] == ["POST", "GET", "GET"]
    assert seen[0].body == body


PADDINGS = {"none": 0, "1 KB": 1, "40 KB": 40, "70 KB": 70, "150 KB": 150, "300 KB": 300}


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("padding", PADDINGS.values(), ids=PADDINGS.keys())
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, "/nowhere"])
@pytest.mark.parametrize("split", [False, True], ids=["in one piece", "head first"])
def test_a_request_within_a_body_is_never_served(
    running: Door, path: str, padding: int, *, split: bool, chunked: bool
) -> None:
    before = len(running.upstream.requests)
    body = b"\r\n" * (padding * KILOBYTE // 2) + SMUGGLED
    upgrade = ("Connection: Upgrade", "Upgrade: foo")
    with connect(running.base_url) as attacker:
        parts = framed(path, upgrade, body, chunked=chunked)
        with suppress(ConnectionError):
            (head_first if split else in_one_piece)(attacker, *parts)
            attacker.send(raw("GET /v1/files/own HTTP/1.1", "Connection: close"))
        received = attacker.rest()
    lines = [seen.line for seen in running.upstream.since(before)]
    assert not any("SMUGGLED" in line for line in lines), lines
    assert received.count(b"HTTP/1.1 ") <= 2
    first, _, second = received[1:].partition(b"HTTP/1.1 ")
    assert first
    assert not second or b"GET /v1/files/own" in second


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("name", ["h2c of a JDK", "foo", "TLS", "not named by Connection"])
def test_an_upgrade_that_is_not_served_is_ignored(
    running: Door, client: Client, name: str, method: str
) -> None:
    before = len(running.upstream.requests)
    client.send(raw(f"{method} /v1/files/own HTTP/1.1", *UPGRADES[name]))
    assert client.reply(to=method).status == 200
    client.send(raw("GET /v1/files/next HTTP/1.1"))
    assert "GET /v1/files/next" in client.reply().body.decode()
    assert [seen.method for seen in running.upstream.since(before)] == [method, "GET"]


@pytest.mark.parametrize("deliver", [in_one_piece, byte_by_byte])
@pytest.mark.parametrize(
    "path", [f"{RESPONSES}/resp_1", CHAT, EMBEDDINGS, "/v1/files", "/nowhere", "/"]
)
def test_a_websocket_is_declined_here(
    running: Door,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    path: str,
    deliver: Delivery,
) -> None:
    before = len(running.upstream.requests)
    deliver(client, raw(f"GET {path} HTTP/1.1", *HANDSHAKE), b"")
    reply = client.reply()
    assert reply.status == 426, reply.body
    assert reply.error["type"] == "invalid_request_error"
    assert reply.error["message"]
    assert reply.headers["connection"].lower() == "close"
    assert client.ended()
    assert running.upstream.since(before) == []
    assert [each.name for each in caplog.records if not each.name.startswith("gateway")] == []


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Connection: upgrade", "Upgrade: WebSocket", *HANDSHAKE[2:]),
        ("Connection: keep-alive, Upgrade", *HANDSHAKE[1:]),
        ("Connection: keep-alive", *HANDSHAKE),
    ],
    ids=["in another case", "with keep-alive", "in two fields"],
)
def test_a_websocket_is_known_however_it_is_written(
    running: Door, client: Client, upgrade: tuple[str, ...]
) -> None:
    before = len(running.upstream.requests)
    client.send(raw(f"GET {CHAT} HTTP/1.1", *upgrade))
    assert client.reply().status == 426
    assert client.ended()
    with connect(running.base_url) as other:
        other.send(raw(f"GET {RESPONSES} HTTP/1.1", *upgrade))
        assert other.reply_head()[0] == 101
    assert running.upstream.since(before) == []


def test_a_websocket_that_is_declined_can_be_followed_by_nothing(
    running: Door, client: Client
) -> None:
    before = len(running.upstream.requests)
    client.send(raw(f"GET {CHAT} HTTP/1.1", *HANDSHAKE) + SMUGGLED)
    received = client.rest()
    assert received.startswith(b"HTTP/1.1 426")
    assert received.count(b"HTTP/1.1 ") == 1
    assert running.upstream.since(before) == []


def test_on_an_open_websocket_there_are_no_more_requests(running: Door, client: Client) -> None:
    before = len(running.upstream.requests)
    client.send(raw(f"GET {RESPONSES} HTTP/1.1", *HANDSHAKE) + SMUGGLED)
    received = client.rest()
    assert received.startswith(b"HTTP/1.1 101")
    assert received.count(b"HTTP/1.1 ") == 1
    assert running.upstream.since(before) == []
