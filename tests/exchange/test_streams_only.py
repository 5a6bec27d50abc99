"""Servers that refuse whole replies: the gateway asks them for a stream, and folds it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.stream.messages.message_events import events_of
from tests import kinds
from tests.exchange.scene import Scene, chat_chunk, completion
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply, stream_reply
from tests.translate.messages_upstreams import message, text

SAID = (
    "This model only support stream mode, please enable the stream parameter to access the model. ",
    "parameter.enable_thinking must be set to false for non-streaming calls",
    "Requests with max_tokens > 4096 must have stream=true",
)
USAGE: Json = {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
_CUT = {"finish_reason": None, "index": 0, "logprobs": None}
STREAMS: Mapping[Shape, list[Json]] = {
    Shape.COMPLETIONS: [
        completion(choices=[{**_CUT, "text": "Hel"}], usage=None),
        completion(choices=[{**_CUT, "text": "lo", "finish_reason": "stop"}], usage=None),
        completion(choices=[], **USAGE),
    ],
    Shape.CHAT: [
        chat_chunk("Hel"),
        chat_chunk("lo", "stop"),
        {**chat_chunk(), "choices": [], **USAGE},
    ],
    Shape.RESPONSES: [
        {"type": "response.completed", "response": REPLIES[Shape.RESPONSES.path]},
    ],
    Shape.MESSAGES: list(events_of(message(text("Hello")))),
}
PAIRS = [(client, home) for client in Shape for home in Shape]


class StreamsOnly:
    """Answers with streams, and refuses to do anything else."""

    def __init__(
        self, home: Shape, said: str, more: Answer | None = None, status: int = 400
    ) -> None:
        self.home = home
        self.said = said
        self.more = more
        self.status = status

    def __call__(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        if sent(call).get("stream") is not True:
            fault = {"type": "internal_server_error"} if self.status == 500 else {}
            return error_reply(self.status, self.said, code="invalid_parameter_error", **fault)
        if self.more is not None and "stream_options" in sent(call):
            return self.more
        return stream_reply(*STREAMS[self.home], done=self.home is not Shape.MESSAGES)


def scene(server: StreamsOnly, *, fast: bool = True, model: str | None = None) -> Scene:
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
    rules = (ModelRule("m", model=model, endpoints=(server.home,)),)
    return Scene(server, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


def usage_in(reply: Any) -> tuple[int, int]:
    usage = reply["usage"]
    names = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")
    first, second = (next(usage[name] for name in pair if name in usage) for pair in names)
    return first, second


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("model", [None, "sent"])
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_whole_reply_is_folded_from_the_stream_that_the_server_demands(
    client: Shape, home: Shape, said: str, model: str | None, *, fast: bool
) -> None:
    async def scenario() -> None:
        stage = scene(StreamsOnly(home, said), fast=fast, model=model)
        body = {"model": "m", **ASKED[client], "enable_thinking": True}
        first = await stage.call(client, body)
        assert first.reply.status == 200
        assert first.json["model"] == "m"
        assert b"Hello" in first.body
        assert all(usage_in(first.json))
        assert first.decision.attempts == 2
        assert "emulated=stream" in first.decision.translation
        asked = stage.network.bodies()[-1]
        assert asked["enable_thinking"] is True
        options = {"include_usage": True} if home in (Shape.CHAT, Shape.COMPLETIONS) else None
        assert asked.get("stream_options") == options
        # It is known from then on.
        stage.clock.advance(2)
        again = await stage.call(client, {**body, "stream": False})
        assert again.decision.attempts == 1
        assert again.json["model"] == "m"
        assert again.decision.translation == first.decision.translation
        # A stream is what it was.
        streamed = await stage.call(client, {**body, "stream": True})
        assert streamed.decision.attempts == 1
        assert b"Hel" in streamed.body
        assert "emulated" not in streamed.decision.translation

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [404, 405, 422, 501])
@pytest.mark.parametrize("said", ["Only streams are supported", *SAID])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_whatever_its_status_a_refusal_of_whole_replies_is_acted_on(
    client: Shape, home: Shape, said: str, status: int
) -> None:
    stage = scene(StreamsOnly(home, said, status=status))
    result = stage.generate(client, {"model": "m", **ASKED[client]})
    assert result.reply.status == 200
    assert b"Hello" in result.body
    assert result.decision.attempts == 2


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_status_of_access_limits_or_faults_is_no_such_refusal(status: int) -> None:
    stage = scene(StreamsOnly(Shape.CHAT, SAID[0], status=status))
    result = stage.generate(Shape.CHAT, {"model": "m", **ASKED[Shape.CHAT]})
    assert (result.reply.status, result.decision.attempts) == (status, 1)


@pytest.mark.parametrize("client", Shape)
def test_the_option_for_the_usage_is_left_out_where_it_is_refused(client: Shape) -> None:
    refusal = error_reply(400, "Unknown parameter: 'stream_options'.", param="stream_options")
    stage = scene(StreamsOnly(Shape.CHAT, SAID[0], refusal))
    result = stage.generate(client, {"model": "m", **ASKED[client]})
    assert b"Hello" in result.body
    assert result.decision.attempts == 3
    assert "stream_options" not in stage.network.bodies()[-1]


def test_a_server_that_says_so_of_a_stream_is_asked_once_more_at_most() -> None:
    stage = scene(StreamsOnly(Shape.CHAT, SAID[0], error_reply(400, SAID[0])))
    result = stage.generate(Shape.CHAT, {"model": "m", **ASKED[Shape.CHAT]})
    assert result.reply.status == 400
    assert result.decision.attempts == 2
