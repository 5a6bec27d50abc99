"""Replies that the gateway makes by itself, in the form that was asked for."""

from typing import Any, cast

import msgspec
import pytest

from gateway.exchange.answers import answer_at_once, local_answer
from gateway.fast.paths import Fast
from gateway.headers import JSON
from gateway.replies import BufferedReply
from gateway.request import GenerationRequest
from gateway.shapes import RepeatedFields, ReplyHeaders, Shape
from gateway.translate.stream.sse import SSEDecoder
from tests.messages_grammar import read_message

REPLY: dict[str, Any] = {
    "id": "cmpl-1",
    "choices": [{"index": 0, "text": "Hi"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
}


def events(reply: dict[str, Any], options: Any) -> list[Any]:
    body = msgspec.json.encode({"model": "m", "stream": True, "stream_options": options})
    answer = local_answer(GenerationRequest.at(Shape.COMPLETIONS, body), reply, streamed=True)
    assert isinstance(answer.body, bytes)
    lines = [line for line in answer.body.decode().split("\n\n") if line]
    assert lines.pop() == "data: [DONE]"
    return [msgspec.json.decode(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("options", [None, {"include_usage": True}])
def test_each_event_of_a_streamed_answer_has_one_choice(options: Any) -> None:
    choices = [{"index": index, "text": "Hi"} for index in range(3)]
    sent = events({**REPLY, "choices": choices}, options)
    assert [event["choices"] for event in sent[:3]] == [[choice] for choice in choices]
    assert [event["id"] for event in sent] == ["cmpl-1"] * (4 if options else 3)


def test_a_whole_answer_is_json() -> None:
    answer = local_answer(GenerationRequest.at(Shape.COMPLETIONS, b"{}"), REPLY, streamed=False)
    assert isinstance(answer.body, bytes)
    length = (b"content-length", b"%d" % len(answer.body))
    assert answer.headers == [(b"content-type", b"application/json"), length]
    assert msgspec.json.decode(answer.body) == REPLY


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, "odd"])
def test_a_streamed_answer_has_no_usage_unless_it_is_asked_for(options: Any) -> None:
    assert events(REPLY, options) == [{"id": "cmpl-1", "choices": REPLY["choices"]}]


def test_usage_comes_in_an_event_of_its_own() -> None:
    text, usage = events(REPLY, {"include_usage": True})
    assert text == {"id": "cmpl-1", "choices": REPLY["choices"], "usage": None}
    assert usage == {"id": "cmpl-1", "choices": [], "usage": REPLY["usage"]}


def test_usage_that_is_not_known_is_not_made_up() -> None:
    (text,) = events({**REPLY, "usage": None}, {"include_usage": True})
    assert text["usage"] is None


@pytest.mark.parametrize(
    ("status", "body", "is_simple"),
    [
        (200, b'{"id": "1"}', True),
        (201, b'{"choices": [], "error": null}', True),
        (200, b'{"padding": "%b", "error": "x"}' % (b"x" * 4096), True),
        (200, b'{"error": {"code": 0}, "choices": ["%b"]}' % (b"x" * 4096), True),
        (200, b'{"error": "%b"}' % (b"x" * 4096), False),
        (400, b'{"id": "1"}', False),
        (200, b'{"error": "x"}', False),
        (200, b"data: {}", False),
        (200, b"", False),
    ],
)
def test_whole_json_without_an_error_is_answered_at_once(
    status: int, body: bytes, is_simple: bool
) -> None:
    fields = (b"content-type", b"application/json"), (b"x-a", b"1")
    reply = answer_at_once(None, BufferedReply(status, fields, body))
    assert (reply is not None) == is_simple
    if reply is not None:
        assert (reply.status, tuple(reply.headers), reply.body) == (status, fields, body)


class Doubling:
    """A translation that doubles replies."""

    def decode_reply(self, reply: bytes) -> bytes | None:
        return reply * 2


@pytest.mark.parametrize("body", [b"{}", b"a longer one"])
def test_fields_that_repeat_are_kept_with_a_translated_body_as_others_are(body: bytes) -> None:
    before = (b"content-type", b"text/plain"), (b"x-a", b"1")
    after = (b"cache-control", b"no-store"), (b"x-request-id", b"2")
    repeated = RepeatedFields(before, after)
    short, long = ReplyHeaders(repeated, b"7"), ReplyHeaders(repeated, b"12")
    fast = cast("Fast", Doubling())
    answers = [
        answer_at_once(fast, BufferedReply(200, headers, body))
        for headers in (short, tuple(short), long, tuple(long))
    ]
    shown = [(a.status, tuple(a.headers), a.body) for a in answers if a is not None]
    kept = (b"x-a", b"1"), (b"x-request-id", b"2")
    length = (b"content-length", b"%d" % (2 * len(body)))
    assert shown == [(200, (JSON, length, *kept), body * 2)] * 4
    assert [isinstance(a and a.headers, ReplyHeaders) for a in answers] == [True, False] * 2


@pytest.mark.parametrize("streamed", [False, True])
def test_a_message_is_an_answer_in_its_own_form(*, streamed: bool) -> None:
    reply: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 0},
    }
    call = GenerationRequest.at(Shape.MESSAGES, b"{}")
    answer = local_answer(call, reply, streamed=streamed)
    assert isinstance(answer.body, bytes)
    if not streamed:
        assert msgspec.json.decode(answer.body) == reply
        return
    assert b"[DONE]" not in answer.body
    sent = [event.data for event in SSEDecoder().feed(answer.body)]
    assert read_message(map(msgspec.json.decode, sent)) == reply
