"""Servers that refuse streams: the gateway asks for a whole reply, and makes a stream of it."""

import asyncio

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, sent
from tests.exchange.test_retries import REPLIES as OF_OTHERS
from tests.fakes import Answer, error_reply, json_reply
from tests.translate.chat_via_responses.cases import message, response, text
from tests.translate.what_clients_see import stream_seen

UNVERIFIED = (
    "Your organization must be verified to stream this model. Please go to: "
    "https://platform.openai.com/settings/organization/general and click on Verify Organization."
)
SAID = (
    UNVERIFIED,
    "Unsupported value: 'stream' does not support true with this model. Supported values are: f",
    "This model does not support streaming",
    "Streaming is not supported with this model.",
)
WITH_TOOLS = "This model doesn't support tool use in streaming mode."
REPLIES = {**OF_OTHERS, Shape.RESPONSES.path: response(message(text("Hello")))}
PAIRS = [(client, home) for client in Shape for home in Shape]
TOOL: Json = {"name": "f", "parameters": {"type": "object"}}
TOOLS: dict[Shape, Json] = {
    Shape.CHAT: {"tools": [{"type": "function", "function": TOOL}]},
    Shape.RESPONSES: {"tools": [{"type": "function", **TOOL}]},
    Shape.MESSAGES: {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
}


class Unstreamed:
    """Answers whole, and refuses streams, all or those with tools."""

    def __init__(self, said: str, *, only_with_tools: bool = False) -> None:
        self.said = said
        self.only_with_tools = only_with_tools

    def __call__(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        body = sent(call)
        assert body.get("stream") is True or "stream_options" not in body
        if body.get("stream") is True and ("tools" in body or not self.only_with_tools):
            return error_reply(400, self.said, param="stream", code="unsupported_value")
        return json_reply(REPLIES[call.path])


def scene(server: Unstreamed, home: Shape, *, fast: bool = True, model: str | None = None) -> Scene:
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
    rules = (ModelRule("m", model=model, endpoints=(home,)),)
    return Scene(server, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("model", [None, "sent"])
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_stream_is_made_of_the_whole_reply_that_the_server_gives(
    client: Shape, home: Shape, said: str, model: str | None, *, fast: bool
) -> None:
    async def scenario() -> None:
        stage = scene(Unstreamed(said), home, fast=fast, model=model)
        options = {} if client is Shape.MESSAGES else {"stream_options": {"include_usage": True}}
        if client is Shape.RESPONSES:
            options = {"stream_options": {"include_obfuscation": False}}
        body = {"model": "m", **ASKED[client], "stream": True, **options}
        for attempts in (2, 1):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert dict(result.reply.headers)[b"content-type"].startswith(b"text/event-stream")
            (choice,) = stream_seen(client, result)
            assert str(choice).startswith("says 'Hello'; finish: ")
            assert "emulated=stream" in result.decision.translation
            stage.clock.advance(2)
        # A whole reply is what it was.
        whole = await stage.call(client, {"model": "m", **ASKED[client]})
        assert whole.decision.attempts == 1
        assert b"Hello" in whole.body
        assert "stream" not in whole.decision.translation

    asyncio.run(scenario())


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("home", list(Shape))
@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.CHAT])
def test_its_chunks_are_those_of_openais_own(client: Shape, home: Shape, *, wanted: bool) -> None:
    async def scenario() -> None:
        stage = scene(Unstreamed(SAID[0]), home, model="sent")
        options = {"stream_options": {"include_usage": True}} if wanted else {}
        result = await stage.call(
            client, {"model": "m", **ASKED[client], "stream": True, **options}
        )
        *chunks, done = result.events
        assert done == "[DONE]"
        assert all(("usage" in chunk) is wanted for chunk in chunks)
        if wanted:
            assert chunks[-1]["choices"] == []
            assert chunks.pop()["usage"]["total_tokens"]
        assert not any(chunk.get("usage") for chunk in chunks)
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * len(choices[:-1])
        assert choices[-1]["finish_reason"] == "stop"
        if client is Shape.CHAT:
            first, second, last = (choice["delta"] for choice in choices)
            assert first == {"role": "assistant", "content": "", "refusal": None}
            assert (second, last) == ({"content": "Hello"}, {})

    asyncio.run(scenario())


@pytest.mark.parametrize("client", TOOLS)
@pytest.mark.parametrize("home", TOOLS)
def test_streams_that_are_refused_with_tools_remain_without(client: Shape, home: Shape) -> None:
    async def scenario() -> None:
        stage = scene(Unstreamed(WITH_TOOLS, only_with_tools=True), home)
        body = {"model": "m", **ASKED[client], "stream": True}
        for _ in range(2):
            result = await stage.call(client, {**body, **TOOLS[client]})
            assert (result.reply.status, result.decision.attempts) == (200, 2)
            assert str(stream_seen(client, result)[0]).startswith("says 'Hello'")
            assert (await stage.call(client, body)).decision.attempts == 1
            assert sent(stage.network.calls[-1])["stream"] is True

    asyncio.run(scenario())


def test_a_refusal_that_stays_is_the_answer() -> None:
    stage = scene(Unstreamed(UNVERIFIED), Shape.CHAT)
    stage.network.answer = lambda _: error_reply(400, UNVERIFIED, param="stream")
    result = stage.generate(Shape.CHAT, {"model": "m", **ASKED[Shape.CHAT], "stream": True})
    assert (result.reply.status, result.decision.attempts) == (400, 2)


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES])
def test_a_summary_for_which_an_organisation_must_be_verified_is_left_out(client: Shape) -> None:
    said = "Your organization must be verified to generate reasoning summaries. Please go to: x"

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        if "summary" in sent(call).get("reasoning", {}):
            return error_reply(400, said, param="reasoning.summary", code="unsupported_value")
        return json_reply(REPLIES[call.path])

    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
        stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(Shape.RESPONSES,)),))
        thinks: dict[Shape, Json] = {
            Shape.CHAT: {"reasoning_effort": "low"},
            Shape.RESPONSES: {"reasoning": {"effort": "low", "summary": "auto"}},
            Shape.MESSAGES: {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        }
        limit = {"max_tokens": 5000} if client is Shape.MESSAGES else {}
        body = {"model": "m", **ASKED[client], **limit, **thinks[client]}
        first = await stage.call(client, body)
        assert first.reply.status == 200
        assert sent(stage.network.calls[-1])["reasoning"] == {"effort": "low"}
        assert (await stage.call(client, body)).decision.attempts == 1

    asyncio.run(scenario())
