"""A client that leaves is missed at once: in every phase, at every size, in order or by a reset.

Its upstream call is broken off and its slot is free. How it left makes no difference: FIN or RST.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.clients.raw import chunk
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
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
    prompt,
    raw,
    sized,
    until,
    upload,
)
from tests.door.upstream import (
    STREAM_HEAD,
    Line,
    Seen,
    falls_silent_after,
    repeats,
    silent,
    text_event,
)
from tests.rows import module_fixture
from tests.waiting import PATIENCE

SIZES = {
    "1 KB": KILOBYTE,
    "70 KB": 70 * KILOBYTE,
    "130 KB": 130 * KILOBYTE,
    "200 KB": 200 * KILOBYTE,
    "300 KB": 300 * KILOBYTE,
    "1 MB": MEGABYTE,
    "2 MB": 2 * MEGABYTE,
    "8 MB": 8 * MEGABYTE,
    "32 MB": 32 * MEGABYTE,
}
FEW_SIZES = {name: SIZES[name] for name in ("1 KB", "200 KB", "300 KB", "2 MB")}
BY_RESET = pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
OF_SIZE = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
OF_FEW_SIZES = pytest.mark.parametrize("size", FEW_SIZES.values(), ids=FEW_SIZES.keys())
A_STREAM = STREAM_HEAD + text_event("Hi")


@module_fixture
def running() -> Iterator[Door]:
    with door(max_connections=1) as both:
        yield both


@pytest.fixture
def single(running: Door) -> Iterator[Door]:
    """A gateway with one slot."""
    yield running
    running.upstream.hang_up()


def missed(single: Door, seen: Seen) -> None:
    """Expect that the upstream's connection is closed and the slot is free."""
    assert seen.left.wait(PATIENCE), "the client's departure was not noticed"
    assert single.served()


def leave(client: Client, *, reset: bool) -> None:
    if reset:
        client.reset_at_the_end()


# --- waiting for the first byte ----------------------------------------------------------------


@BY_RESET
@OF_SIZE
def test_while_the_first_byte_is_awaited(single: Door, size: int, *, reset: bool) -> None:
    before = len(single.upstream.requests)
    single.upstream.then(silent)
    with connect(single.base_url) as client:
        client.request("POST", CHAT, sized(size))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        leave(client, reset=reset)
    missed(single, seen)
    assert len(seen.body) == size


def _responses(size: int) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "input": "x" * size}).encode()


def _embeddings(size: int) -> bytes:
    return json.dumps({"model": "text-embedding-3-small", "input": "x" * size}).encode()


Kinds = dict[str, tuple[str, Callable[[int], bytes]]]

OTHERS: Kinds = {
    "translated": (COMPLETIONS, prompt),
    "translated, streamed": (COMPLETIONS, lambda size: prompt(size, stream=True)),
    "streamed": (CHAT, lambda size: sized(max(size, 200), stream=True)),
    "responses": (RESPONSES, _responses),
    "passed through": (EMBEDDINGS, _embeddings),
}


@BY_RESET
@pytest.mark.parametrize("size", [300 * KILOBYTE, 2 * MEGABYTE], ids=["300 KB", "2 MB"])
@pytest.mark.parametrize("kind", OTHERS)
def test_while_the_first_byte_of_another_kind_is_awaited(
    single: Door, kind: str, size: int, *, reset: bool
) -> None:
    before = len(single.upstream.requests)
    path, body = OTHERS[kind]
    single.upstream.then(silent)
    with connect(single.base_url) as client:
        client.request("POST", path, body(size))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        leave(client, reset=reset)
    missed(single, seen)


@BY_RESET
@OF_FEW_SIZES
def test_after_a_body_in_chunks(single: Door, size: int, *, reset: bool) -> None:
    before, body = len(single.upstream.requests), sized(size)
    single.upstream.then(silent)
    with connect(single.base_url) as client:
        client.send(raw(f"POST {CHAT} HTTP/1.1", "Transfer-Encoding: chunked"))
        client.send(b"".join(chunk(body[at : at + 50_000]) for at in range(0, size, 50_000)))
        client.send(chunk(b""))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        leave(client, reset=reset)
    missed(single, seen)


@BY_RESET
def test_on_a_connection_that_has_served_a_large_body_before(single: Door, *, reset: bool) -> None:
    with connect(single.base_url) as client:
        for size in (2 * MEGABYTE, KILOBYTE, 300 * KILOBYTE):
            client.request("POST", CHAT, sized(size))
            assert client.reply().status == 200
        before = len(single.upstream.requests)
        single.upstream.then(silent)
        client.request("POST", CHAT, sized(300 * KILOBYTE))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        leave(client, reset=reset)
    missed(single, seen)


@BY_RESET
def test_with_another_request_in_line(single: Door, *, reset: bool) -> None:
    before = len(single.upstream.requests)
    single.upstream.then(silent)
    with connect(single.base_url) as client:
        client.request("POST", CHAT, sized(300 * KILOBYTE))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        client.request("POST", CHAT, chat("second"))
        leave(client, reset=reset)
    missed(single, seen)
    assert not any(b"second" in each.body for each in single.upstream.since(before))


# --- while the body arrives --------------------------------------------------------------------


@BY_RESET
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("sent", [0, 1, 70 * KILOBYTE, 300 * KILOBYTE, 3 * MEGABYTE])
def test_while_the_body_arrives(single: Door, sent: int, *, chunked: bool, reset: bool) -> None:
    before, disconnects = len(single.upstream.requests), single.disconnects()
    with connect(single.base_url) as client:
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 8000000"
        client.send(raw(f"POST {CHAT} HTTP/1.1", framing, "Expect: 100-continue"))
        assert client.reply_head()[0] == 100
        body = sized(4 * MEGABYTE)[:sent]
        client.send(chunk(body) if chunked and body else body)
        leave(client, reset=reset)
    until(lambda: single.disconnects() > disconnects, PATIENCE)
    assert single.upstream.since(before) == []
    assert single.served()


# --- in line for a slot ------------------------------------------------------------------------


@BY_RESET
@OF_FEW_SIZES
def test_in_line_for_a_slot(single: Door, size: int, *, reset: bool) -> None:
    before, disconnects = len(single.upstream.requests), single.disconnects()
    single.upstream.then(silent)
    with connect(single.base_url) as first:
        first.request("POST", CHAT, chat("first"))
        holding = single.upstream.wait_for(before + 1)
        with connect(single.base_url) as second:
            second.send(raw(f"POST {CHAT} HTTP/1.1", f"Content-Length: {size}"))
            second.send(sized(size)[:-1])
            second.send(b"}")
            leave(second, reset=reset)
        until(lambda: single.disconnects() > disconnects, PATIENCE)
        assert not holding.left.is_set()
    missed(single, holding)
    assert len(single.upstream.since(before)) == 2, "the one that had left was sent"


# --- in a reply --------------------------------------------------------------------------------

STREAMS: Kinds = {
    "untouched": (CHAT, lambda size: sized(max(size, 200), stream=True)),
    "translated": (COMPLETIONS, lambda size: prompt(size, stream=True)),
}


@BY_RESET
@pytest.mark.parametrize("size", [KILOBYTE, 300 * KILOBYTE], ids=["1 KB", "300 KB"])
@pytest.mark.parametrize("kind", STREAMS)
def test_in_a_stream_that_is_silent(single: Door, kind: str, size: int, *, reset: bool) -> None:
    before = len(single.upstream.requests)
    path, body = STREAMS[kind]
    single.upstream.then(falls_silent_after(A_STREAM))
    with connect(single.base_url) as client:
        client.request("POST", path, body(size))
        assert client.reply_head()[0] == 200
        assert b"Hi" in next(client.pieces())
        leave(client, reset=reset)
    missed(single, single.upstream.wait_for(before + 1))


@BY_RESET
@pytest.mark.parametrize("kind", STREAMS)
def test_in_a_stream_that_flows(single: Door, kind: str, *, reset: bool) -> None:
    before = len(single.upstream.requests)
    path, body = STREAMS[kind]
    single.upstream.then(repeats(STREAM_HEAD, text_event("Hi")))
    with connect(single.base_url) as client:
        client.request("POST", path, body(300 * KILOBYTE))
        assert client.reply_head()[0] == 200
        assert b"Hi" in next(client.pieces())
        leave(client, reset=reset)
    missed(single, single.upstream.wait_for(before + 1))


WHOLE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
LINES = {
    "untouched": f"POST {CHAT} HTTP/1.1",
    "translated": f"POST {COMPLETIONS} HTTP/1.1",
    "a download": f"GET {FILES}/a/content HTTP/1.1",
}


@BY_RESET
@pytest.mark.parametrize("kind", LINES)
def test_while_a_whole_reply_stalls(single: Door, kind: str, *, reset: bool) -> None:
    before = len(single.upstream.requests)
    body = {"untouched": sized(300 * KILOBYTE), "translated": prompt(300 * KILOBYTE)}.get(kind, b"")
    single.upstream.then(falls_silent_after(WHOLE_HEAD))
    with connect(single.base_url) as client:
        client.send(raw(LINES[kind], f"Content-Length: {len(body)}", body=body))
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        if kind == "a download":
            assert client.reply_head()[0] == 200
        leave(client, reset=reset)
    missed(single, seen)


# --- uploads -----------------------------------------------------------------------------------


def deaf(line: Line, seen: Seen) -> None:
    """Read nothing of the body. The test sees the slot, not the connection."""
    seen.left.wait(30)


@BY_RESET
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("sent", [1, 70 * KILOBYTE, 300 * KILOBYTE, 3 * MEGABYTE])
def test_in_an_upload(single: Door, sent: int, *, chunked: bool, reset: bool) -> None:
    before, form = len(single.upstream.requests), upload(8 * MEGABYTE)
    with connect(single.base_url) as client:
        length = None if chunked else len(form)
        more = {"transfer_encoding": "chunked"} if chunked else {}
        client.send(client.head("POST", FILES, length, content_type=MULTIPART, **more))
        client.send(chunk(form[:sent]) if chunked else form[:sent])
        seen = single.upstream.wait_for(before + 1)
        leave(client, reset=reset)
    missed(single, seen)
    assert not seen.complete


@BY_RESET
@OF_FEW_SIZES
def test_after_an_upload(single: Door, size: int, *, reset: bool) -> None:
    before, form = len(single.upstream.requests), upload(size)
    single.upstream.then(silent)
    with connect(single.base_url) as client:
        client.send(client.head("POST", FILES, len(form), content_type=MULTIPART) + form)
        seen = single.upstream.wait_for(before + 1)
        until(lambda: seen.complete)
        leave(client, reset=reset)
    missed(single, seen)


DEAF = {
    "an upload, much of it sent": (FILES, 32 * MEGABYTE, True),
    "an upload, a little of it sent": (FILES, 200 * KILOBYTE, True),
    "an upload, a little of it sent, in order": (FILES, 200 * KILOBYTE, False),
    "a generation": (CHAT, 30 * MEGABYTE, True),
    "a generation, in order": (CHAT, 30 * MEGABYTE, False),
}


@pytest.mark.parametrize("kind", DEAF)
def test_while_the_upstream_does_not_read(kind: str) -> None:
    """In order only where all that was sent has arrived: else the end is in line after it."""
    path, sent, reset = DEAF[kind]
    with door(max_connections=1, receive_buffer=4096) as single:
        single.upstream.then(deaf)
        with connect(single.base_url) as client:
            if path == CHAT:
                client.request("POST", CHAT, sized(sent))
            else:
                size = 64 * MEGABYTE
                client.send(client.head("POST", FILES, size, content_type=MULTIPART))
                client.send_some(upload(sent)[:sent], 0.5)
            seen = single.upstream.wait_for(1)
            leave(client, reset=reset)
        assert single.served()
        seen.left.set()


# --- half a request ----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"POST /v1/ch", raw("POST /v1/files HTTP/1.1")[:-2]])
def test_a_client_that_ends_in_a_head_is_let_go(single: Door, sent: bytes) -> None:
    before = len(single.upstream.requests)
    with connect(single.base_url) as client:
        client.send(sent)
        client.end_sending()
        assert client.rest() == b"" or sent
    assert single.upstream.since(before) == []
