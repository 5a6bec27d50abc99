"""Streams cut off within an event at the model's own endpoint: what the official client sees.

At every byte of an event, over real sockets: the events before it, and then why there are no more.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from openai import APIConnectionError, APIError, OpenAI, Stream

from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.shapes import Shape
from gateway.translate.stream.sse import SSEDecoder
from tests import kinds
from tests.clients.faulty_upstream import (
    SSE,
    Fault,
    Visit,
    chunk,
    event,
    faulty_upstream,
    head,
)
from tests.clients.running import running_gateway
from tests.waiting import PATIENCE

NAMED = "/complete"
"""A path that the gateway knows nothing of, with events as Anthropic names them."""
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0}\n\n'


def chat(client: OpenAI) -> Any:
    messages: Any = [{"role": "user", "content": "x"}]
    return client.chat.completions.create(model="at-chat", messages=messages, stream=True)


STREAMS: dict[str, Callable[[OpenAI], Any]] = {
    Shape.COMPLETIONS.path: lambda client: client.completions.create(
        model="at-completions", prompt="x", stream=True
    ),
    Shape.CHAT.path: chat,
    Shape.RESPONSES.path: lambda client: client.responses.create(
        model="at-responses", input="x", stream=True
    ),
    NAMED: lambda client: client.post(
        NAMED, cast_to=object, body={"stream": True}, stream=True, stream_cls=Stream[object]
    ),
}


@contextmanager
def behind_a_gateway(fault: Fault) -> Iterator[OpenAI]:
    with faulty_upstream(fault) as upstream:
        settings = Settings(
            (UpstreamSettings("up", upstream.base_url, kinds.OTHER, CredentialPolicy.NONE),),
            models=tuple(ModelRule(f"at-{shape}", endpoints=(shape,)) for shape in Shape),
        )
        with running_gateway(settings) as gateway:
            yield OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0)


def event_of(path: str, line_end: bytes) -> bytes:
    return (DELTA if path == NAMED else event(path)).replace(b"\n", line_end)


def read(stream: Any) -> tuple[list[object], APIError]:
    """Return what a stream yields, and the error that it ends with."""
    received: list[object] = []
    with pytest.raises(APIError) as raised:
        received += stream
    return received, raised.value


def beside(line_end: bytes, sent: bytes, length: int) -> bool:
    """Whether a cut is within three bytes of a line's end: elsewhere all line ends are the same."""
    return line_end in sent[max(0, length - 3) : length + 3] or length < 3


FRAMINGS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "chunked": (head(SSE), chunk),
    "until the end": (b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n\r\n" % SSE, bytes),
}


@pytest.mark.alone
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("path", STREAMS)
def test_the_error_is_seen_wherever_an_event_is_cut(
    path: str, framing: str, line_end: bytes
) -> None:
    begun, framed = FRAMINGS[framing]
    sent = event_of(path, line_end)
    # Without framing a body may end after an event, and in a line that is not JSON yet.
    first = sent.index(b"{") + 1 if framing == "until the end" else 1
    lengths = [n for n in range(first, len(sent)) if line_end == b"\n" or beside(line_end, sent, n)]
    cuts = iter(lengths)

    def cut(visit: Visit) -> None:
        visit.send(begun + framed(sent + sent[: next(cuts)]))

    with behind_a_gateway(cut) as client:
        for length in lengths:
            whole = sent[:length].rstrip().endswith(b"}") and length >= len(sent.rstrip())
            if whole and framing == "until the end":
                break
            received, error = read(STREAMS[path](client))
            assert len(received) == 1 + whole, length
            assert error.code == "upstream_stream_truncated"
            assert "the end of its reply" in error.message or "reply was complete" in error.message


@pytest.mark.parametrize("path", STREAMS)
def test_one_byte_at_a_time(path: str) -> None:
    sent = event_of(path, b"\n")

    def bytewise(visit: Visit) -> None:
        pieces = sent + sent[:-9]
        visit.send(head(SSE) + b"".join(chunk(pieces[at : at + 1]) for at in range(len(pieces))))

    with behind_a_gateway(bytewise) as client:
        received, error = read(STREAMS[path](client))
        assert len(received) == 1
        assert error.code == "upstream_stream_truncated"


def test_a_client_of_named_events_is_told_by_an_error_event() -> None:
    def cut(visit: Visit) -> None:
        visit.send(head(SSE) + chunk(DELTA + DELTA[:-9]))

    with behind_a_gateway(cut) as client:
        reply = httpx2.post(f"{client.base_url}complete", json={}, timeout=PATIENCE)
    delta, error = SSEDecoder().feed(reply.content)
    assert delta.event == "content_block_delta"
    assert error.event == "error"
    reported = msgspec.json.decode(error.data)
    assert reported["type"] == "error"
    assert reported["error"]["code"] == "upstream_stream_truncated"


def test_a_client_of_messages_is_told_in_anthropics_envelope() -> None:
    def cut(visit: Visit) -> None:
        visit.send(head(SSE) + chunk(DELTA + DELTA[:-9]))

    user = {"role": "user", "content": "x"}
    body = {"model": "at-messages", "max_tokens": 9, "stream": True, "messages": [user]}
    with behind_a_gateway(cut) as client:
        reply = httpx2.post(f"{client.base_url}messages", json=body, timeout=PATIENCE)
    delta, error = SSEDecoder().feed(reply.content)
    assert delta.event == "content_block_delta"
    assert error.event == "error"
    reported = msgspec.json.decode(error.data)
    assert set(reported) == {"type", "error"}
    assert (reported["type"], reported["error"]["type"]) == ("error", "api_error")


@pytest.mark.parametrize("path", STREAMS)
def test_a_coded_stream_breaks_off_as_it_did(path: str) -> None:
    coded = gzip.compress(event_of(path, b"\n") * 3)

    def cut(visit: Visit) -> None:
        coding = b"content-encoding: gzip\r\n\r\n"
        visit.send(head(SSE).removesuffix(b"\r\n") + coding + chunk(coded[:-12]))

    with behind_a_gateway(cut) as client, pytest.raises(APIConnectionError):
        list(STREAMS[path](client))
