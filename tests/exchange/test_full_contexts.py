"""Limits of replies that do not fit beside the prompt."""

import asyncio

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_chunk, chat_completion
from tests.exchange.test_messages_homes import ANTHROPIC, ASKED, CLIENTS
from tests.exchange.test_retries import OTHER, VLLM, sent
from tests.fakes import Answer, error_reply, json_reply, stream_reply
from tests.translate.messages_upstreams import error_event, message, text

CONTEXT = 200_000
LIMITS: dict[Shape, str] = dict.fromkeys(CLIENTS, "max_tokens")
LIMITS[Shape.RESPONSES] = "max_output_tokens"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_limit_is_lowered_to_the_room_that_anthropic_names(
    client: Shape, *, stream: bool
) -> None:
    prompt = 180_000

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        limit = sent(call)["max_tokens"]
        if prompt + limit <= CONTEXT:
            return json_reply(message(text("Hi")))
        said = (
            f"input length and `max_tokens` exceed context limit: {prompt} + {limit} > {CONTEXT}, "
            "decrease input length or `max_tokens` and try again"
        )
        return json_reply(error_event("invalid_request_error", said), 400)

    def asked(limit: int) -> Json:
        return {"model": "m", "stream": stream, **ASKED[client], LIMITS[client]: limit}

    async def scenario() -> None:
        nonlocal prompt
        scene = Scene(answer, ANTHROPIC, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
        for prompt, limit, attempts in ((180_000, 32_000, 2), (150_000, 64_000, 2), (9, 90, 1)):
            result = await scene.call(client, asked(limit))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert scene.network.bodies()[-1]["max_tokens"] == min(limit, CONTEXT - prompt)
            lowered = f"changed={LIMITS[client]}:{limit}->{CONTEXT - prompt}"
            assert (lowered in result.decision.translation) == (attempts == 2)
        prompt = CONTEXT - 100
        with pytest.raises(UpstreamError) as refused:
            await scene.call(client, asked(32_000))
        assert refused.value.code == "context_length_exceeded"

    asyncio.run(scenario())


WINDOW = 32_768
SGLANG = UpstreamSettings("main", "http://127.0.0.1:30000/v1", kinds.SGLANG)
ASKED_OF_CHAT: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"prompt": "Hi " * 100},
    Shape.RESPONSES: {"input": "Hi " * 100},
    Shape.MESSAGES: {"messages": [{"role": "user", "content": "Hi " * 100}]},
}


def vllm(call: UpstreamCall) -> Answer:
    """Answer as vLLM does since 2026, with a token for each of four characters."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    # DeepInfra's own limit is the whole context.
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or WINDOW
    characters = sum(len(str(each["content"])) for each in body["messages"])
    most = WINDOW - limit
    if most < 0:
        return error_reply(
            400,
            f"max_tokens={limit} cannot be greater than max_model_len=max_total_tokens={WINDOW}. "
            "Please request fewer output tokens. (parameter=max_tokens)",
        )
    begins = f"This model's maximum context length is {WINDOW} tokens. However, you requested "
    if characters > most * 8:
        said = f"{limit} output tokens and your prompt contains {characters} characters"
    elif characters // 4 > most:
        said = (
            f"{limit} output tokens and your prompt contains at least {most + 1} input tokens, for "
            f"a total of at least {WINDOW + 1} tokens."
        )
    else:
        events = chat_chunk("Hi"), chat_chunk(finish="stop")
        return stream_reply(*events) if body.get("stream") else json_reply(chat_completion())
    return error_reply(400, begins + said)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", ASKED_OF_CHAT)
def test_a_limit_of_the_whole_context_costs_one_refused_call_in_all(
    client: Shape, *, stream: bool
) -> None:
    name = "max_output_tokens" if client is Shape.RESPONSES else "max_tokens"

    async def scenario() -> None:
        scene = Scene(vllm, VLLM, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
        asked = {"model": "m", "stream": stream, **ASKED_OF_CHAT[client]}
        for limit, attempts in ((64_000, 2), (32_768, 1), (128_000, 1), (4096, 1)):
            result = await scene.call(client, {**asked, name: limit})
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            body = scene.network.bodies()[-1]
            had = body.get("max_completion_tokens") or body["max_tokens"]
            assert had == limit if limit == 4096 else 31_000 < had < WINDOW - 75
            changed = f"changed={name}:{limit}->{had}"
            assert (changed in result.decision.translation) == (limit != 4096)

    asyncio.run(scenario())


@pytest.mark.parametrize("words", [10_000, 20_000, 27_000])
@pytest.mark.parametrize("client", ASKED_OF_CHAT)
def test_a_long_prompt_that_is_not_counted_leaves_room_for_a_reply(
    client: Shape, words: int
) -> None:
    name = "max_output_tokens" if client is Shape.RESPONSES else "max_tokens"
    field, value = next(iter(ASKED_OF_CHAT[client].items()))
    text = "word" * words
    prompt = text if isinstance(value, str) else [{"role": "user", "content": text}]

    async def scenario() -> None:
        scene = Scene(vllm, VLLM, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
        for limit, attempts in ((32_000, 2), (32_000, 2), (64_000, 2), (64_000, 1)):
            asked = {"model": "m", field: prompt, name: limit}
            result = await scene.call(client, asked)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert f"{name}:{limit}->4096" in result.decision.translation

    asyncio.run(scenario())


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_where_the_servers_own_limit_is_the_whole_context_one_is_sent(
    *, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        rules = (ModelRule("m", endpoints=(Shape.CHAT,)),)
        scene = Scene(vllm, OTHER, rules=rules, performance=PerformanceSettings(fast_paths=fast))
        asked = {"model": "m", "stream": stream, **ASKED_OF_CHAT[Shape.RESPONSES]}
        for attempts in (2, 1):
            result = await scene.call(Shape.RESPONSES, asked)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            had = scene.network.bodies()[-1]["max_tokens"]
            assert 31_000 < had < WINDOW - 75
            assert f"changed=max_output_tokens:none->{had}" in result.decision.translation
        given = await scene.call(Shape.RESPONSES, {**asked, "max_output_tokens": 500})
        assert "changed" not in given.decision.translation
        own = await scene.call(
            Shape.CHAT, {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        )
        assert own.reply.status == 400

    asyncio.run(scenario())


def sglang(call: UpstreamCall) -> Answer:
    """Answer as SGLang with a context of its own, and a token for each of four characters."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    limit = body.get("max_completion_tokens") or body["max_tokens"]
    prompt = sum(len(str(each["content"])) for each in body["messages"]) // 4
    if limit > WINDOW:
        return error_reply(
            400,
            f"max_completion_tokens is too large: {limit}.This model supports at most {WINDOW} "
            "completion tokens.",
        )
    if prompt + limit > WINDOW:
        return error_reply(
            400,
            f"Requested token count exceeds the model's maximum context length of {WINDOW} tokens. "
            f"You requested a total of {prompt + limit} tokens: {prompt} tokens from the input "
            f"messages and {limit} tokens for the completion. Please reduce the number of tokens.",
        )
    return json_reply(chat_completion())


@pytest.mark.parametrize("client", ASKED_OF_CHAT)
def test_where_the_server_counts_a_long_prompt_gets_all_that_is_left(client: Shape) -> None:
    name = "max_output_tokens" if client is Shape.RESPONSES else "max_tokens"
    field, value = next(iter(ASKED_OF_CHAT[client].items()))
    text = "word" * 10_000
    long = text if isinstance(value, str) else [{"role": "user", "content": text}]

    async def scenario() -> None:
        scene = Scene(sglang, SGLANG, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
        steps = ((long, 64_000, 3), (long, 64_000, 2), (value, 64_000, 1), (value, 4000, 1))
        for prompt, limit, attempts in steps:
            result = await scene.call(client, {"model": "m", field: prompt, name: limit})
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            body = scene.network.bodies()[-1]
            had = body.get("max_completion_tokens") or body["max_tokens"]
            left = WINDOW - 10_000 if prompt is long else min(limit, WINDOW - 75)
            assert left - 1000 < had <= left
            assert had == left or prompt is value

    asyncio.run(scenario())
