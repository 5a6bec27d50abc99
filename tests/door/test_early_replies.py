"""A reply that comes before the request's end reaches its client, which may still be sending.

Closing a socket with unread bytes resets it, and a reset can destroy the reply (RFC 9112 section
9.6). So the gateway says `Connection: close`, drains a bounded amount for a bounded time, closes.
"""

import asyncio
import hashlib
import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.config.settings import ClientSettings, ServerSettings
from gateway.server.connection import lifetime
from tests.clients.raw import chunk
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    EDITS,
    EMBEDDINGS,
    FILES,
    KILOBYTE,
    MEGABYTE,
    MULTIPART,
    RESPONSES,
    Client,
    Door,
    chat,
    connect,
    door,
    raw,
    until,
    upload,
)
from tests.door.upstream import (
    STREAM_HEAD,
    Line,
    Seen,
    falls_silent_after,
    recording_upstream,
    text_event,
    whole,
)
from tests.processes import script_process
from tests.rows import module_fixture
from tests.waiting import PATIENCE

LIMIT = 100_000
KEY = "sk-test"
DRAINED = 16 * MEGABYTE
"""What a client may still send after its reply."""
BUFFERS = 16 * MEGABYTE
"""What the sockets on both sides may hold beyond it, at most."""


@dataclass(frozen=True)
class Early:
    """A request whose reply needs nothing of its body."""

    status: int
    path: str
    method: str = "POST"
    fields: tuple[tuple[str, str], ...] = ()
    key: str = KEY
    host: str = "localhost"


EARLY = {
    "a bad path": Early(400, "/v1/../v1/chat/completions"),
    "a bad field": Early(400, CHAT, fields=(("x_api_key", "a"),)),
    "a bad field, passed through": Early(400, FILES, fields=(("x_api_key", "a"),)),
    "no key, generation": Early(401, CHAT, key="sk-unknown"),
    "no key, translated": Early(401, COMPLETIONS, key="sk-unknown"),
    "no key, passed through": Early(401, EMBEDDINGS, key="sk-unknown"),
    "no key, an upload": Early(401, FILES, key="sk-unknown"),
    "no key, an old endpoint": Early(401, EDITS, key="sk-unknown"),
    "no key, nowhere": Early(401, "/nowhere", key="sk-unknown"),
    "nowhere": Early(404, "/nowhere"),
    "the wrong method": Early(405, RESPONSES, "PUT"),
    "an unknown method": Early(405, FILES, "TRACE"),
    "too large, generation": Early(413, CHAT),
    "too large, responses": Early(413, RESPONSES),
    "too large, an upload": Early(413, FILES),
    "too large, an old endpoint": Early(413, EDITS),
    "a long target": Early(414, f"{CHAT}?{'a' * 9000}"),
    "compressed": Early(415, CHAT, fields=(("content-encoding", "gzip"),)),
    "another host": Early(421, CHAT, host="evil.example"),
    "another host, passed through": Early(421, FILES, host="evil.example"),
    "many fields": Early(431, CHAT, fields=tuple((f"x-{n}", "a") for n in range(120))),
    "a health check": Early(200, "/healthz"),
}


@module_fixture
def running() -> Iterator[Door]:
    server = ServerSettings(
        allowed_hosts=("localhost",), max_body_bytes=LIMIT, max_upload_bytes=LIMIT
    )
    clients = (
        ClientSettings("all", (hashlib.sha256(KEY.encode()).hexdigest(),)),
        ClientSettings("some", (hashlib.sha256(b"sk-some").hexdigest(),), ("allowed-*",)),
    )
    with door(server, clients=clients) as both:
        yield both


def head(early: Early, *framing: tuple[str, str]) -> bytes:
    fields = {"host": early.host, "authorization": f"Bearer {early.key}"}
    fields["content-type"] = MULTIPART if early.path == FILES else "application/json"
    lines = [f"{n}: {v}" for n, v in (*fields.items(), *early.fields, *framing)]
    return "\r\n".join([f"{early.method} {early.path} HTTP/1.1", *lines, "", ""]).encode()


def pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // (64 * KILOBYTE)):
        yield b"x" * 64 * KILOBYTE


# --- the clients that people have -------------------------------------------------------------

Reply = tuple[int, dict[str, str], bytes]


def with_http_client(base_url: str, early: Early, size: int, *, chunked: bool) -> Reply:
    """http.client, and so urllib: sends all, then reads."""
    return _sent_first(base_url, early, size, chunked=chunked)


def like_urllib3(base_url: str, early: Early, size: int, *, chunked: bool) -> Reply:
    """urllib3, and so requests: looks for a reply though the pipe broke."""
    return _sent_first(base_url, early, size, BrokenPipeError, chunked=chunked)


def _sent_first(
    base_url: str, early: Early, size: int, *borne: type[Exception], chunked: bool
) -> Reply:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=PATIENCE)
    try:
        connection.putrequest(early.method, early.path, skip_host=True)
        framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(size))
        for line in head(early, framing).decode().split("\r\n")[1:-2]:
            name, _, value = line.partition(": ")
            connection.putheader(name, value)
        connection.endheaders()
        with suppress(*borne):
            for piece in pieces(size):
                connection.send(chunk(piece) if chunked else piece)
            connection.send(chunk(b"") if chunked else b"")
        got = connection.getresponse()
        return got.status, {name.lower(): value for name, value in got.getheaders()}, got.read()
    finally:
        connection.close()


def with_asyncio(base_url: str, early: Early, size: int, *, chunked: bool) -> Reply:
    """asyncio, and so httpx: sends while the other side takes it, and reads beside it."""

    async def scenario() -> Reply:
        parts = urlsplit(base_url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)

        async def send() -> None:
            framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(size))
            writer.write(head(early, framing))
            with suppress(ConnectionError):
                for piece in pieces(size):
                    writer.write(chunk(piece) if chunked else piece)
                    await writer.drain()
                writer.write(chunk(b"") if chunked else b"")

        sending = asyncio.create_task(send())
        try:
            start = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            status, headers = _head(start)
            return status, headers, await reader.readexactly(int(headers["content-length"]))
        finally:
            sending.cancel()
            writer.transport.abort()

    return asyncio.run(scenario())


def all_then_read(base_url: str, early: Early, size: int, *, chunked: bool) -> Reply:
    """By hand: sends everything before it reads."""
    framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(size))
    with connect(base_url) as client:
        client.send(head(early, framing))
        for piece in pieces(size):
            client.send(chunk(piece) if chunked else piece)
        status, headers = client.reply_head()
        return status, headers, client.read(int(headers["content-length"]))


def _head(start: bytes) -> tuple[int, dict[str, str]]:
    line, *fields = start.decode("latin-1").rstrip().split("\r\n")
    pairs = [field.partition(":") for field in fields]
    return int(line.split()[1]), {n.lower(): v.strip() for n, _, v in pairs}


Sender = Callable[..., Reply]
SENDERS = [with_http_client, like_urllib3, with_asyncio, all_then_read]


@contextmanager
def drained_with_patience() -> Iterator[None]:
    """Let the gateway wait for the rest of a body as long as a busy machine takes to send it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifetime, "HALF_CLOSED_SECONDS", PATIENCE)
        yield


def expect(early: Early, reply: Reply) -> None:
    status, headers, body = reply
    assert status == early.status, body[:300]
    assert headers["connection"].lower() == "close"
    if early.status != 200:
        error: dict[str, Any] = json.loads(body)["error"]
        assert error["message"]


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize(
    ("send", "chunked"),
    [
        *((with_http_client, False), (like_urllib3, True)),
        *((with_asyncio, True), (all_then_read, False)),
    ],
)
def test_a_client_that_still_sends_gets_its_reply(
    running: Door, send: Sender, name: str, *, chunked: bool
) -> None:
    before, early = len(running.upstream.requests), EARLY[name]
    with drained_with_patience():
        expect(early, send(running.base_url, early, 2 * MEGABYTE, chunked=chunked))
    assert [seen for seen in running.upstream.since(before) if seen.complete] == []


@pytest.mark.parametrize("name", ["too large, generation", "too large, an upload", "nowhere"])
@pytest.mark.parametrize("send", SENDERS)
def test_a_client_that_sends_as_much_as_is_drained_gets_its_reply(
    running: Door, send: Sender, name: str
) -> None:
    early = EARLY[name]
    with drained_with_patience():
        expect(early, send(running.base_url, early, DRAINED - MEGABYTE, chunked=False))


def test_a_client_that_may_not_use_a_model_gets_its_reply(running: Door) -> None:
    """The model is known by the form's first part; the file after it still comes."""
    before = len(running.upstream.requests)
    named = b'--BOUNDARY\r\ncontent-disposition: form-data; name="model"\r\n\r\nforbidden\r\n'
    form = named + upload(LIMIT - 1000)
    early = Early(403, "/v1/audio/transcriptions", key="sk-some")
    half = len(form) - 10_000
    with drained_with_patience(), connect(running.base_url) as client:
        start = head(early, ("content-length", str(len(form))))
        client.send(start.replace(b"application/json", MULTIPART.encode()) + form[:half])
        status, headers = client.reply_head()
        assert (status, headers["connection"].lower()) == (403, "close")
        client.send(form[half:])
        error = json.loads(client.read(int(headers["content-length"])))["error"]
        assert error["code"] == "model_not_allowed"
        assert client.cut()
    assert running.upstream.since(before) == []


# --- bounds -----------------------------------------------------------------------------------

BOUNDED = ["too large, generation", "too large, an upload", "no key, an old endpoint", "nowhere"]


@pytest.mark.parametrize("name", BOUNDED)
def test_a_client_that_sends_on_and_on_is_cut_off(running: Door, name: str) -> None:
    early, sent = EARLY[name], 0
    with connect(running.base_url) as client:
        client.send(head(early, ("content-length", str(10**9))))
        assert client.reply_head()[0] == early.status
        with suppress(ConnectionError):
            for piece in pieces(10 * DRAINED):
                client.send(piece)
                sent += len(piece)
    assert sent <= DRAINED + BUFFERS


@pytest.mark.parametrize(
    ("name", "chunked"),
    [("too large, generation", False), ("no key, passed through", False), ("nowhere", True)],
)
def test_a_client_that_trickles_is_cut_off(running: Door, name: str, *, chunked: bool) -> None:
    early = EARLY[name]
    framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(10**9))
    with connect(running.base_url) as client:
        client.send(head(early, framing))
        assert client.reply_head()[0] == early.status
        with pytest.raises(ConnectionError):
            trickle(client, chunk(b"x") if chunked else b"x")


def trickle(client: Client, piece: bytes) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        client.send(piece)
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["too large, generation", "no key, passed through"])
def test_a_client_that_only_waits_is_closed(running: Door, name: str) -> None:
    early = EARLY[name]
    with connect(running.base_url) as client:
        client.send(head(early, ("content-length", str(10**9))) + b"x" * KILOBYTE)
        received = client.rest()
    assert received.count(b"HTTP/1.1 ") == 1
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_what_follows_an_early_reply_is_never_served(running: Door) -> None:
    before = len(running.upstream.requests)
    with connect(running.base_url) as client:
        client.send(head(EARLY["too large, generation"], ("content-length", "500000")))
        assert client.reply_head()[0] == 413
        with suppress(ConnectionError):
            client.send(b"x" * 500_000 + raw("GET /v1/files/own HTTP/1.1", host="localhost"))
        assert client.rest().count(b"HTTP/1.1") == 0
    assert running.upstream.since(before) == []


# --- the upstream's own early reply -----------------------------------------------------------


def refuses_unread(line: Line, seen: Seen) -> None:
    """Refuse an upload by its head, read on a little, and close in order."""
    error = {"message": "Too much.", "type": "invalid_request_error", "param": None, "code": None}
    line.send(whole(json.dumps({"error": error}).encode(), "413 Too Large", "connection: close"))
    line.until_left(seen)


@pytest.mark.parametrize("send", SENDERS)
def test_an_upstreams_early_reply_reaches_the_client(send: Sender) -> None:
    with door() as running:
        running.upstream.then(refuses_unread)
        early = Early(413, FILES, host="gateway.test")
        status, _, body = send(running.base_url, early, 8 * MEGABYTE, chunked=False)
    assert (status, json.loads(body)["error"]["message"]) == (413, "Too much.")


# --- the end ----------------------------------------------------------------------------------


def refuses_connections(base_url: str) -> bool:
    try:
        with connect(base_url):
            return False
    except ConnectionError:
        return True


DRAINING_LONG = """
import os
from gateway.cli import main
from gateway.server import door
os.environ["GATEWAY_ADMIN__ENABLED"] = "false"
door.DRAIN_SECONDS = {}
main(["serve", "--host", "127.0.0.1", "--port", "0", "--upstream", "{}"])
"""
"""A second is over before the request comes where the machine is busy."""


@pytest.mark.slow
def test_a_request_that_comes_while_draining_gets_its_reply(tmp_path: Path) -> None:
    """On a connection that was idle when it began; a stream of another's keeps it going."""
    early = Early(503, CHAT)
    with (
        recording_upstream() as upstream,
        script_process(
            DRAINING_LONG.format(PATIENCE, upstream.base_url), folder=tmp_path
        ) as process,
    ):
        base_url = process.line_with("gateway: http://").split(": ")[1]
        upstream.then(falls_silent_after(STREAM_HEAD + text_event("Hi")))
        with connect(base_url) as other, connect(base_url) as client:
            client.send(raw("GET /healthz HTTP/1.1"))
            assert client.reply().status == 200
            other.request("POST", CHAT, chat(stream=True))
            assert other.reply_head()[0] == 200
            process.signal(signal.SIGTERM)
            until(lambda: refuses_connections(base_url))
            client.send(head(early, ("content-length", str(MEGABYTE))) + b"x" * (MEGABYTE // 2))
            status, headers = client.reply_head()
            assert (status, headers["connection"].lower()) == (503, "close")
            assert headers["retry-after"] == "1"
            client.send(b"x" * (MEGABYTE // 2))
            error = json.loads(client.read(int(headers["content-length"])))["error"]
            assert error["code"] == "shutting_down"
            assert client.cut()
