"""What follows a refusal: where it is tried next, what is learned, and when it ends."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import (
    InvalidRequest,
    ModelNotFound,
    TruncatedStream,
    UpstreamError,
)
from gateway.exchange.retries import MAX_FIXED
from gateway.servers import Profile
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene, chat_chunk, chat_completion, completion
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.messages_upstreams import message, text

MODEL = "ft-your-gpt35-model"
CHAT_ONLY = (
    "This is a chat model and not supported in the v1/completions endpoint. "
    "Did you mean to use v1/chat/completions?"
)
NOT_CHAT = "This model is only supported in v1/responses and not in v1/chat/completions."
NOT_CHAT_EITHER = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
    "Did you mean to use v1/completions?"
)
MISSING_SCOPE = (
    "You have insufficient permissions for this operation. Missing scopes: api.model.read."
)
ASKED: dict[Shape, dict[str, Any]] = {
    Shape.COMPLETIONS: {"prompt": "Hi"},
    Shape.CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    Shape.RESPONSES: {"input": "Hi"},
    Shape.MESSAGES: {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
}
REPLIES: dict[str, dict[str, Any]] = {
    Shape.COMPLETIONS.path: completion(),
    Shape.CHAT.path: chat_completion(),
    Shape.MESSAGES.path: message(text("Hello")),
    Shape.RESPONSES.path: {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": MODEL,
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    },
}
OPENAI = UpstreamSettings("main", "https://api.openai.com/v1", kinds.OPENAI)
OTHER = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
VLLM = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)


def missing(model: str = MODEL) -> FakeReply:
    text = f"The model `{model}` does not exist or you do not have access to it."
    return error_reply(404, text, code="model_not_found")


def forbidden() -> FakeReply:
    return error_reply(403, MISSING_SCOPE)


def no_route(call: UpstreamCall) -> FakeReply:
    return error_reply(404, f"Invalid URL (POST /v1{call.path})")


class Server:
    """An upstream whose one model lives at `home`; what it says can be changed meanwhile."""

    def __init__(self, home: Shape | None, metadata: Callable[[], FakeReply] = forbidden) -> None:
        self.home = home
        self.metadata = metadata
        self.elsewhere: Callable[[UpstreamCall], Answer] = lambda _: missing()
        self.at_home: Callable[[UpstreamCall], Answer] = lambda call: json_reply(REPLIES[call.path])

    def __call__(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return self.metadata()
        if self.home is not None and call.path == self.home.path:
            return self.at_home(call)
        return self.elsewhere(call)


def listed(*models: str) -> FakeReply:
    return json_reply({"object": "list", "data": [{"id": name} for name in models]})


def generation_paths(scene: Scene) -> list[str]:
    return [call.path for call in scene.network.calls if call.method == "POST"]


async def ask(scene: Scene, shape: Shape, **more: Any) -> Exchanged:
    return await scene.call(shape, {"model": MODEL, **ASKED[shape], **more})


async def refused(scene: Scene, shape: Shape, **more: Any) -> tuple[ModelNotFound, int]:
    """Return the 404 that a request gets, and how many calls it took."""
    before = len(generation_paths(scene))
    with pytest.raises(ModelNotFound) as raised:
        await ask(scene, shape, **more)
    return raised.value, len(generation_paths(scene)) - before


@pytest.mark.parametrize("home", [shape for shape in Shape if shape is not Shape.MESSAGES])
@pytest.mark.parametrize("client", Shape)
@pytest.mark.parametrize(
    "metadata",
    [
        forbidden,
        listed,
        lambda: error_reply(404, "Not Found"),
        lambda: error_reply(429, "Rate limit reached"),
        lambda: FakeReply(200, (), (b"<html>",)),
    ],
    ids=["restricted", "empty", "no routes", "429", "malformed"],
)
def test_where_nothing_can_be_read_a_denied_model_is_looked_for_at_the_other_endpoints(
    metadata: Callable[[], FakeReply], client: Shape, home: Shape
) -> None:
    async def scenario() -> None:
        scene = Scene(Server(home, metadata), OPENAI)
        first = await ask(scene, client)
        assert b"Hello" in first.body
        assert first.decision.attempts <= 3
        second = await ask(scene, client)
        assert b"Hello" in second.body
        assert second.decision.attempts == 1

    asyncio.run(scenario())


def test_a_name_that_is_nowhere_costs_one_call_from_the_second_time_on() -> None:
    async def scenario() -> None:
        scene = Scene(Server(None), OPENAI)
        error, calls = await refused(scene, Shape.CHAT)
        assert calls == 3
        assert "at /v1/chat/completions, /v1/responses, /v1/completions." in error.message
        assert "the model list could not be read" in error.message
        assert [(await refused(scene, shape))[1] for shape in Shape] == [1, 1, 1, 1]
        scene.clock.advance(11)
        assert (await refused(scene, Shape.CHAT))[1] == 3

    asyncio.run(scenario())


def test_an_absent_name_that_comes_to_be_is_absent_no_more() -> None:
    async def scenario() -> None:
        server = Server(None)
        scene = Scene(server, OPENAI)
        await refused(scene, Shape.CHAT)
        server.home = Shape.COMPLETIONS
        assert (await ask(scene, Shape.COMPLETIONS)).decision.attempts == 1
        assert (await ask(scene, Shape.CHAT)).decision.attempts == 3

    asyncio.run(scenario())


def test_a_list_that_can_be_read_and_lacks_the_name_is_believed() -> None:
    async def scenario() -> None:
        scene = Scene(Server(Shape.CHAT, lambda: listed("another")), OPENAI)
        assert (await refused(scene, Shape.COMPLETIONS))[1] == 1

    asyncio.run(scenario())


def test_a_listed_model_that_every_endpoint_denies_renews_the_list() -> None:
    async def scenario() -> None:
        lists = [listed(MODEL), listed("another")]
        scene = Scene(Server(None, lambda: lists.pop(0) if len(lists) > 1 else lists[0]), VLLM)
        error, calls = await refused(scene, Shape.CHAT)
        assert calls == 3
        assert "in the model list" in error.message
        await asyncio.sleep(0)
        error, calls = await refused(scene, Shape.CHAT)
        assert calls == 1
        assert "not the one model" in error.message
        assert scene.network.paths.count("GET /models") == 2

    asyncio.run(scenario())


def test_an_endpoint_that_cannot_take_the_request_is_left_out_of_a_search() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]

    async def scenario() -> None:
        scene = Scene(Server(None), OPENAI)
        error, calls = await refused(scene, Shape.CHAT, tools=tools)
        assert calls == 2
        assert "/v1/completions" in error.message
        assert "'tools'" in error.message
        # It was not asked everywhere, so it is not known to be absent.
        assert (await refused(scene, Shape.CHAT))[1] == 3

    asyncio.run(scenario())


def refuses(*names: str) -> Callable[[UpstreamCall], Answer]:
    """Refuse parameters one by one, in the words of OpenAI's reasoning models."""

    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        for name in names:
            if f'"{name}"'.encode() in call.body:
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                return error_reply(400, text, param=name, code="unsupported_parameter")
        return json_reply(REPLIES[call.path])

    return answer


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.AZURE, kinds.LITELLM, kinds.VLLM])
def test_fixed_parameters_do_not_count_as_endpoints(kind: Profile) -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.elsewhere = lambda _: error_reply(404, CHAT_ONLY)
        server.at_home = refuses("max_tokens", "temperature", "top_p", "presence_penalty")
        scene = Scene(server, UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind))
        more = {"max_tokens": 5, "temperature": 0.2, "top_p": 0.5, "presence_penalty": 1}
        first = await ask(scene, Shape.COMPLETIONS, **more)
        assert first.json["choices"][0]["text"] == "Hello"
        assert first.decision.attempts == 6
        assert (await ask(scene, Shape.COMPLETIONS, **more)).decision.attempts == 1

    asyncio.run(scenario())


def test_a_parameter_refused_in_the_models_name_shows_that_it_lives_there() -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.elsewhere = lambda _: error_reply(404, CHAT_ONLY)
        server.at_home = refuses("logprobs")
        scene = Scene(server, OPENAI)
        for attempts in (2, 1):
            with pytest.raises(Exception, match="'logprobs' is not supported for model"):
                await ask(scene, Shape.COMPLETIONS, logprobs=1)
            assert len(generation_paths(scene)) == attempts
            scene.network.calls.clear()

    asyncio.run(scenario())


def test_what_was_fixed_before_the_end_is_remembered_with_the_endpoint() -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.elsewhere = lambda _: error_reply(404, CHAT_ONLY)
        server.at_home = refuses("temperature", "logprobs")
        scene = Scene(server, OPENAI)
        with pytest.raises(Exception, match="'logprobs'"):
            await ask(scene, Shape.COMPLETIONS, logprobs=1, temperature=0.5)
        scene.network.calls.clear()
        assert (await ask(scene, Shape.COMPLETIONS, temperature=0.5)).decision.attempts == 1

    asyncio.run(scenario())


def test_a_parameter_unknown_to_the_server_says_nothing_of_the_model() -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.elsewhere = lambda _: error_reply(404, CHAT_ONLY)
        server.at_home = lambda _: error_reply(
            400, "Unknown parameter: 'logprobs'.", param="logprobs", code="unknown_parameter"
        )
        scene = Scene(server, OPENAI)
        for _ in range(2):
            with pytest.raises(Exception, match="'logprobs' is not supported"):
                await ask(scene, Shape.COMPLETIONS, logprobs=1)
        assert len(generation_paths(scene)) == 4

    asyncio.run(scenario())


def test_fixing_comes_to_an_end_whatever_an_upstream_finds_to_refuse() -> None:
    async def scenario() -> None:
        names = [f"x{number}" for number in range(100)]
        server = Server(Shape.CHAT)
        server.at_home = refuses(*names)
        scene = Scene(server, VLLM)
        result = await ask(scene, Shape.CHAT, **dict.fromkeys(names, 1))
        assert result.reply.status == 400
        assert len(generation_paths(scene)) == MAX_FIXED + 1

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("kind", [kinds.AUTO, kinds.VLLM, kinds.OPENAI])
def test_an_error_that_breaks_off_says_nothing(kind: Profile, status: int) -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        broken = FakeReply(status, (), (b"<html><title>404 ",), TruncatedStream("broke off"))
        server.at_home = lambda _: broken
        scene = Scene(server, UpstreamSettings("main", "https://example.com", kind))
        with pytest.raises(UpstreamError, match="broke off"):
            await ask(scene, Shape.CHAT)
        assert generation_paths(scene) == ["/chat/completions"]
        server.at_home = lambda call: json_reply(REPLIES[call.path])
        assert (await ask(scene, Shape.CHAT)).decision.endpoint == "/v1/chat/completions"

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.AZURE])
def test_a_route_that_such_servers_have_is_not_missing_for_good(kind: Profile) -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.at_home = no_route
        base_url = "https://example.com/v1" if kind is kinds.OPENAI else "https://example.com"
        upstream = UpstreamSettings("main", base_url, kind)
        scene = Scene(server, upstream)
        result = await scene.call(Shape.CHAT, {"model": "gpt-4o", **ASKED[Shape.CHAT]})
        assert (result.reply.status, result.decision.attempts) == (404, 1)
        assert b"Invalid URL" in result.body
        server.at_home = lambda call: json_reply(REPLIES[call.path])
        again = await scene.call(
            Shape.CHAT, {"model": "gpt-4o", "presence_penalty": 1, **ASKED[Shape.CHAT]}
        )
        assert (again.reply.status, again.decision.attempts) == (200, 1)
        assert again.decision.resolved_by == "catalogue"

    asyncio.run(scenario())


def test_what_was_learned_is_forgotten_when_its_route_disappears() -> None:
    async def scenario() -> None:
        server = Server(Shape.RESPONSES)
        server.elsewhere = lambda _: error_reply(400, NOT_CHAT)
        scene = Scene(server, VLLM)
        assert (await ask(scene, Shape.CHAT)).decision.attempts == 2
        assert (await ask(scene, Shape.CHAT)).decision.attempts == 1
        server.home, server.elsewhere = Shape.CHAT, lambda _: error_reply(404, "Not Found")
        assert (await ask(scene, Shape.CHAT)).decision.attempts == 2
        result = await ask(scene, Shape.CHAT)
        assert (result.decision.attempts, result.decision.endpoint) == (1, "/v1/chat/completions")

    asyncio.run(scenario())


def test_a_learned_endpoint_that_cannot_express_a_request_is_dropped_if_another_can() -> None:
    async def scenario() -> None:
        server = Server(Shape.RESPONSES)
        server.elsewhere = no_route
        scene = Scene(server, OTHER)
        assert (await ask(scene, Shape.CHAT)).decision.endpoint == "/v1/responses"
        server.home = Shape.CHAT  # its chat route is there again
        result = await ask(scene, Shape.CHAT, logit_bias={"5": 1})
        assert (result.decision.endpoint, result.decision.attempts) == ("/v1/chat/completions", 1)
        assert (await ask(scene, Shape.CHAT)).decision.endpoint == "/v1/chat/completions"

    asyncio.run(scenario())


def test_a_request_that_fits_nowhere_is_refused_by_its_parameter() -> None:
    async def scenario() -> None:
        server = Server(Shape.RESPONSES)
        server.elsewhere = lambda _: error_reply(404, NOT_CHAT)
        scene = Scene(server, OTHER)
        await ask(scene, Shape.CHAT)
        with pytest.raises(InvalidRequest) as raised:
            await ask(scene, Shape.CHAT, logit_bias={"5": 1})
        assert raised.value.param == "logit_bias"
        # It was right all the same.
        assert (await ask(scene, Shape.CHAT)).decision.endpoint == "/v1/responses"

    asyncio.run(scenario())


@pytest.mark.parametrize("denied", [error_reply(404, NOT_CHAT), missing()])
def test_a_rule_whose_endpoint_refuses_is_warned_of(denied: FakeReply) -> None:
    async def scenario() -> None:
        server = Server(Shape.RESPONSES, lambda: listed("another"))
        server.elsewhere = lambda _: replace(denied)
        rule = ModelRule("ft-*", endpoints=(Shape.CHAT,))
        scene = Scene(server, OPENAI, rules=(rule,))
        for _ in range(2):
            result = await ask(scene, Shape.CHAT)
            assert result.decision.attempts == 2
            assert result.decision.misplaced_rule == "ft-*"
            assert result.decision.warning == (
                "rule 'ft-*' leads to /v1/chat/completions, which refused the model; it was "
                "answered at /v1/responses: set the rule's endpoint to responses"
            )

    asyncio.run(scenario())


def test_reusable_prompts_are_warned_of() -> None:
    scene = Scene(Server(Shape.RESPONSES), OPENAI)
    result = scene.generate(Shape.RESPONSES, {"model": "gpt-5.4", "prompt": {"id": "pmpt_1"}})
    assert "2026-11-30" in result.decision.warning
    assert (
        scene.generate(Shape.RESPONSES, {"model": "gpt-5.4", "input": "Hi"}).decision.warning == ""
    )


def test_the_second_call_of_a_stream_is_the_last_one_too() -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.at_home = lambda _: stream_reply(chat_chunk("Hello"), chat_chunk(finish="stop"))
        scene = Scene(server, OPENAI)
        for attempts in (2, 1):
            result = await ask(scene, Shape.COMPLETIONS, stream=True)
            assert result.decision.attempts == attempts
            assert result.events[-1] == "[DONE]"

    asyncio.run(scenario())


NOT_FOUND = FakeReply(404, ((b"content-type", b"text/plain"),), (b"404 page not found",))


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES])
def test_a_route_that_is_missing_for_a_moment_is_used_again(client: Shape) -> None:
    """A 404 that a proxy answers during a deployment says nothing about the server."""
    gone: set[str] = set()

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return listed(MODEL)
        if call.path in gone:
            return replace(NOT_FOUND)
        return json_reply(REPLIES[call.path])

    async def scenario() -> None:
        scene = Scene(answer, OTHER)

        async def asked_after(seconds: float) -> list[str]:
            scene.network.calls.clear()
            scene.clock.advance(seconds)
            await ask(scene, client)
            return generation_paths(scene)

        own, beside = client.path, HOME_BESIDE[client].path
        assert await asked_after(2) == [own]
        gone.add(own)
        assert await asked_after(2) == [own, beside]
        gone.clear()
        assert await asked_after(2) == [own]
        gone.add(own)  # for good
        assert await asked_after(2) == [own, beside]
        assert await asked_after(11) == [own, beside]
        assert await asked_after(2) == [beside]

    asyncio.run(scenario())


HOME_BESIDE = {
    Shape.CHAT: Shape.RESPONSES,
    Shape.RESPONSES: Shape.CHAT,
    Shape.MESSAGES: Shape.RESPONSES,
}
NO_TEMPERATURE = "Unsupported parameter: 'temperature' is not supported with this model."
EFFORT = "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported"


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_a_refused_effort_is_left_out_and_others_stay(client: Shape) -> None:
    async def scenario() -> None:
        def answer(call: UpstreamCall) -> Answer:
            refused = sent(call).get("reasoning_effort") == "xhigh"
            return error_reply(400, EFFORT) if refused else json_reply(REPLIES[call.path])

        server = Server(Shape.CHAT, lambda: listed(MODEL))
        server.at_home = answer
        server.elsewhere = no_route
        scene = Scene(server, OTHER)
        for effort, kept in (("xhigh", None), ("xhigh", None), ("low", "low")):
            scene.clock.advance(2)
            asked = effort_of(client, effort)
            await ask(scene, client, **asked)
            assert scene.network.bodies()[-1].get("reasoning_effort") == kept
        refused = [one for one in scene.network.bodies() if one.get("reasoning_effort") == "xhigh"]
        assert len(refused) == 1

    asyncio.run(scenario())


SEALED = "reasoning.encrypted_content"


@pytest.mark.parametrize("others", [[], ["file_search_call.results"]])
def test_the_sealed_reasoning_of_a_model_that_does_not_reason_is_not_asked_for_again(
    others: list[str],
) -> None:
    async def scenario() -> None:
        def answer(call: UpstreamCall) -> Answer:
            if SEALED in sent(call).get("include", ()):
                refusal = "Encrypted content is not supported with this model."
                return error_reply(400, refusal, param="include")
            return json_reply(REPLIES[call.path])

        server = Server(Shape.RESPONSES, lambda: listed(MODEL))
        server.at_home = answer
        server.elsewhere = no_route
        scene = Scene(server, OTHER)
        for attempts in (2, 1):
            scene.clock.advance(2)
            result = await ask(scene, Shape.RESPONSES, include=[SEALED, *others])
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert scene.network.bodies()[-1].get("include", []) == others

    asyncio.run(scenario())


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_sampling_that_a_model_refuses_while_it_reasons_stays_where_it_does_not(
    client: Shape,
) -> None:
    async def scenario() -> None:
        def answer(call: UpstreamCall) -> Answer:
            body = sent(call)
            if "temperature" in body and body.get("reasoning_effort") == "high":
                return error_reply(400, NO_TEMPERATURE, param="temperature")
            return json_reply(REPLIES[call.path])

        server = Server(Shape.CHAT, lambda: listed(MODEL))
        server.at_home = answer
        server.elsewhere = no_route
        scene = Scene(server, OTHER)
        for effort, kept in (("high", None), ("high", None), ("none", 0.2), ("", 0.2)):
            scene.clock.advance(2)
            asked = effort_of(client, effort) if effort else {}
            await ask(scene, client, temperature=0.2, **asked)
            assert scene.network.bodies()[-1].get("temperature") == kept
        refused = [one for one in scene.network.bodies() if one.get("reasoning_effort") == "high"]
        assert [one.get("temperature") for one in refused] == [0.2, None, None]

    asyncio.run(scenario())


def sent(call: UpstreamCall) -> Any:
    assert isinstance(call.body, bytes)
    return msgspec.json.decode(call.body)


def effort_of(client: Shape, effort: str) -> dict[str, Any]:
    in_chat = client is Shape.CHAT
    return {"reasoning_effort": effort} if in_chat else {"reasoning": {"effort": effort}}


def test_messages_sent_to_completions_teach_nothing_about_the_model() -> None:
    async def scenario() -> None:
        def answer(call: UpstreamCall) -> Answer:
            if call.path == Shape.COMPLETIONS.path and "messages" in sent(call):
                return error_reply(400, "Unrecognized request argument supplied: messages")
            return json_reply(REPLIES[call.path])

        server = Server(Shape.COMPLETIONS, lambda: listed(MODEL))
        server.at_home = server.elsewhere = answer
        scene = Scene(server, OTHER)
        await ask(scene, Shape.COMPLETIONS, **ASKED[Shape.CHAT])
        assert generation_paths(scene) == [Shape.COMPLETIONS.path, Shape.CHAT.path]
        scene.clock.advance(2)
        await ask(scene, Shape.COMPLETIONS)
        assert generation_paths(scene)[2:] == [Shape.COMPLETIONS.path]

    asyncio.run(scenario())


LITELLM = UpstreamSettings("main", "http://127.0.0.1:4000/v1", kinds.LITELLM)
NO_ROUTE_BEHIND = (
    "litellm.NotFoundError: NotFoundError: OpenAIException - Not Found\n\n"
    "LiteLLM: model group 'm' failed with the error above and no fallback model group was found"
)


@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize("answered", [False, True])
def test_a_route_that_is_missing_behind_a_front_is_learned_for_the_model(
    client: Shape, *, rests: bool, answered: bool
) -> None:
    """LiteLLM refuses a server's models for 5 s after its 404, so that the next call gets a 429."""
    resting: list[str] = []

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return listed(MODEL, "another")
        assert isinstance(call.body, bytes)
        if b'"another"' in call.body or (call.path == Shape.CHAT.path and not resting):
            return json_reply(REPLIES[call.path])
        if resting:
            return error_reply(429, resting.pop(), type="all_deployments_in_cooldown", code="429")
        resting.extend(["No deployments available for selected model"] * rests)
        return error_reply(404, NO_ROUTE_BEHIND, code="404")

    async def scenario() -> None:
        scene = Scene(answer, LITELLM)

        async def paths(model: str = MODEL) -> tuple[int, list[str]]:
            scene.network.calls.clear()
            scene.clock.advance(6)
            result = await scene.call(client, {"model": model, **ASKED[client]})
            return result.reply.status, generation_paths(scene)

        if answered:
            assert await paths("another") == (200, [client.path])
        # One pause, whichever routes are missing, where the model rests after a refusal.
        for _ in range(rests):
            with suppress(UpstreamError):
                assert (await paths())[0] in (200, 429)
        assert (await paths())[0] == 200
        assert await paths() == (200, [Shape.CHAT.path])
        # Of the other models it says nothing.
        assert await paths("another") == (200, [client.path])

    asyncio.run(scenario())


HOSTED_TOOL = {"type": "web_search_20250305", "name": "web_search"}
MISFITS: dict[Shape, tuple[dict[str, Any], str]] = {
    Shape.MESSAGES: ({"tools": [HOSTED_TOOL]}, "only Anthropic's models and servers have a tool"),
    Shape.RESPONSES: (
        {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
        "served through the chat endpoint, which has no hosted tools",
    ),
    Shape.COMPLETIONS: ({"suffix": "!"}, "served through the chat endpoint, which has no equiv"),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("client", MISFITS)
def test_a_request_that_fits_no_endpoint_that_a_server_has_is_refused_by_its_parameter(
    client: Shape, known: bool
) -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        server.elsewhere = no_route
        scene = Scene(server, OTHER)
        more, said = MISFITS[client]
        if known:
            assert (await ask(scene, client)).decision.endpoint == "/v1/chat/completions"
        for _ in range(2):
            with pytest.raises(InvalidRequest, match=said):
                await ask(scene, client, **more)
            scene.clock.advance(101)  # the routes that it lacks are asked again

    asyncio.run(scenario())


def test_so_it_is_at_a_doubtful_base_url_once_a_model_is_known_there() -> None:
    async def scenario() -> None:
        server = Server(Shape.CHAT)
        scene = Scene(server, replace(OTHER, base_url="http://127.0.0.1:8000"))
        server.elsewhere = no_route
        with pytest.raises(UpstreamError, match="lack /v1"):
            await ask(scene, Shape.COMPLETIONS, suffix="!")
        server.elsewhere = lambda _: error_reply(404, CHAT_ONLY)
        assert (await ask(scene, Shape.COMPLETIONS)).decision.endpoint == "/v1/chat/completions"
        server.elsewhere = no_route
        with pytest.raises(InvalidRequest, match="served through the chat endpoint"):
            await ask(scene, Shape.COMPLETIONS, suffix="!")

    asyncio.run(scenario())
