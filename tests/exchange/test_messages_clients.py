"""Clients of `/v1/messages`: untouched at home, and led to the endpoint that a model has."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UpstreamError
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from gateway.translate.stream.messages.message_events import events_of
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.exchange.test_retries import ASKED, OTHER, REPLIES, generation_paths, no_route
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.messages_upstreams import error_event, message, text

ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
HOME = "/messages"
MESSAGES = Shape.MESSAGES


def asked(model: str = "m", **more: Any) -> Json:
    return {"model": model, **ASKED[Shape.MESSAGES], **more}


def at(*paths: str) -> Any:
    """Return a server that has these routes, and no others."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method != "POST" or call.path not in paths:
            return no_route(call)
        is_home = call.path == HOME
        return json_reply(message(text("Hi")) if is_home else REPLIES[call.path])

    return answer


def test_a_missing_route_is_learned_for_all_models_of_an_upstream() -> None:
    async def scenario() -> None:
        scene = Scene(at("/chat/completions"), OTHER)
        await scene.call(Shape.MESSAGES, asked("one"))
        assert generation_paths(scene) == [HOME, "/responses", "/chat/completions"]
        scene.network.calls.clear()
        result = await scene.call(Shape.MESSAGES, asked("two"))
        assert generation_paths(scene) == ["/chat/completions"]
        (piece,) = [each for each in result.decision.evidence if each.source == "default"]
        assert "/v1/chat/completions, which keeps most, is tried first" in piece.detail
        scene.network.calls.clear()
        # It may be there again by now, and this is what its own clients ask for.
        await scene.call(Shape.RESPONSES, {"model": "four", "input": "Hi"})
        assert generation_paths(scene)[0] == "/responses"
        scene.clock.advance(101)
        scene.network.calls.clear()
        await scene.call(Shape.MESSAGES, asked("three"))
        assert generation_paths(scene)[0] == HOME

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("page", ["<html>404</html>", "<html><p>Site under way</p></html>", ""])
def test_any_page_without_json_at_messages_is_a_missing_route(page: str, status: int) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == HOME:
            return FakeReply(status, ((b"content-type", b"text/html"),), (page.encode(),))
        reply: Answer = at("/chat/completions")(call)
        return reply

    async def scenario() -> None:
        scene = Scene(answer, OTHER)
        result = await scene.call(Shape.MESSAGES, asked("one"))
        assert result.reply.status == 200
        assert generation_paths(scene)[::2] == [HOME, "/chat/completions"]
        scene.network.calls.clear()
        await scene.call(Shape.MESSAGES, asked("two"))
        assert generation_paths(scene) == ["/chat/completions"]

    asyncio.run(scenario())


def test_a_server_with_few_routes_that_come_and_go_keeps_one_to_try() -> None:
    async def scenario() -> None:
        scene = Scene(at("/completions"), OTHER)
        await scene.call(Shape.MESSAGES, asked("one"))
        scene.network.answer = at("/chat/completions")
        await scene.call(Shape.MESSAGES, asked("one"))
        scene.network.calls.clear()
        assert (await scene.call(Shape.MESSAGES, asked("two"))).reply.status == 200
        assert generation_paths(scene) == ["/chat/completions"]

    asyncio.run(scenario())


def test_nothing_is_learned_of_a_route_where_nothing_answers() -> None:
    async def scenario() -> None:
        scene = Scene(at(), OTHER)
        for _ in range(2):
            scene.network.calls.clear()
            with pytest.raises(UpstreamError, match="has no endpoint at /v1/messages and"):
                await scene.call(Shape.MESSAGES, asked())
            assert generation_paths(scene)[0] == HOME

    asyncio.run(scenario())


def test_a_configured_messages_url_is_always_tried() -> None:
    async def scenario() -> None:
        beside = UpstreamSettings(
            "main", "http://127.0.0.1:8000/v1", kinds.DEEPSEEK, messages_url="http://a/v1"
        )
        scene = Scene(at(HOME, "/chat/completions"), beside)
        result = await scene.call(Shape.MESSAGES, asked())
        assert result.decision.endpoint == "/v1/messages"
        assert generation_paths(scene) == [HOME]
        # Without one, such a server has no such route.
        plain = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.DEEPSEEK)
        scene = Scene(at(HOME, "/chat/completions"), plain)
        await scene.call(Shape.MESSAGES, asked())
        assert HOME not in generation_paths(scene)

    asyncio.run(scenario())


REFUSAL = error_event("invalid_request_error", "zzz: Extra inputs are not permitted")
LIMIT = error_event(
    "invalid_request_error",
    "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for m",
)


TURNS: list[Json] = [
    {"role": "user", "content": "Hi"},
    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
]
RETOLD = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Hi"},
            {"type": "text", "text": "<system>\nBe brief.\n</system>"},
        ],
    }
]


def takes_only_users(call: UpstreamCall) -> Answer:
    """Answer as DeepSeek does."""
    if call.method != "POST":
        return no_route(call)
    assert isinstance(call.body, bytes)
    roles = [turn["role"] for turn in msgspec.json.decode(call.body)["messages"]]
    if "system" in roles:
        words = "messages.1.role: unknown variant `system`, expected `user` or `assistant`"
        return json_reply(error_event("invalid_request_error", words), 400)
    return json_reply(message(text("Hi")))


def test_a_system_message_that_is_refused_at_home_becomes_the_users() -> None:
    async def scenario() -> None:
        scene = Scene(takes_only_users, ANTHROPIC)
        for attempts in (2, 1):
            result = await scene.call(Shape.MESSAGES, asked(messages=TURNS))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert result.decision.translation.endswith("changed=role:system->user")
            assert scene.network.bodies()[-1]["messages"] == RETOLD
        # The server has no such role, whatever the model.
        other = await scene.call(Shape.MESSAGES, asked("other", messages=TURNS))
        assert other.decision.attempts == 1
        raw = msgspec.json.format(msgspec.json.encode(asked()))
        await scene.call(Shape.MESSAGES, raw)
        assert scene.network.calls[-1].body == raw

    asyncio.run(scenario())


def test_a_template_that_refuses_system_messages_is_one_models() -> None:
    def answer(call: UpstreamCall) -> Answer:
        reply = takes_only_users(call)
        if isinstance(reply, FakeReply) and reply.status == 400:
            words = "System message must be at the beginning."
            return json_reply(error_event("invalid_request_error", words), 400)
        return reply

    async def scenario() -> None:
        scene = Scene(answer, ANTHROPIC)
        for model, attempts in (("one", 2), ("one", 1), ("two", 2)):
            result = await scene.call(Shape.MESSAGES, asked(model, messages=TURNS))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)

    asyncio.run(scenario())


@pytest.mark.parametrize("late_system", ["user", "hoist", "keep", "auto"])
def test_late_system_holds_at_home_too(late_system: Any) -> None:
    settings = TranslationSettings(late_system=late_system)
    scene = Scene(at(HOME), ANTHROPIC, translation=settings)
    raw = msgspec.json.format(msgspec.json.encode(asked(messages=TURNS)))
    result = scene.generate(Shape.MESSAGES, raw)
    sent = scene.network.bodies()[-1]
    if late_system in ("keep", "auto"):
        assert scene.network.calls[-1].body == raw
        return
    assert "changed=role:system->" in result.decision.translation
    if late_system == "user":
        assert sent["messages"] == RETOLD
    else:
        assert (sent["messages"], sent["system"]) == (TURNS[:1], TURNS[1]["content"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context_management", {"edits": []}),
        ("metadata", {"user_id": "u"}),
        ("output_config.effort", "high"),
    ],
)
def test_a_hint_that_is_refused_at_home_is_left_out(name: str, value: object) -> None:
    outer, _, inner = name.partition(".")

    def answer(call: UpstreamCall) -> Answer:
        if call.method != "POST":
            return no_route(call)
        assert isinstance(call.body, bytes)
        if outer in msgspec.json.decode(call.body):
            words = f"{name}: Extra inputs are not permitted"
            return json_reply(error_event("invalid_request_error", words), 400)
        return json_reply(message(text("Hi")))

    scene = Scene(answer, ANTHROPIC)
    given: Json = {outer: {inner: value} if inner else value}
    body = asked(**given)
    result = scene.generate(Shape.MESSAGES, body)
    assert (result.reply.status, result.decision.attempts) == (200, 2)
    assert f"dropped={name}" in result.decision.translation


def takes_no_sampling(call: UpstreamCall) -> Answer:
    """Answer as Anthropic's newest models do."""
    if call.method != "POST":
        return no_route(call)
    assert isinstance(call.body, bytes)
    body = msgspec.json.decode(call.body)
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            words = f"`{name}` is deprecated for this model."
            return json_reply(error_event("invalid_request_error", words), 400)
    if body.get("stream"):
        return stream_reply(*events_of(message(text("Hi"))), done=False)
    return json_reply(message(text("Hi")))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "given", [{"temperature": 0}, {"top_k": 40}, {"temperature": 0.7, "top_p": 0.9}]
)
def test_sampling_parameters_that_are_refused_at_home_are_left_out(
    given: Json, stream: bool
) -> None:
    async def scenario() -> None:
        rule = ModelRule("alias", model="m")
        scene = Scene(takes_no_sampling, ANTHROPIC, rules=(rule,))
        for model, attempts in (("m", 1 + len(given)), ("m", 1), ("alias", 1)):
            result = await scene.call(Shape.MESSAGES, asked(model, **given, stream=stream))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert f"dropped={','.join(given)}" in result.decision.translation
        # Where there is nothing to leave out, the request is passed on as it is.
        raw = msgspec.json.format(msgspec.json.encode(asked(stream=stream)))
        await scene.call(Shape.MESSAGES, raw)
        assert scene.network.calls[-1].body == raw

    asyncio.run(scenario())


def test_so_are_those_that_another_client_has_had_refused() -> None:
    async def scenario() -> None:
        scene = Scene(takes_no_sampling, ANTHROPIC, rules=(ModelRule("m", endpoints=(MESSAGES,)),))
        chat = {"model": "m", **ASKED[Shape.CHAT], "temperature": 0.5}
        assert (await scene.call(Shape.CHAT, chat)).decision.attempts == 2
        result = await scene.call(MESSAGES, asked(temperature=0.5))
        assert (result.reply.status, result.decision.attempts) == (200, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "words",
    [
        "`temperature` may only be set to 1 when thinking is enabled.",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        "temperature: Input should be less than or equal to 1",
    ],
)
def test_a_value_that_does_not_fit_the_request_is_the_clients_to_change(words: str) -> None:
    refusal = error_event("invalid_request_error", words)
    scene = Scene(lambda _: json_reply(refusal, 400), ANTHROPIC)
    result = scene.generate(MESSAGES, asked(temperature=0.5, top_p=0.9))
    assert (result.reply.status, result.json) == (400, refusal)
    assert len(generation_paths(scene)) == 1


@pytest.mark.parametrize("refusal", [REFUSAL, LIMIT])
def test_refusals_at_home_are_the_clients_to_act_upon(refusal: Json) -> None:
    body = asked(zzz=1, max_tokens=32_000)
    scene = Scene(lambda _: json_reply(refusal, 400), ANTHROPIC)
    result = scene.generate(Shape.MESSAGES, body)
    assert (result.reply.status, result.json) == (400, refusal)
    assert len(generation_paths(scene)) == 1


@pytest.mark.parametrize("refusal", [REFUSAL, LIMIT])
def test_what_other_clients_have_taught_does_not_touch_a_request_at_home(refusal: Json) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return no_route(call)
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        too_much = body.get("zzz") if refusal is REFUSAL else body["max_tokens"] > 8192
        return json_reply(refusal, 400) if too_much else json_reply(message(text("Hi")))

    async def scenario() -> None:
        rule = ModelRule("m", endpoints=(Shape.MESSAGES,))
        scene = Scene(answer, ANTHROPIC, rules=(rule,))
        chat = {"model": "m", **ASKED[Shape.CHAT], "zzz": 1, "max_tokens": 32_000}
        taught = await scene.call(Shape.CHAT, chat)
        assert (taught.reply.status, taught.decision.attempts) == (200, 2)
        again = await scene.call(Shape.CHAT, chat)
        assert (again.reply.status, again.decision.attempts) == (200, 1)
        raw = msgspec.json.encode(asked(zzz=1, max_tokens=32_000))
        result = await scene.call(Shape.MESSAGES, raw)
        assert result.reply.status == 400
        assert scene.network.calls[-1].body == raw

    asyncio.run(scenario())


def test_a_limit_is_lowered_for_translated_requests_only() -> None:
    too_large = (
        "max_tokens is too large: 32000. This model supports at most 4096 completion tokens, "
        "whereas you provided 32000."
    )

    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        if body.get("max_completion_tokens", body.get("max_tokens")) > 4096:
            return error_reply(400, too_large, param="max_tokens")
        return json_reply(REPLIES["/chat/completions"])

    async def scenario() -> None:
        rule = ModelRule("m", endpoints=(Shape.CHAT,))
        scene = Scene(answer, OTHER, rules=(rule,))
        for attempts in (2, 1):
            result = await scene.call(Shape.MESSAGES, asked(max_tokens=32_000))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert "changed=max_tokens:32000->4096" in result.decision.translation
        raw = msgspec.json.encode({"model": "m", **ASKED[Shape.CHAT], "max_tokens": 32_000})
        own = await scene.call(Shape.CHAT, raw)
        assert (own.reply.status, own.decision.attempts) == (400, 1)
        assert scene.network.calls[-1].body == raw

    asyncio.run(scenario())


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-fable-5", "claude-x"])
def test_what_a_model_is_known_not_to_take_is_sent_at_home_all_the_same(model: str) -> None:
    body = asked(
        model,
        temperature=0.5,
        top_p=0.5,
        thinking={"type": "enabled", "budget_tokens": 1024},
        output_config={"effort": "max"},
        stop_sequences=["a", "b", "c", "d", "e"],
        unknown={"a": [1]},
    )
    raw = msgspec.json.format(msgspec.json.encode(body))
    scene = Scene(at(HOME), ANTHROPIC)
    result = scene.generate(Shape.MESSAGES, raw)
    assert result.reply.status == 200
    assert scene.network.calls[-1].body == raw
    assert result.decision.translation in ("", "none")


SESSIONS: list[RawHeaders] = [ALICE, (*ALICE, (b"x-claude-code-session-id", b"s-1"))]


def test_a_session_has_a_key_for_the_cache() -> None:
    keys = []
    rule = ModelRule("m", endpoints=(Shape.RESPONSES,))
    for headers in (*SESSIONS, SESSIONS[1]):
        openai = UpstreamSettings("main", "https://api.openai.com/v1", kinds.OPENAI)
        scene = Scene(at("/responses"), openai, rules=(rule,))
        scene.generate(Shape.MESSAGES, asked(), headers=headers)
        keys.append(scene.network.bodies()[-1]["prompt_cache_key"])
    assert keys[0] != keys[1] == keys[2]
    assert "s-1" not in keys[1]


def test_a_base_model_is_found_at_completions() -> None:
    no_template = (
        "As of transformers v4.44, default chat template is no longer allowed, so you must provide "
        "a chat template if the tokenizer does not define one."
    )

    def answer(call: UpstreamCall) -> Answer:
        if call.path == HOME:
            return json_reply(error_event("BadRequestError", no_template), 400)
        return at("/completions")(call)  # type: ignore[no-any-return]

    scene = Scene(answer, OTHER)
    result = scene.generate(Shape.MESSAGES, asked())
    assert generation_paths(scene) == [HOME, "/completions"]
    assert result.json["type"] == "message"


def overflow(prompt: int, limit: int) -> str:
    return (
        f"This model's maximum context length is 16385 tokens. However, you requested "
        f"{prompt + limit} tokens ({prompt} in the messages, {limit} in the completion)."
    )


def test_a_limit_is_lowered_to_the_room_beside_each_prompt() -> None:
    """Pydantic AI always asks for 16,384 tokens of a model that it does not know."""
    prompt = 6

    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        if limit > 16_384:
            said = f"max_tokens is too large: {limit}. This model supports at most 16384 tokens"
            return error_reply(400, said, param="max_tokens")
        if prompt + limit > 16_385:
            said = overflow(prompt, limit)
            return error_reply(400, said, param="messages", code="context_length_exceeded")
        return json_reply(REPLIES["/chat/completions"])

    async def scenario() -> None:
        nonlocal prompt
        rule = ModelRule("m", endpoints=(Shape.CHAT,))
        scene = Scene(answer, OTHER, rules=(rule,))
        for prompt, limit, attempts in ((6, 32_000, 3), (6, 16_384, 2), (900, 16_384, 2)):
            result = await scene.call(Shape.MESSAGES, asked(max_tokens=limit))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            changed = f"changed=max_tokens:{limit}->{16_385 - prompt}"
            assert changed in result.decision.translation
        fitting = await scene.call(Shape.MESSAGES, asked(max_tokens=1000))
        assert fitting.decision.attempts == 1
        assert "changed" not in fitting.decision.translation
        prompt = 16_000
        with pytest.raises(UpstreamError) as refused:
            await scene.call(Shape.MESSAGES, asked(max_tokens=1000))
        assert refused.value.code == "context_length_exceeded"
        raw = msgspec.json.encode({"model": "m", **ASKED[Shape.CHAT], "max_tokens": 16_384})
        prompt = 6
        own = await scene.call(Shape.CHAT, raw)
        assert (own.reply.status, own.decision.attempts) == (400, 1)

    asyncio.run(scenario())
