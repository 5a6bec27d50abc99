"""An alias's errors name the model as the client asked for it, however they come."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.stream.messages.message_events import events_of
from tests import kinds
from tests.exchange.scene import Scene, chat_chunk, completion
from tests.exchange.test_retries import ASKED
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply
from tests.translate.messages_upstreams import message, text

SENT = "gpt-5.4-mini"
SAID = f"Rate limit reached for {SENT}, not for {SENT}-2026 or x/{SENT}."
TOLD = f"Rate limit reached for fast, not for {SENT}-2026 or x/{SENT}."
PAIRS = list(product(Shape, Shape))
ERROR: Json = {"message": SAID, "type": "rate_limit_error", "code": "rate_limit_exceeded"}
ITEM: Json = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
BEGUN: dict[Shape, list[Json]] = {
    Shape.COMPLETIONS: [completion(choices=[{"index": 0, "text": "Hel", "finish_reason": None}])],
    Shape.CHAT: [chat_chunk("Hel")],
    Shape.RESPONSES: [
        {"type": "response.created", "response": {"id": "r", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": ITEM},
        {
            "type": "response.output_text.delta",
            "output_index": 0,
            "content_index": 0,
            "item_id": "msg_1",
            "delta": "Hel",
        },
    ],
    Shape.MESSAGES: list(events_of(message(text("Hello"))))[:3],
}
FAILED: dict[Shape, list[Json]] = {
    Shape.COMPLETIONS: [{"error": ERROR}],
    Shape.CHAT: [{"error": ERROR}],
    Shape.RESPONSES: [
        {"type": "response.failed", "response": {"id": "r", "status": "failed", "error": ERROR}},
        {**ERROR, "type": "error"},
    ],
    Shape.MESSAGES: [{"type": "error", "error": ERROR}],
}


def scene(answer: Answer, home: Shape, *, fast: bool) -> Scene:
    def server(call: UpstreamCall) -> Answer:
        return json_reply({"data": []}) if call.method == "GET" else answer

    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
    rules = (ModelRule("fast", model=SENT, endpoints=(home,)),)
    return Scene(server, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


def told(answer: Answer, client: Shape, home: Shape, *, fast: bool, stream: bool = False) -> str:
    """Return what the client is told, whole or in a stream."""
    stage = scene(answer, home, fast=fast)
    try:
        result = stage.generate(client, {"model": "fast", "stream": stream, **ASKED[client]})
    except GatewayError as error:
        return error.message
    return result.body.decode()


def streamed(*events: Json) -> FakeReply:
    data = [b"data: %b\n\n" % msgspec.json.encode(event) for event in events]
    return FakeReply(200, EVENT_STREAM, data)


def check(words: str) -> None:
    assert TOLD in words
    assert SAID not in words


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [400, 404, 429, 503])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_reply(
    client: Shape, home: Shape, status: int, *, stream: bool, fast: bool
) -> None:
    check(told(error_reply(status, SAID), client, home, fast=fast, stream=stream))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_within_a_success(client: Shape, home: Shape, *, fast: bool) -> None:
    bodies: list[Any] = [{"error": ERROR}, {"id": "x", "object": "x", "error": ERROR}]
    if home in (Shape.CHAT, Shape.COMPLETIONS):
        choice = {"index": 0, "text": "", "message": {"role": "assistant", "content": ""}}
        bodies.append(
            {"id": "x", "choices": [{**choice, "error": ERROR, "finish_reason": "error"}]}
        )
    for body in bodies:
        check(told(json_reply(body), client, home, fast=fast))


def failing_streams(home: Shape) -> Iterator[FakeReply]:
    for event in FAILED[home]:
        yield streamed(event)
        yield streamed(*BEGUN[home], event)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_within_a_stream(client: Shape, home: Shape, *, fast: bool) -> None:
    for reply in failing_streams(home):
        check(told(reply, client, home, fast=fast, stream=True))
