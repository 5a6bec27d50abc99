"""Limits of replies that do not fit beside the prompt."""

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.parts.messages.errors import messages_error
from tests import kinds
from tests.exchange.scene import Scene, chat_chunk, chat_completion
from tests.exchange.test_messages_homes import ANTHROPIC, ASKED, CLIENTS, streamed
from tests.exchange.test_retries import ASKED as OF_ALL
from tests.exchange.test_retries import OTHER, VLLM, sent
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.messages_upstreams import error_event, events_of, message, text

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


OF_MESSAGES: Json = {"max_tokens": 32_000, "messages": [{"role": "user", "content": "Hi"}]}
OWN = ModelRule("m", endpoints=(Shape.MESSAGES,))


def at_messages(
    answer: Callable[[UpstreamCall], Answer], *, caught: bool
) -> Callable[[UpstreamCall], Answer]:
    """Return a server of the same kind that has `/v1/messages`.

    `caught` is whether it makes faults of its refusals there, as vLLM 0.27 does.
    """

    def of_messages(call: UpstreamCall) -> Answer:
        reply = answer(call)
        if call.method == "GET" or not isinstance(reply, FakeReply):
            return reply
        if reply.status != 200:
            words = msgspec.json.decode(b"".join(reply.pieces))["error"]["message"]
            return json_reply(error_event("internal_error", words), 500) if caught else reply
        said = message(text("Hi"))
        return streamed(events_of(said)) if sent(call).get("stream") else json_reply(said)

    return of_messages


@pytest.mark.parametrize("caught", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("server", "upstream", "steps"),
    [
        (vllm, VLLM, ((300, 64_000, 2), (300, 32_768, 1), (40_000, 32_000, 2), (300, 4096, 1))),
        (sglang, SGLANG, ((40_000, 64_000, 3), (40_000, 32_000, 2), (300, 64_000, 1))),
    ],
)
def test_limits_are_lowered_at_messages_of_other_servers_than_anthropics(
    server: Callable[[UpstreamCall], Answer],
    upstream: UpstreamSettings,
    steps: tuple[tuple[int, int, int], ...],
    *,
    stream: bool,
    caught: bool,
) -> None:
    async def scenario() -> None:
        scene = Scene(at_messages(server, caught=caught), upstream, rules=(OWN,))
        for length, limit, attempts in steps:
            turns = [{"role": "user", "content": "word" * (length // 4)}]
            asked = {"model": "m", "stream": stream, "max_tokens": limit, "messages": turns}
            result = await scene.call(Shape.MESSAGES, asked)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            had = scene.network.bodies()[-1]["max_tokens"]
            assert (had == limit) == (limit == 4096)
            changed = f"changed=max_tokens:{limit}->{had}"
            assert (changed in (result.decision.translation or "")) == (had != limit)

    asyncio.run(scenario())


TOO_LONG = [
    (
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "prompt is too long: 9000 tokens > 8192 maximum. The input (9000",
    ),
    (
        (
            f"This model's maximum context length is {WINDOW} tokens. However, you requested 32000 "
            "output tokens and your prompt contains 30000 input tokens, for a total of 62000 tokens"
        ),
        f"input length and `max_tokens` exceed context limit: 30000 + 32000 > {WINDOW}. This model",
    ),
]


def refusing(refusal: Json, status: int, _: UpstreamCall) -> Answer:
    return json_reply(refusal, status)


@pytest.mark.parametrize(("said", "shown"), TOO_LONG)
@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("named", ["m", "alias"])
def test_a_prompt_that_is_too_long_is_refused_in_the_words_that_clients_of_messages_know(
    said: str, shown: str, status: int, named: str
) -> None:
    rules = (OWN, ModelRule("alias", "m", endpoints=(Shape.MESSAGES,)))
    for refusal in (error_event("BadRequestError", said), {"error": {"message": said}}):
        scene = Scene(partial(refusing, refusal, status), VLLM, rules=rules)
        with pytest.raises(UpstreamError) as refused:
            scene.generate(Shape.MESSAGES, {**OF_MESSAGES, "model": named})
        body = messages_error(refused.value)["error"]
        assert (refused.value.status, body["type"]) == (400, "invalid_request_error")
        assert body["message"].startswith(shown)


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 9 tokens > 8 maximum",
        f"input length and `max_tokens` exceed context limit: 199000 + 32000 > {CONTEXT}, decrease",
        "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for m",
        "messages: at least one message is required",
    ],
)
@pytest.mark.parametrize("upstream", [ANTHROPIC, VLLM])
def test_anthropics_own_words_reach_its_clients_as_they_are(
    said: str, upstream: UpstreamSettings
) -> None:
    refusal = error_event("invalid_request_error", said)
    scene = Scene(lambda _: json_reply(refusal, 400), upstream, rules=(OWN,))
    asked = {"model": "m", **OF_MESSAGES}
    result = scene.generate(Shape.MESSAGES, asked)
    assert (result.reply.status, result.json, result.decision.attempts) == (400, refusal, 1)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
def test_a_limit_is_lowered_by_what_moonshot_says_is_too_much(
    client: Shape, *, stream: bool
) -> None:
    prompt = 0
    name = "max_output_tokens" if client is Shape.RESPONSES else "max_tokens"

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        limit = next(value for key, value in sent(call).items() if key.startswith("max_"))
        if prompt + limit <= CONTEXT:
            whole = json_reply(chat_completion())
            return stream_reply(chat_chunk("a"), chat_chunk(finish="stop")) if stream else whole
        said = f"exceeded model token limit: {CONTEXT} (requested: {prompt + limit})"
        return error_reply(400, f"Invalid request: Your request {said}")

    def asked(limit: int) -> Json:
        return {"model": "m", "stream": stream, **OF_ALL[client], name: limit}

    async def scenario() -> None:
        nonlocal prompt
        scene = Scene(answer, OTHER, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
        for prompt, limit, attempts in ((180_000, 32_000, 2), (150_000, 64_000, 2), (9, 90, 1)):
            result = await scene.call(client, asked(limit))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            lowered = f"changed={name}:{limit}->{CONTEXT - prompt}"
            assert (lowered in result.decision.translation) == (attempts == 2)
        for rest in (100, -100):
            prompt = CONTEXT - rest
            with pytest.raises(UpstreamError) as refused:
                await scene.call(client, asked(32_000))
            assert refused.value.code == "context_length_exceeded"

    asyncio.run(scenario())


def test_its_own_clients_lower_it_themselves() -> None:
    said = f"Your request exceeded model token limit: {CONTEXT} (requested: {CONTEXT + 1})"
    scene = Scene(
        lambda _: error_reply(400, said),
        OTHER,
        rules=(ModelRule("m", endpoints=(Shape.CHAT,)),),
    )
    result = scene.generate(Shape.CHAT, {"model": "m", **ASKED[Shape.CHAT], "max_tokens": 32_000})
    assert (result.reply.status, result.decision.attempts) == (400, 1)
