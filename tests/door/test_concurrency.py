"""`clients[].max_concurrency` over sockets: streams count to their end, however they end."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack

import openai
import pytest

from gateway.config.settings import ClientSettings
from tests.door.doors import CHAT, FILES, Client, Door, chat, connect, door, raw, until
from tests.door.upstream import STREAM_HEAD, falls_silent_after, text_event

KEY = "sk-test"
LIMITED = ClientSettings("limited", (hashlib.sha256(KEY.encode()).hexdigest(),), max_concurrency=2)
STREAM = chat(stream=True)


@pytest.fixture
def limited() -> Iterator[Door]:
    with door(clients=(LIMITED,)) as both:
        yield both


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_streams_hold_their_slots_until_their_clients_leave(limited: Door, *, reset: bool) -> None:
    with ExitStack() as streams:
        for client in started(limited, streams):
            if reset:
                client.reset_at_the_end()
        with connect(limited.base_url) as third:
            third.request("POST", CHAT, STREAM)
            reply = third.reply()
            assert (reply.status, reply.headers["retry-after"]) == (429, "1")
            # The connection goes on, and health checks do not count.
            third.request("GET", "/healthz")
            assert third.reply().status == 200
    until(lambda: limited.disconnects() == 2)
    with connect(limited.base_url) as later:
        later.request("POST", CHAT, chat())
        assert later.reply().status == 200


def test_the_openai_client_sees_a_rate_limit(limited: Door) -> None:
    with (
        openai.OpenAI(base_url=limited.base_url, api_key=KEY, max_retries=0) as client,
        ExitStack() as streams,
    ):
        started(limited, streams)
        with pytest.raises(openai.RateLimitError) as raised:
            client.models.list()
        assert raised.value.code == "rate_limit_exceeded"


UNFINISHED = raw(f"POST {CHAT} HTTP/1.1", "Content-Length: 100000", body=b"{")
UPLOAD = raw(f"POST {FILES} HTTP/1.1", "Transfer-Encoding: chunked", body=b"4\r\nabcd\r\n")


@pytest.mark.parametrize("begun", [UNFINISHED, UPLOAD], ids=["whole", "streamed"])
@pytest.mark.parametrize("expect", [(), ("Expect: 100-continue",)], ids=["sent", "expects"])
def test_bodies_that_arrive_count_and_one_too_many_is_not_read(
    limited: Door, begun: bytes, expect: tuple[str, ...]
) -> None:
    with ExitStack() as open_ones:
        for _ in range(2):
            open_ones.enter_context(connect(limited.base_url)).send(begun)
        with connect(limited.base_url) as third:
            until(lambda: refused(limited))
            third.send(raw(f"POST {CHAT} HTTP/1.1", "Content-Length: 30000000", *expect))
            reply = third.reply()
            assert (reply.status, reply.headers["retry-after"]) == (429, "1")
            assert reply.headers["connection"].lower() == "close"
            assert third.rest() == b""
    until(lambda: not refused(limited))


def refused(limited: Door) -> bool:
    """Whether another request is one too many."""
    with connect(limited.base_url) as client:
        client.request("GET", FILES)
        return client.reply().status == 429


def test_a_request_whose_body_arrived_late_gives_its_slot_back(limited: Door) -> None:
    """After its reply, on the same connection, and though its body was wrong."""
    with connect(limited.base_url) as client:
        for _ in range(3):
            client.send(raw(f"POST {CHAT} HTTP/1.1", f"Content-Length: {len(STREAM)}"))
            client.send(chat().ljust(len(STREAM)))
            assert client.reply().status == 200
    for _ in range(3):
        with connect(limited.base_url) as client:
            client.send(raw(f"POST {CHAT} HTTP/1.1", "Transfer-Encoding: chunked"))
            client.send(b"no chunk\r\n")
            assert client.reply().status == 400


def started(limited: Door, streams: ExitStack) -> list[Client]:
    """Begin as many streams as the client may have."""
    limited.upstream.then(*[falls_silent_after(STREAM_HEAD + text_event("Hi"))] * 2)
    clients = [streams.enter_context(connect(limited.base_url)) for _ in range(2)]
    for client in clients:
        client.request("POST", CHAT, STREAM)
        assert client.reply_head()[0] == 200
    return clients
