"""What clients of messages get where their model, at another endpoint, fails."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Shape, UpstreamCall
from tests.api.client import Client, Reply
from tests.exchange.scene import Scene, chat_chunk
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply

ASKED = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
OVERFLOW = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 "
    "tokens. Please reduce the length of the messages."
)
KEY = [(b"x-api-key", b"sk-a"), (b"x-request-id", b"mine-1")]


def asked(answer: FakeReply, **more: Any) -> Reply:
    def answered(_: UpstreamCall) -> Answer:
        return replace(answer, closed=False)

    scene = Scene(answered, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    return Client(answered, scene=scene).post("/v1/messages", {**ASKED, **more}, headers=list(KEY))


def limited(message: str, **more: Any) -> FakeReply:
    error = {"message": message, "type": "requests", "param": None, **more}
    return json_reply({"error": error}, 429, ((b"retry-after", b"7"),))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("answer", "status", "kind", "words"),
    [
        (limited("Slow down."), 429, "rate_limit_error", "Slow down."),
        (limited("Pay.", code="insufficient_quota"), 429, "rate_limit_error", "Pay."),
        (error_reply(529, "Busy."), 529, "overloaded_error", "Busy."),
        (error_reply(503, "Busy."), 503, "overloaded_error", "Busy."),
        (error_reply(500, "Bug."), 502, "api_error", "Bug."),
        (error_reply(401, "Bad key."), 401, "authentication_error", "Bad key."),
        (error_reply(402, "Broke."), 402, "billing_error", "Broke."),
        (error_reply(403, "No."), 403, "permission_error", "No."),
        (error_reply(413, "Big."), 413, "request_too_large", "Big."),
        (
            error_reply(400, OVERFLOW, code="context_length_exceeded"),
            400,
            "invalid_request_error",
            "prompt is too long: 9000 tokens > 8192 maximum",
        ),
        (
            error_reply(400, "Invalid image.", param="messages[0].content"),
            400,
            "invalid_request_error",
            "messages.0.content: Invalid image.",
        ),
    ],
)
def test_an_upstreams_error_is_anthropics(
    answer: FakeReply, status: int, kind: str, words: str, *, stream: bool
) -> None:
    reply = asked(answer, stream=stream)
    said = reply.json
    assert (reply.status, said["type"], said["error"]["type"]) == (status, "error", kind)
    assert said["error"]["message"].startswith(words)
    assert said["request_id"] == reply.headers["request-id"] == "mine-1"
    is_limit = status == 429
    assert reply.headers.get("retry-after") == ("7" if is_limit else None)
    never = "false" if words == "Pay." else None
    assert reply.headers.get("x-should-retry") == never


def test_a_model_that_is_nowhere_comes_first_in_the_message() -> None:
    reply = asked(error_reply(404, "The model `m` does not exist", code="model_not_found"))
    assert (reply.status, reply.json["error"]["type"]) == (404, "not_found_error")
    assert reply.json["error"]["message"].startswith("model: m")


def test_an_error_in_a_stream_ends_it() -> None:
    error = {"error": {"message": "Broke down.", "type": "server_error"}}
    reply = asked(stream_reply(chat_chunk("Hi"), error, done=False), stream=True)
    assert reply.status == 200
    *_, last = [event for event in reply.body.split(b"\n\n") if event]
    assert last.startswith(b'event: error\ndata: {"type":"error","error":{"type":"api_error"')
    assert b"Broke down." in last
    assert b"message_stop" not in reply.body
