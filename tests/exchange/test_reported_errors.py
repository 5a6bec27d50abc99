"""Errors in forms that no endpoint documents reach every client with what they say."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.errors import GatewayError
from gateway.exchange.reply.wrapped_errors import SMALL_REPLY_BYTES
from gateway.shapes import Json, Shape
from tests.exchange.reply.test_whole_body import ask
from tests.exchange.scene import Exchanged
from tests.fakes import EVENT_STREAM, FakeReply
from tests.faults.payloads import DONE, PLACES, dumped, events, framed, put, whole

PAIRS = [(client, home) for client in Shape for home in Shape]
MOVED = [(client, home) for client, home in PAIRS if client is not home]
JSON = ((b"content-type", b"application/json"),)

IN_KNOWN_ENVELOPES = ("nested", "a reason")
"""What passes as it is where nothing but the model's name is changed."""
EVENTS: dict[str, tuple[bytes, int]] = {
    "named": (b'event: error\ndata: {"message":"boom"}\n\n', 502),
    "named, with a code": (b'event: error\ndata: {"message":"boom","code":429}\n\n', 429),
    "named, detail": (b'event: error\ndata: {"detail":"boom"}\n\n', 502),
    "detail": (b'data: {"detail":"boom"}\n\n', 502),
    "message": (b'data: {"message":"boom","code":503}\n\n', 503),
    "llama.cpp's": (b'error: {"code":503,"message":"boom"}\n\n', 503),
    "a list": (b'data: [{"error":{"message":"boom","code":503}}]\n\n', 503),
    "a text": (b"data: error: boom\n\n", 502),
    "nested": (b'data: {"error":{"error":{"message":"boom"}}}\n\n', 502),
    "a reason": (b'data: {"error":{"reason":"boom"}}\n\n', 502),
    "MiniMax'": (b'data: {"base_resp":{"status_code":1002,"status_msg":"boom"}}\n\n', 429),
}
BODIES: dict[str, tuple[Json, int]] = {
    "detail": ({"detail": "boom"}, 502),
    "detail, long": ({"detail": "boom", "trace": "x" * SMALL_REPLY_BYTES}, 502),
    "message": ({"id": "x", "message": "boom", "code": 429}, 429),
    "nested": ({"error": {"error": {"message": "boom"}}}, 502),
    "a reason": ({"error": {"reason": "boom"}}, 502),
    "MiniMax'": ({"id": "x", "base_resp": {"status_code": 1002, "status_msg": "boom"}}, 429),
}


def error_of(ask: Callable[[], Exchanged]) -> tuple[Json, int | None]:
    """Return the error that a client gets, and its status unless it came in a stream."""
    try:
        result = ask()
    except GatewayError as raised:
        return dict(raised.envelope()["error"]), raised.status
    last = [event for event in result.events if event != "[DONE]"][-1]
    error: Json = last.get("response", last)["error"]
    return error, None


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_event_that_is_an_error(client: Shape, home: Shape, kind: str) -> None:
    sent, status = EVENTS[kind]
    if client is home and kind in IN_KNOWN_ENVELOPES:
        return
    for begun in (b"", b"".join(events(home, until="text"))):
        for end in (b"", DONE):
            reply = FakeReply(200, EVENT_STREAM, [begun + sent + end])
            error, seen = error_of(partial(ask, client, home, reply, stream=True))
            assert error["message"] == "boom"
            assert seen == (None if begun else status) or client is home


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(("client", "home"), MOVED)
def test_an_event_of_a_stream_in_reply_to_a_plain_request(
    client: Shape, home: Shape, kind: str
) -> None:
    sent, status = EVENTS[kind]
    reply = FakeReply(200, EVENT_STREAM, [*events(home, until="text"), sent])
    error, seen = error_of(lambda: ask(client, home, reply, stream=False))
    assert (error["message"], seen) == ("boom", status)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("client", "home"), MOVED)
def test_json_in_place_of_a_result(client: Shape, home: Shape, kind: str, *, stream: bool) -> None:
    body, status = BODIES[kind]
    reply = FakeReply(200, JSON, [dumped(body)])
    error, seen = error_of(lambda: ask(client, home, reply, stream=stream))
    assert (error["message"], seen) == ("boom", status)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("client", list(Shape))
def test_the_error_of_one_choice(client: Shape, home: Shape, *, stream: bool) -> None:
    if client is home:
        return
    body = put(whole(home), (*PLACES[home]["item"], "error"), {"code": 429, "message": "boom"})
    sent = [framed(home, body)] if stream else [dumped(body)]
    reply = FakeReply(200, EVENT_STREAM if stream else JSON, sent)
    error, seen = error_of(lambda: ask(client, home, reply, stream=stream))
    assert (error["message"], seen) == ("boom", 429)


def test_what_only_looks_like_an_error_is_none_where_the_reply_goes_on() -> None:
    for aside in (b'data: {"detail":"queued"}\n\n', b'data: {"message":"hold on"}\n\n'):
        pieces = [aside, *events(Shape.CHAT)]
        result = ask(Shape.RESPONSES, Shape.CHAT, FakeReply(200, EVENT_STREAM, pieces), stream=True)
        assert result.events[-1]["type"] == "response.completed"
