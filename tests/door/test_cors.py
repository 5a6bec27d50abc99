"""CORS over sockets: preflights at the door, and fields in every reply, streamed or failed."""

from collections.abc import Iterator

import pytest

from gateway.config.settings import ServerSettings
from tests.clients.raw import RawReply
from tests.door.doors import CHAT, COMPLETIONS, FILES, Door, chat, connect, door, prompt
from tests.door.upstream import STREAM_HEAD, repeats, text_event
from tests.rows import module_fixture

PAGE = "https://app.example.com"


@module_fixture
def opened() -> Iterator[Door]:
    with door(ServerSettings(cors_origins=(PAGE,), max_body_bytes=10_000)) as both:
        yield both


def allowed(reply: RawReply) -> tuple[str | None, str | None]:
    headers = reply.headers
    return headers.get("access-control-allow-origin"), headers.get("vary")


def test_a_page_asks_first_and_then_calls_on_the_same_connection(opened: Door) -> None:
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    with connect(opened.base_url) as page:
        for _ in range(2):
            page.request("OPTIONS", CHAT, b"", **asked)
            reply = page.reply()
            assert (reply.status, reply.body) == (204, b"")
            assert reply.headers["access-control-allow-headers"] == "authorization,content-type"
        for _ in range(3):  # the second one has the same head as the first
            page.request("POST", CHAT, chat(), origin=PAGE)
            reply = page.reply()
            assert (reply.status, allowed(reply)) == (200, (PAGE, "Origin"))
        page.request("POST", CHAT, chat(), origin="https://evil.example")
        assert allowed(page.reply()) == (None, "Origin")


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_streams_can_be_read(opened: Door, path: str) -> None:
    opened.upstream.then(repeats(STREAM_HEAD, text_event("Hi")))
    body = chat(stream=True) if path == CHAT else prompt(stream=True)
    with connect(opened.base_url) as page:
        page.request("POST", path, body, origin=PAGE)
        status, headers = page.reply_head()
        assert (status, headers["access-control-allow-origin"]) == (200, PAGE)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", CHAT, b"{", 400),
        ("POST", CHAT, b"x" * 20_000, 413),
        ("GET", "/v1/a//b", b"", 400),
        ("GET", "/elsewhere", b"", 404),
        ("TRACE", FILES, b"", 405),
    ],
)
def test_errors_can_be_read(opened: Door, method: str, path: str, body: bytes, status: int) -> None:
    with connect(opened.base_url) as page:
        page.request(method, path, body, origin=PAGE)
        reply = page.reply()
        assert (reply.status, allowed(reply)) == (status, (PAGE, "Origin"))
