"""Answers to plain requests, here as a whole or still arriving: the client sees no difference."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import PerformanceSettings
from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.shapes import Shape, UpstreamCall
from tests.exchange.scene import Scene, chat_completion
from tests.fakes import Answer, ArrivedReply, FakeReply, error_reply, json_reply

PROMPT = {"model": "gpt-4o-mini", "prompt": "Hi"}
MESSAGES = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
LONG = "word " * 1000
LARGE = "word" * (LARGE_BYTES // 4)
CALLS_LEFT_OUT = (
    "from=completions; to=chat; dropped=tool_calls; changed=finish_reason:tool_calls->stop"
)
CALLS: dict[str, Any] = {
    "message": {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    },
    "finish_reason": "tool_calls",
    "index": 0,
}


def as_it_comes(reply: FakeReply, *, at_once: bool) -> FakeReply:
    return ArrivedReply(reply.status, reply.headers, reply.pieces) if at_once else reply


def answered(shape: Shape, body: Any, reply: FakeReply, *, at_once: bool) -> Any:
    scene = Scene(lambda _: as_it_comes(reply, at_once=at_once))
    return scene.generate(shape, body)


both = pytest.mark.parametrize("at_once", [True, False])


@both
@pytest.mark.parametrize("text", ["Hello", LONG, LARGE], ids=len)
def test_a_plain_answer_is_translated(text: str, *, at_once: bool) -> None:
    own = ((b"x-request-id", b"req_1"), (b"content-encoding", b"identity"))
    answer = json_reply(chat_completion(text), headers=own)
    seen = answered(Shape.COMPLETIONS, PROMPT, answer, at_once=at_once)
    assert seen.json["choices"][0]["text"] == text
    assert seen.reply.headers == [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(seen.body)).encode()),
        (b"x-request-id", b"req_1"),
    ]
    assert seen.decision.translation == "from=completions; to=chat"


@pytest.mark.parametrize("fast_paths", [True, False])
def test_large_answers_to_several_prompts_are_one(*, fast_paths: bool) -> None:
    performance = PerformanceSettings(fast_paths=fast_paths)
    answer = json_reply(chat_completion("word" * (LARGE_BYTES // 8)))
    scene = Scene(lambda _: replace(answer), performance=performance)
    seen = scene.generate(Shape.COMPLETIONS, {**PROMPT, "prompt": ["Hi", "Ho"]})
    assert [choice["index"] for choice in seen.json["choices"]] == [0, 1]
    assert len(seen.body) > LARGE_BYTES


@both
@pytest.mark.parametrize("text", ["Hello", LONG])
def test_an_answer_of_the_same_shape_is_passed_on(text: str, *, at_once: bool) -> None:
    answer = json_reply(chat_completion(text), headers=((b"x-request-id", b"req_1"),))
    seen = answered(Shape.CHAT, MESSAGES, answer, at_once=at_once)
    assert seen.body == msgspec.json.encode(chat_completion(text))
    assert seen.reply.headers == answer.headers


@both
def test_what_an_answer_adds_to_the_report_is_shown(*, at_once: bool) -> None:
    answer = json_reply(chat_completion(choices=[CALLS]))
    seen = answered(Shape.COMPLETIONS, PROMPT, answer, at_once=at_once)
    assert seen.json["choices"][0]["text"] == ""
    assert seen.decision.translation == CALLS_LEFT_OUT


def test_and_so_is_what_the_answer_to_another_request_adds() -> None:
    answer = json_reply(chat_completion(choices=[CALLS]))
    seen = answered(Shape.COMPLETIONS, {**PROMPT, "stop": "x"}, answer, at_once=True)
    assert seen.decision.translation == CALLS_LEFT_OUT


@both
@pytest.mark.parametrize("shape", [Shape.COMPLETIONS, Shape.CHAT])
def test_an_error_in_a_success_is_a_failure(shape: Shape, *, at_once: bool) -> None:
    answer = json_reply({"error": {"message": "It is full.", "type": "x", "code": "full"}})
    body = PROMPT if shape is Shape.COMPLETIONS else MESSAGES
    if shape is Shape.CHAT:
        assert answered(shape, body, answer, at_once=at_once).json["error"]["code"] == "full"
        return
    with pytest.raises(GatewayError, match="It is full"):
        answered(shape, body, answer, at_once=at_once)


@both
def test_an_error_names_what_the_client_sent(*, at_once: bool) -> None:
    answer = error_reply(400, "Too long.", param="messages[0].content", code="string_too_long")
    with pytest.raises(GatewayError) as failure:
        answered(Shape.COMPLETIONS, PROMPT, answer, at_once=at_once)
    assert (failure.value.param, failure.value.code) == ("prompt", "string_too_long")


@both
@pytest.mark.parametrize("page", [b"<html>", b"[]", b"<html>" * 1000])
def test_an_answer_that_is_none_is_an_upstream_error(page: bytes, *, at_once: bool) -> None:
    answer = FakeReply(200, ((b"content-type", b"text/html"),), (page,))
    with pytest.raises(UpstreamError):
        answered(Shape.COMPLETIONS, PROMPT, answer, at_once=at_once)


def test_an_answer_that_is_cut_off_is_not_an_answer() -> None:
    answer = FakeReply(200, pieces=(b'{"object":',), error=TruncatedStream("cut"))
    with pytest.raises(TruncatedStream):
        answered(Shape.COMPLETIONS, PROMPT, answer, at_once=False)
    assert answer.closed


@both
def test_a_refused_plain_request_is_reported_elsewhere(*, at_once: bool) -> None:
    def server(call: UpstreamCall) -> Answer:
        if call.path == "/chat/completions":
            refusal = "This model is only supported in v1/responses and not in v1/chat/completions."
            return as_it_comes(error_reply(404, refusal, param="model"), at_once=at_once)
        reply = json_reply(
            {
                "id": "resp_1",
                "object": "response",
                "status": "completed",
                "output": [
                    {"type": "reasoning", "summary": []},
                    {"type": "message", "content": [{"type": "output_text", "text": "There."}]},
                ],
                "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            }
        )
        return as_it_comes(reply, at_once=at_once)

    scene = Scene(server)

    async def twice() -> list[Any]:
        body = {**PROMPT, "max_tokens": 100}
        return [await scene.call(Shape.COMPLETIONS, body) for _ in range(2)]

    first, second = asyncio.run(twice())
    assert first.json["choices"][0]["text"] == second.json["choices"][0]["text"] == "There."
    assert second.decision.attempts == 1
    assert second.decision.translation == "from=completions; to=responses"
