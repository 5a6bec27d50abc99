"""A client that does not read, or says nothing, is cut off; one that is only slow is not."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from gateway.config.settings import ServerSettings
from tests.clients.raw import chunk
from tests.clients.resolution.standing_clock import StandingClock
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    FILES,
    KILOBYTE,
    MEGABYTE,
    MULTIPART,
    Client,
    Door,
    chat,
    connect,
    door,
    held_by_gateway,
    prompt,
    raw,
    sized,
    until,
    upload,
)
from tests.door.upstream import (
    STREAM_END,
    STREAM_HEAD,
    Line,
    Script,
    Seen,
    chat_reply,
    falls_silent_after,
    repeats,
    replies,
    text_event,
    whole,
)
from tests.rows import module_fixture
from tests.waiting import PATIENCE

SEND_TIMEOUT = 0.5
LARGE = 24 * MEGABYTE
"""More than what two sockets and a gateway hold on their own."""
SMALL_BUFFER = 4 * KILOBYTE
TEXT = "x" * 16 * KILOBYTE

ENDLESS = repeats(STREAM_HEAD, text_event(TEXT))
DOWNLOAD_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %d\r\n\r\n"
)


@contextmanager
def impatient(interval: float = 15.0, send_timeout: float = SEND_TIMEOUT) -> Iterator[Door]:
    """Run a gateway with one slot that does not wait long for its clients.

    `interval`: seconds until a translated stream that is silent has a comment, and the next one.
    """
    server = ServerSettings(
        send_timeout=send_timeout, first_byte_grace=interval, keepalive_interval=interval
    )
    with door(server, max_connections=1) as both:
        yield both


@contextmanager
def by_the_clock(server: ServerSettings) -> Iterator[tuple[Door, StandingClock]]:
    """Run a gateway with one slot. Its time stands: no client is late because a machine is busy."""
    clock = StandingClock()
    with door(server, max_connections=1, new_loop=clock.new_loop) as both:
        clock.stand()
        try:
            yield both, clock
        finally:
            clock.go_on()


@module_fixture
def running() -> Iterator[Door]:
    with impatient() as both:
        yield both


@pytest.fixture
def single(running: Door) -> Iterator[Door]:
    yield running
    running.upstream.hang_up()


def ask(client: Client, path: str, body: bytes = b"") -> None:
    client.request("GET" if not body else "POST", path, body)


Ask = Callable[[Client], None]

REPLIES: dict[str, tuple[Script, Ask]] = {
    "a whole reply, untouched": (
        replies(whole(chat_reply("x" * LARGE))),
        lambda client: ask(client, CHAT, chat()),
    ),
    "a whole reply, translated": (
        replies(whole(chat_reply("x" * LARGE))),
        lambda client: ask(client, COMPLETIONS, prompt()),
    ),
    "a download": (
        repeats(DOWNLOAD_HEAD % 2**40, b"x" * 64 * KILOBYTE),
        lambda client: ask(client, f"{FILES}/a/content"),
    ),
    "a download in chunks": (
        repeats(STREAM_HEAD.replace(b"text/event-stream", b"audio/mpeg"), chunk(b"x" * 65536)),
        lambda client: ask(client, "/v1/audio/speech", b'{"model": "tts-1", "input": "Hi"}'),
    ),
    "a stream, untouched": (ENDLESS, lambda client: ask(client, CHAT, chat(stream=True))),
    "a stream, translated": (ENDLESS, lambda client: ask(client, COMPLETIONS, prompt(stream=True))),
    "a stream that has fallen silent, untouched": (
        falls_silent_after(STREAM_HEAD + text_event(TEXT) * (LARGE // len(TEXT))),
        lambda client: ask(client, CHAT, chat(stream=True)),
    ),
    "a stream after a large request": (
        ENDLESS,
        lambda client: ask(client, CHAT, sized(300 * KILOBYTE, stream=True)),
    ),
}


@pytest.mark.parametrize(("script", "ask_for"), REPLIES.values(), ids=REPLIES.keys())
def test_a_client_that_does_not_read_is_cut_off(single: Door, script: Script, ask_for: Ask) -> None:
    before = len(single.upstream.requests)
    single.upstream.then(script)
    with connect(single.base_url, receive_buffer=SMALL_BUFFER) as client:
        until(lambda: held_by_gateway(single.base_url, client))
        ask_for(client)
        single.upstream.wait_for(before + 1)
        assert single.served(), "its slot is not free"
        until(lambda: not held_by_gateway(single.base_url, client), PATIENCE)
        status, headers = client.reply_head()
        assert status == 200
        received = client.rest()
    assert len(received) < int(headers.get("content-length", 2**40))
    assert not received.endswith(b"0\r\n\r\n")


def test_a_client_that_stops_reading_is_cut_off_too() -> None:
    with by_the_clock(ServerSettings(send_timeout=SEND_TIMEOUT)) as (single, clock):
        single.upstream.then(ENDLESS)
        with connect(single.base_url, receive_buffer=SMALL_BUFFER) as client:
            ask(client, CHAT, chat(stream=True))
            assert client.reply_head()[0] == 200
            assert len(client.read(2 * MEGABYTE)) == 2 * MEGABYTE
            clock.go_on()
            assert single.served()
            until(lambda: not held_by_gateway(single.base_url, client), PATIENCE)


def test_comments_that_are_not_read_either_do_not_keep_a_client() -> None:
    stalls = falls_silent_after(STREAM_HEAD + text_event(TEXT) * (LARGE // len(TEXT)))
    with impatient(interval=0.1) as single:
        single.upstream.then(stalls)
        with connect(single.base_url, receive_buffer=SMALL_BUFFER) as client:
            ask(client, COMPLETIONS, prompt(stream=True))
            single.upstream.wait_for(1)
            assert single.served()
            until(lambda: not held_by_gateway(single.base_url, client), PATIENCE)


def test_a_reply_to_each_of_many_requests_in_line_that_is_not_read(single: Door) -> None:
    size = 2 * MEGABYTE
    single.upstream.then(*[replies(whole(chat_reply("x" * size)))] * 12)
    with connect(single.base_url, receive_buffer=SMALL_BUFFER) as client:
        for _ in range(12):
            ask(client, CHAT, chat())
        single.upstream.wait_for(1)
        until(lambda: not held_by_gateway(single.base_url, client), PATIENCE)
    single.upstream.hang_up()
    assert single.served()


SLOWLY = {name: REPLIES[name] for name in ("a whole reply, untouched", "a stream, translated")}


@pytest.mark.parametrize(("script", "ask_for"), SLOWLY.values(), ids=SLOWLY.keys())
def test_a_client_that_reads_slowly_is_not_cut_off(script: Script, ask_for: Ask) -> None:
    """It reads a little all the time: much less than the sockets hold within the limit."""
    with by_the_clock(ServerSettings(send_timeout=SEND_TIMEOUT)) as (single, clock):
        single.upstream.then(script)
        with connect(single.base_url, receive_buffer=SMALL_BUFFER) as client:
            ask_for(client)
            assert client.reply_head()[0] == 200
            for _ in range(60):
                assert len(client.read(16 * KILOBYTE)) == 16 * KILOBYTE
                clock.advance(SEND_TIMEOUT / 30)
            assert held_by_gateway(single.base_url, client)
            assert len(client.read(16 * MEGABYTE)) == 16 * MEGABYTE


def test_a_stream_whose_upstream_is_slow_is_not_cut_off(single: Door) -> None:
    """The client has read all there is: it is not to blame."""

    def slow(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(STREAM_HEAD)
            for _ in range(4):
                line.send(text_event("Hi"))
                seen.left.wait(SEND_TIMEOUT)
            line.send(STREAM_END)

    single.upstream.then(slow, slow)
    with connect(single.base_url) as client:
        for path, body in ((CHAT, chat(stream=True)), (COMPLETIONS, prompt(stream=True))):
            ask(client, path, body)
            reply = client.reply()
            assert (reply.status, reply.complete) == (200, True)
            assert reply.body.endswith(b"data: [DONE]\n\n")


# --- silence -----------------------------------------------------------------------------------

BODY_TIMEOUT = 0.3
SILENT_BODIES = {
    "generation": (CHAT, sized(1000)[:500], 1000),
    "generation, nothing sent": (CHAT, b"", 1000),
    "a large generation": (CHAT, sized(MEGABYTE)[:-1], MEGABYTE),
    "translated": (COMPLETIONS, prompt()[:-1], len(prompt())),
    "passed through": (EMBEDDINGS, b'{"model": "text-', 1000),
    "passed through, nothing sent": (EMBEDDINGS, b"", 1000),
    "an upload": (FILES, upload(1000)[:500], 5000),
    "a large upload": (FILES, upload(300 * KILOBYTE), MEGABYTE),
    "an old endpoint": ("/v1/edits", b'{"model":', 1000),
}


@module_fixture
def hasty() -> Iterator[tuple[Door, StandingClock]]:
    with by_the_clock(ServerSettings(body_idle_timeout=BODY_TIMEOUT)) as made:
        yield made


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize(
    ("path", "sent", "length"), SILENT_BODIES.values(), ids=SILENT_BODIES.keys()
)
def test_a_body_that_stops_coming_is_a_408(
    hasty: tuple[Door, StandingClock], path: str, sent: bytes, length: int, *, chunked: bool
) -> None:
    both, clock = hasty
    clock.stand()
    with connect(both.base_url) as client:
        more = {"transfer_encoding": "chunked"} if chunked else {}
        if path == FILES:
            more["content_type"] = MULTIPART
        client.send(client.head("POST", path, None if chunked else length, **more))
        client.send(chunk(sent) if chunked and sent else sent)
        clock.go_on()
        reply = client.reply()
        assert (reply.status, reply.error["code"]) == (408, "request_timeout")
        assert reply.headers["connection"].lower() == "close"
        assert client.cut()
    assert both.served()


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
def test_a_body_that_comes_slowly_is_served(path: str) -> None:
    """It takes longer than the limit, and no pause of it does."""
    body = chat()
    with (
        by_the_clock(ServerSettings(body_idle_timeout=BODY_TIMEOUT)) as (both, clock),
        connect(both.base_url) as client,
    ):
        client.send(client.head("POST", path, len(body)))
        step = len(body) // 8
        for at in range(0, len(body), step):
            client.send(body[at : at + step])
            for _ in range(2):  # in the first half, it is read
                clock.advance(BODY_TIMEOUT / 3)
        assert client.reply().status == 200


@pytest.mark.slow
def test_a_connection_that_has_no_request_within_ten_seconds_is_closed(single: Door) -> None:
    """All kinds side by side, for their ten seconds are the same ones."""
    head = raw("GET /v1/models HTTP/1.1")
    opened: dict[str, Client] = {}
    with ExitStack() as connections:

        def another(name: str, sent: bytes) -> Client:
            opened[name] = connections.enter_context(connect(single.base_url))
            opened[name].send(sent)
            return opened[name]

        idle = connections.enter_context(connect(single.base_url))
        idle.send(head)
        assert idle.reply().status == 200
        another("silent", b"")
        another("empty lines", b"\r\n\r\n")
        another("half a line", head[:10])
        another("half a head", head[:-2])
        another("a second half head", head)
        assert opened["a second half head"].reply().status == 200
        opened["a second half head"].send(head[:-2])
        dripping = another("dripping", head[:5])
        end = time.monotonic() + 2 * PATIENCE
        waiting = set(opened)
        while waiting and time.monotonic() < end:
            if held_by_gateway(single.base_url, dripping):
                dripping.send(b"a")
            time.sleep(0.3)
            waiting = {n for n in waiting if held_by_gateway(single.base_url, opened[n])}
        assert waiting == set()
        for client in opened.values():
            received = client.rest()
            assert received == b"" or received.startswith(b"HTTP/1.1 408")
        idle.send(head)
        assert idle.reply().status == 200
