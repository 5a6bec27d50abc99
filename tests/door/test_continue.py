"""`Expect: 100-continue` (RFC 9110 section 10.1.1): invited once, where the body is wanted."""

import hashlib
from collections.abc import Iterator

import pytest

from gateway.config.settings import ClientSettings, ServerSettings
from tests.clients.raw import chunk
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    EDITS,
    EMBEDDINGS,
    FILES,
    Client,
    Door,
    chat,
    connect,
    door,
    raw,
)
from tests.rows import module_fixture

EXPECT = "Expect: 100-continue"
BODY = chat()
LENGTH = f"Content-Length: {len(BODY)}"
CONTINUE = b"HTTP/1.1 100 "


@module_fixture
def running() -> Iterator[Door]:
    with door(ServerSettings(max_body_bytes=100_000, max_upload_bytes=100_000)) as both:
        yield both


@module_fixture
def locked() -> Iterator[Door]:
    """A gateway with clients of its own, whose key is not sk-test."""
    digest = hashlib.sha256(b"sk-other").hexdigest()
    with door(clients=(ClientSettings("other", (digest,)),)) as both:
        yield both


@pytest.fixture
def client(running: Door) -> Iterator[Client]:
    with connect(running.base_url) as made:
        yield made


@pytest.mark.parametrize(
    "expect",
    [
        (EXPECT,),
        ("expect: 100-Continue",),
        ("Expect: 100-continue \t",),
        ("Expect: 100-continue, foo",),
        ("Expect: foo=bar;baz ,,100-CONTINUE",),
        ("Expect: foo", EXPECT, EXPECT),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, FILES])
def test_a_body_is_invited_once(
    running: Door, client: Client, path: str, expect: tuple[str, ...], *, chunked: bool
) -> None:
    before = len(running.upstream.requests)
    framing = "Transfer-Encoding: chunked" if chunked else LENGTH
    body = chunk(BODY[:20]) + chunk(BODY[20:]) + chunk(b"") if chunked else BODY
    client.send(raw(f"POST {path} HTTP/1.1", framing, *expect))
    assert client.reply_head()[0] == 100
    client.drip(body)
    assert client.reply_head()[0] == 200
    (seen,) = running.upstream.since(before)
    assert seen.body == BODY
    assert seen.header("expect") is None


def test_a_head_in_pieces_is_invited_too(running: Door, client: Client) -> None:
    client.drip(raw(f"POST {CHAT} HTTP/1.1", LENGTH, EXPECT))
    assert client.reply_head()[0] == 100
    client.send(BODY)
    assert client.reply().status == 200


def test_every_request_of_a_connection_is_invited(running: Door, client: Client) -> None:
    for _ in range(3):
        client.send(raw(f"POST {CHAT} HTTP/1.1", LENGTH, EXPECT))
        assert client.reply_head()[0] == 100
        client.send(BODY)
        assert client.reply().status == 200


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
def test_a_body_that_did_not_wait_is_served(running: Door, client: Client, path: str) -> None:
    client.send(raw(f"POST {path} HTTP/1.1", LENGTH, EXPECT, "Connection: close", body=BODY))
    received = client.rest()
    assert received.removeprefix(CONTINUE).count(CONTINUE) == 0
    assert received.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("expect", ["", "foo", "200-ok, 100-continued", "100-continue=no"])
def test_other_expectations_are_ignored(running: Door, client: Client, expect: str) -> None:
    client.send(raw(f"POST {CHAT} HTTP/1.1", LENGTH, f"Expect: {expect}"))
    client.send(BODY)
    assert client.reply_head()[0] == 200


@pytest.mark.parametrize("expect", [EXPECT, f"{EXPECT}, foo"])
def test_http_1_0_is_not_invited(running: Door, client: Client, expect: str) -> None:
    client.send(raw(f"POST {CHAT} HTTP/1.0", LENGTH, expect))
    client.send(BODY)
    assert client.reply_head()[0] == 200


def test_without_a_body_nothing_is_invited(running: Door, client: Client) -> None:
    client.send(raw(f"GET {FILES}/own HTTP/1.1", EXPECT))
    assert client.reply().status == 200


REFUSED = {
    "too large": (f"POST {CHAT} HTTP/1.1", ("Content-Length: 200000",), 413),
    "too large to pass on": (f"POST {FILES} HTTP/1.1", ("Content-Length: 200000",), 413),
    "too large for an old endpoint": (f"POST {EDITS} HTTP/1.1", ("Content-Length: 200000",), 413),
    "compressed": (f"POST {CHAT} HTTP/1.1", (LENGTH, "Content-Encoding: gzip"), 415),
    "nowhere": ("POST /nowhere HTTP/1.1", (LENGTH,), 404),
    "the wrong method": (f"PUT {COMPLETIONS} HTTP/1.1", (LENGTH,), 405),
    "no method": (f"BREW {CHAT} HTTP/1.1", (LENGTH,), 405),
    "a bad path": ("POST /v1/../chat HTTP/1.1", (LENGTH,), 400),
    "a bad field": (f"POST {CHAT} HTTP/1.1", (LENGTH, "x_api_key: a"), 400),
    "two hosts": (f"POST {CHAT} HTTP/1.1", (LENGTH, "Host: other"), 400),
    "an odd coding": (f"POST {CHAT} HTTP/1.1", ("Transfer-Encoding: gzip, chunked",), 501),
}


@pytest.mark.parametrize(("line", "fields", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_not_wanted_is_not_invited(
    running: Door, client: Client, line: str, fields: tuple[str, ...], status: int
) -> None:
    before = len(running.upstream.requests)
    client.send(raw(line, *fields, EXPECT))
    reply = client.reply()
    assert reply.status in ((status, 400) if "BREW" in line else (status,))
    assert reply.error["message"]
    assert reply.headers["connection"].lower() == "close"
    assert client.rest() == b""
    assert running.upstream.since(before) == []


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, EDITS, "/nowhere"])
def test_an_unknown_caller_is_not_invited(locked: Door, path: str) -> None:
    with connect(locked.base_url) as client:
        client.send(raw(f"POST {path} HTTP/1.1", LENGTH, EXPECT))
        reply = client.reply()
        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
        assert reply.headers["connection"].lower() == "close"
        assert client.rest() == b""
