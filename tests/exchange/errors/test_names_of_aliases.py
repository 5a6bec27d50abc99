"""An alias's errors name the model as the client asked for it, however they come."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.errors.names_of_aliases import named_as_asked, upstreams_words
from gateway.exchange.reply.classify import ErrorReply
from gateway.resolve.evidence import Route, Source
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.parts.model_names import ModelNames
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
ODD: list[Json] = [
    {"object": "error", "message": SAID, "type": "rate_limit_error", "code": 429},
    {"error": {"message": "Provider returned error", "metadata": {"raw": SAID}, "code": 429}},
    {"error": {"detail": SAID}},
    {"error": [{"message": SAID}]},
    {"type": "error", "errors": [{"message": SAID}]},
    {"detail": SAID},
]
"""Errors in the envelopes of other servers and of relays."""


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
def test_an_error_reply_names_the_alias(
    client: Shape, home: Shape, status: int, *, stream: bool, fast: bool
) -> None:
    check(told(error_reply(status, SAID), client, home, fast=fast, stream=stream))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_within_a_success_names_the_alias(
    client: Shape, home: Shape, *, fast: bool
) -> None:
    bodies: list[Any] = [{"error": ERROR}, {"id": "x", "object": "x", "error": ERROR}]
    if home in (Shape.CHAT, Shape.COMPLETIONS):
        choice = {"index": 0, "text": "", "message": {"role": "assistant", "content": ""}}
        bodies.append(
            {"id": "x", "choices": [{**choice, "error": ERROR, "finish_reason": "error"}]}
        )
    for body in bodies:
        check(told(json_reply(body), client, home, fast=fast))


def failing_streams(home: Shape) -> Iterator[FakeReply]:
    for event in (*FAILED[home], *ODD):
        yield streamed(event)
        yield streamed(*BEGUN[home], event)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_error_within_a_stream_names_the_alias(
    client: Shape, home: Shape, *, fast: bool
) -> None:
    for reply in failing_streams(home):
        check(told(reply, client, home, fast=fast, stream=True))


NAMES = ModelNames(sent="gpt-9", asked="fast")


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (
            b'{"error":{"message":"Limit of gpt-9","metadata":{"raw":["gpt-9 is busy",7]}}}',
            b"application/problem+json",
            b'{"error":{"message":"Limit of fast","metadata":{"raw":["fast is busy",7]}}}',
        ),
        (b'[{"error":"gpt-9"}]', b"text/event-stream", b'[{"error":"fast"}]'),
        (b"gpt-9 is \xff busy", b"text/plain", b"fast is \xff busy"),
    ],
)
def test_an_error_of_an_alias_has_its_name_and_is_else_as_it_came(
    body: bytes, kind: bytes, expected: bytes
) -> None:
    headers = ((b"content-type", kind), (b"content-length", b"9"), (b"x-own", b"1"))
    failure = ErrorReply(0, 429, headers, body)
    named = named_as_asked(replace(failure, as_came=ClientReply(429, [], b"")), NAMES)
    assert named.body == expected
    assert (named.status, named.as_came) == (429, None)
    shown = b"text/plain" if kind == b"text/plain" else b"application/json"
    assert dict(named.headers) == {
        b"x-own": b"1",
        b"content-type": shown,
        b"content-length": b"%d" % len(expected),
    }


def test_what_does_not_name_it_is_passed_on_untouched() -> None:
    for body in (b'{"error": "gpt-9-mini"}', b"gpt-9-mini", b"[" * 100_000):
        failure = ErrorReply(0, 429, (), body)
        assert named_as_asked(failure, NAMES) is failure
    failure = ErrorReply(0, 429, (), b"gpt-9")
    for other in (replace(failure, partial=True), replace(failure, for_client=GatewayError("x"))):
        assert named_as_asked(other, NAMES) is other
    assert named_as_asked(failure, None) is failure


@pytest.mark.parametrize(
    ("sent", "told"), [("gpt-9", "No fast."), ("fast", "No gpt-9."), ("", "No gpt-9.")]
)
def test_an_upstreams_words_have_the_clients_name(sent: str, told: str) -> None:
    shape = Shape.CHAT
    route = Route("main", "fast", sent, kinds.OTHER, shape, (shape,), Source.CONFIG)
    assert upstreams_words(Refusal(Verdict.OTHER, message=" No gpt-9.\n"), route) == told
