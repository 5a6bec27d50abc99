"""An error of the gateway's own about an upstream's reply has the id that the upstream gave it."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings
from gateway.errors import TruncatedStream, UpstreamTimeout
from gateway.exchange.reply import reading
from gateway.shapes import RawHeaders, Shape
from tests.api.client import Client, Reply
from tests.exchange.scene import Scene
from tests.fakes import ArrivedReply, FakeReply

IDS = (b"x-request-id", b"request-id")
"""The fields in which servers name a request: OpenAI's, and Anthropic's."""
JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")
HI: dict[Shape, dict[str, Any]] = {
    Shape.COMPLETIONS: {"prompt": "Hi"},
    Shape.CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"input": "Hi"},
    Shape.MESSAGES: {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
}
LARGEST = 4000


Answering = Callable[[], FakeReply]


def body(data: bytes, *fields: tuple[bytes, bytes], status: int = 200) -> Answering:
    headers: RawHeaders = ((b"content-length", b"%d" % len(data)), *(fields or (JSON,)))
    return lambda: FakeReply(status, headers, (data,))


def arrived(data: bytes, *fields: tuple[bytes, bytes]) -> Answering:
    return lambda: ArrivedReply(200, fields or (JSON,), (data,))


def named(answer: Answering, field: bytes) -> Answering:
    """Return what answers with an id."""

    def answering() -> FakeReply:
        reply = answer()
        reply.headers = ((field, b"up-1"), *reply.headers)
        return reply

    return answering


REPLIES = {
    "not JSON": body(b"hello"),
    "not JSON, at once": arrived(b"hello"),
    "empty": body(b""),
    "a web page": body(b"<html>"),
    "cut off": body(b'{"id":"a","choices":['),
    "no answer": body(b'{"id":"a"}'),
    "no answer, at once": arrived(b'{"id":"a"}'),
    "an error": body(b'{"error":{"message":"down"}}'),
    "no such model": body(b'{"error":{"message":"no","code":"model_not_found"}}', status=404),
    "another error": body(b'{"type":"error","error":{"type":"x","message":"no"}}', status=400),
    "a redirect": body(b"", (b"location", b"http://elsewhere/"), status=302),
    "too large": body(b'{"a":"%b"}' % (LARGEST * b"x")),
    "no gzip": body(b"hello", JSON, (b"content-encoding", b"gzip")),
    "broken off": lambda: FakeReply(200, (JSON,), (b'{"id":',), TruncatedStream("It broke.")),
    "silent": lambda: FakeReply(200, (EVENTS,), (b"",), UpstreamTimeout("Too late.")),
    "events, no JSON": body(b"data: hello\n\n", EVENTS),
    "no event": body(b"", EVENTS),
    "an end alone": body(b"data: [DONE]\n\n", EVENTS),
}
SEVERAL: dict[Shape, list[dict[str, Any]]] = {
    Shape.COMPLETIONS: [{}, {"prompt": ["Hi", "Ho"]}],
    Shape.CHAT: [{}, {"n": 2}],
}


def asked(answer: Answering, client: Shape, home: Shape, *, fast_paths: bool, **more: Any) -> Reply:
    scene = Scene(
        lambda _: answer(),
        rules=(ModelRule("m", endpoints=(home,)),),
        performance=PerformanceSettings(fast_paths=fast_paths),
    )
    asking = Client(lambda _: answer(), scene=scene)
    request = {"model": "m", **HI[client], **more}
    asking.post("/v1" + client.path, request)
    return asking.post("/v1" + client.path, request)  # as one that repeats


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES)
def test_it_has_it_at_every_endpoint(
    answer: Answering, field: bytes, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", LARGEST)
    errors = 0
    for client, home, fast_paths in product(Shape, Shape, (True, False)):
        for several in SEVERAL.get(client, [{}]):
            known = named(answer, field)
            reply = asked(known, client, home, fast_paths=fast_paths, stream=stream, **several)
            assert reply.headers["x-request-id"] == "up-1", (client, home, fast_paths, several)
            if reply.status >= 400 and client is Shape.MESSAGES:
                assert reply.headers["request-id"] == "up-1"
                assert reply.json.get("request_id", "up-1") == "up-1"
            errors += reply.status >= 400
    assert errors


@pytest.mark.parametrize("field", IDS)
def test_a_clients_own_id_stays(field: bytes) -> None:
    answer = named(body(b"hello"), field)
    scene = Scene(lambda _: answer(), rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    asking = Client(lambda _: answer(), scene=scene)
    request = {"model": "m", **HI[Shape.MESSAGES]}
    reply = asking.post("/v1/messages", request, headers=[(b"x-request-id", b"mine-1")])
    assert (reply.status, reply.headers["x-request-id"]) == (502, "mine-1")
    assert reply.json["request_id"] == reply.headers["request-id"] == "mine-1"
