"""Any final status of an upstream's is passed on, 200 to 999, and the next reply is the next."""

import json
from collections.abc import Iterator

import pytest

from tests.clients.raw import chunk
from tests.door.doors import CHAT, EMBEDDINGS, FILES, Client, Door, chat, connect, door, raw
from tests.door.upstream import STREAM_END, STREAM_HEAD, Script, replies, text_event, whole
from tests.rows import module_fixture

WITH_CONTENT = [200, 201, 202, 203, 206, 226, 299, 300, 301, 302, 307, 399, 402, 418, 422, 451, 499]
ODD = [600, 601, 700, 799, 999]
NO_CONTENT = [204, 304]
CONTENT = json.dumps({"object": "thing", "text": "as it is"}).encode()


@module_fixture
def running() -> Iterator[Door]:
    with door() as both:
        yield both


@pytest.fixture
def client(running: Door) -> Iterator[Client]:
    with connect(running.base_url) as made:
        yield made
    running.upstream.hang_up()


def expect_next(client: Client) -> None:
    """Expect that the connection is good for one more request."""
    client.send(raw("GET /v1/files/next HTTP/1.1"))
    assert "GET /v1/files/next" in client.reply().body.decode()


def with_status(status: int) -> Script:
    return replies(whole(CONTENT, f"{status} As It Is"))


@pytest.mark.parametrize("status", WITH_CONTENT + ODD)
@pytest.mark.parametrize("line", [f"GET {FILES}/a HTTP/1.1", f"POST {EMBEDDINGS} HTTP/1.1"])
def test_a_status_is_passed_through(running: Door, client: Client, status: int, line: str) -> None:
    running.upstream.then(with_status(status))
    body = chat() if "POST" in line else b""
    client.send(raw(line, f"Content-Length: {len(body)}", body=body))
    reply = client.reply()
    assert (reply.status, reply.body, reply.complete) == (status, CONTENT, True)
    expect_next(client)


@pytest.mark.parametrize("status", [200, 202, 299, 307, 402, 418, 451, *ODD])
@pytest.mark.parametrize("stream", [False, True])
def test_a_status_of_a_generation_is_passed_through(
    running: Door, client: Client, status: int, *, stream: bool
) -> None:
    running.upstream.then(with_status(status))
    client.request("POST", CHAT, chat(stream=stream))
    reply = client.reply()
    assert (reply.status, reply.body, reply.complete) == (status, CONTENT, True)
    expect_next(client)


@pytest.mark.parametrize("status", [200, 201, 299, 418, *ODD])
def test_a_status_of_a_stream_is_passed_through(running: Door, client: Client, status: int) -> None:
    head = STREAM_HEAD.replace(b"200 OK", b"%d As It Is" % status)
    running.upstream.then(replies(head + text_event("Hi") + STREAM_END))
    client.request("POST", CHAT, chat(stream=True))
    reply = client.reply()
    assert (reply.status, reply.complete) == (status, True)
    assert reply.body.startswith(b"data: {")
    assert reply.body.endswith(b"data: [DONE]\n\n")
    expect_next(client)


@pytest.mark.parametrize("status", [200, 299, 418, *ODD])
def test_a_status_of_a_download_in_chunks_is_passed_through(
    running: Door, client: Client, status: int
) -> None:
    head = b"HTTP/1.1 %d As It Is\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
    content = bytes(range(256)) * 1000
    running.upstream.then(replies(head % status + chunk(content) + chunk(b"")))
    client.send(raw(f"GET {FILES}/a/content HTTP/1.1"))
    reply = client.reply()
    assert (reply.status, reply.body, reply.complete) == (status, content, True)
    expect_next(client)


@pytest.mark.parametrize("status", NO_CONTENT)
@pytest.mark.parametrize("line", [f"GET {FILES}/a HTTP/1.1", f"POST {CHAT} HTTP/1.1"])
def test_a_status_without_content_has_none(
    running: Door, client: Client, status: int, line: str
) -> None:
    running.upstream.then(replies(b"HTTP/1.1 %d As It Is\r\netag: x\r\n\r\n" % status))
    body = chat() if "POST" in line else b""
    client.send(raw(line, f"Content-Length: {len(body)}", body=body))
    status_, headers = client.reply_head()
    assert (status_, headers["etag"]) == (status, "x")
    assert "transfer-encoding" not in headers
    if status == 204:
        assert "content-length" not in headers
    expect_next(client)


def test_a_not_modified_keeps_the_length_of_what_it_is_about(running: Door, client: Client) -> None:
    running.upstream.then(replies(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n"))
    client.send(raw(f"GET {FILES}/a HTTP/1.1", "If-None-Match: x"))
    assert client.reply_head()[0] == 304
    expect_next(client)


def test_a_reset_content_has_none(running: Door, client: Client) -> None:
    for framing in (b"content-length: 0\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"):
        running.upstream.then(replies(b"HTTP/1.1 205 Reset Content\r\n" + framing))
        client.send(raw(f"POST {EMBEDDINGS} HTTP/1.1", "Content-Length: 0"))
        reply = client.reply()
        assert (reply.status, reply.body) == (205, b"")
        expect_next(client)


@pytest.mark.parametrize("status", [200, 299, 404, *ODD])
def test_a_reply_to_head_has_no_content(running: Door, client: Client, status: int) -> None:
    head = b"HTTP/1.1 %d As It Is\r\ncontent-length: 1234\r\n\r\n" % status
    running.upstream.then(replies(head))
    client.send(raw(f"HEAD {FILES}/a HTTP/1.1"))
    reply = client.reply(to="HEAD")
    assert reply.status == status
    assert reply.headers.get("content-length") == "1234"
    expect_next(client)


def test_information_before_the_reply_is_not_the_reply(running: Door, client: Client) -> None:
    for early in (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n"):
        running.upstream.then(replies(early + whole(CONTENT, "299 As It Is")))
        client.send(raw(f"GET {FILES}/a HTTP/1.1"))
        reply = client.reply()
        assert (reply.status, reply.body) == (299, CONTENT)
