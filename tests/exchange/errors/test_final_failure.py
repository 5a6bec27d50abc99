"""What clients get where no attempt has succeeded."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, UpstreamSettings
from gateway.errors import GatewayError, ModelNotFound, Reason, UpstreamError
from gateway.servers import Profile
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene
from tests.exchange.test_flow import MESSAGES
from tests.exchange.test_retries import (
    ASKED,
    MODEL,
    NOT_CHAT_EITHER,
    OPENAI,
    REPLIES,
    Server,
    ask,
    generation_paths,
    listed,
)
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply, stream_reply

_WRONG_KEY: dict[str, Any] = {
    "error": {"message": "Incorrect API key provided: sk-o*wn.", "code": "invalid_api_key"}
}


KEYED = UpstreamSettings(
    "openai", "https://x/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("sk-own")
)
FIXED = replace(KEYED, api_key=None, headers=(("Authorization", Secret("Bearer sk-own")),))


@pytest.mark.parametrize(
    "upstream",
    [
        KEYED,
        replace(FIXED, credential=CredentialPolicy.NONE),
        replace(FIXED, credential=CredentialPolicy.CALLER),
    ],
    ids=["api_key", "header", "header-for-the-callers"],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "refuse",
    [
        lambda: error_reply(401, "Incorrect API key provided: sk-o*wn."),
        lambda: json_reply({"code": "x", "error": "Incorrect API key provided: sk-o*wn."}, 400),
        lambda: json_reply([{"error": {"code": 400, "message": "API key not valid."}}], 400),
        lambda: json_reply(_WRONG_KEY, 500),
        lambda: json_reply(_WRONG_KEY),
        lambda: stream_reply(_WRONG_KEY),
    ],
    ids=["401", "xAI", "Gemini", "relay", "success", "stream"],
)
def test_the_gateways_own_key_refused_is_not_news_of_the_clients(
    refuse: Callable[[], FakeReply], upstream: UpstreamSettings, *, stream: bool
) -> None:
    for shape, body in (
        (Shape.CHAT, {**MESSAGES, "model": "gpt-4o"}),
        (Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi"}),
    ):
        with pytest.raises(UpstreamError) as raised:
            Scene(lambda _: refuse(), upstream).generate(shape, {**body, "stream": stream})
        assert (raised.value.status, raised.value.type) == (502, "upstream_auth_error")
        assert raised.value.reason is Reason.KEY_REFUSED
        assert "sk-o" not in raised.value.message


@pytest.mark.parametrize(
    "upstream",
    [
        OPENAI,
        replace(OPENAI, headers=(("ocp-apim-subscription-key", Secret("own")),)),
        replace(OPENAI, credential=CredentialPolicy.NONE, headers=(("x-team", Secret("a")),)),
    ],
    ids=["caller", "beside-a-header", "none"],
)
def test_a_callers_own_key_that_is_refused_is_its_own_matter(upstream: UpstreamSettings) -> None:
    scene = Scene(lambda _: json_reply(_WRONG_KEY, 400), upstream)
    assert scene.generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o"}).reply.status == 400


def test_a_restricted_client_does_not_learn_what_the_gateways_key_sees() -> None:
    async def scenario() -> None:
        scene = Scene(Server(None, lambda: listed("secret-a", "secret-b")), OPENAI)
        client = ClientSettings("team", ("0" * 64,), ("ft-*",))
        with pytest.raises(ModelNotFound) as raised:
            await scene.call(Shape.CHAT, {"model": MODEL, **ASKED[Shape.CHAT]}, client=client)
        assert "2 models" not in raised.value.message
        assert "secret" not in raised.value.message

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("client", "denial"),
    [
        (Shape.COMPLETIONS, "You are not allowed to sample from this model"),
        (Shape.CHAT, NOT_CHAT_EITHER),
        (Shape.RESPONSES, "The requested model, '{}' was not found."),
        *((shape, "The model `{}` does not exist") for shape in Shape),
    ],
)
def test_a_model_that_generates_no_text_is_asked_for_once_and_its_endpoint_named(
    client: Shape, denial: str
) -> None:
    async def scenario() -> None:
        server = Server(None)
        server.elsewhere = lambda _: error_reply(404, denial.format("text-embedding-3-small"))
        scene = Scene(server, OPENAI)
        with pytest.raises(GatewayError) as raised:
            await scene.call(client, {"model": "text-embedding-3-small", **ASKED[client]})
        assert "lives at /v1/embeddings" in raised.value.message
        assert raised.value.param == "model"
        assert len(generation_paths(scene)) == 1

    asyncio.run(scenario())


def test_the_first_failure_says_more_than_a_route_that_is_missing_too() -> None:
    async def scenario() -> None:
        server = Server(None, lambda: listed("another"))
        server.elsewhere = lambda call: (
            error_reply(404, NOT_CHAT_EITHER)
            if call.path == Shape.CHAT.path
            else error_reply(404, "Not Found")
        )
        result = await ask(Scene(server, OPENAI), Shape.CHAT)
        assert (result.reply.status, result.decision.attempts) == (404, 3)
        assert b"This is not a chat model" in result.body

    asyncio.run(scenario())


def test_an_error_in_a_success_is_passed_on_and_noted_for_the_operator() -> None:
    scene = Scene(lambda _: json_reply({"error": {"message": "overloaded"}}), OPENAI)
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o"})
    assert result.reply.status == 200
    (failure,) = result.decision.failures
    assert (failure.upstream, failure.reason, failure.final) == (
        OPENAI.name,
        Reason.ERROR_REPLY,
        True,
    )


BARE = UpstreamSettings("local", "http://10.0.0.7:8000", kinds.VLLM, CredentialPolicy.NONE)


def missing(_: UpstreamCall) -> Answer:
    return json_reply({"detail": "Not Found"}, 404)


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_base_url_that_lacks_its_path_is_pointed_to(shape: Shape, streamed: bool) -> None:
    request = {"model": MODEL, **ASKED[shape], "stream": streamed}
    with pytest.raises(UpstreamError) as raised:
        Scene(missing, BARE).generate(shape, request)
    error = raised.value
    assert (error.status, error.type, error.code) == (404, "invalid_request_error", "unknown_url")
    assert error.reason is Reason.NO_ENDPOINT
    for path in (" /chat/completions", " /completions", " /responses"):
        assert path in error.message
    assert "Does the base_url of this upstream lack /v1?" in error.message
    assert "10.0.0.7" not in error.message
    assert "8000" not in error.message


@pytest.mark.parametrize(
    ("base_url", "kind", "paths", "asks"),
    [
        ("http://a/v1", kinds.VLLM, "/v1/chat/completions and /v1/", False),
        ("http://a/team", kinds.OTHER, "/team/chat/completions and /team/", True),
        # It is known to have the endpoint, so only the address can be wrong.
        ("https://api.openai.com", kinds.OPENAI, "at /chat/completions.", True),
    ],
)
def test_the_urls_that_were_tried_are_named(
    base_url: str, kind: Profile, paths: str, asks: bool
) -> None:
    upstream = UpstreamSettings("local", base_url, kind, CredentialPolicy.NONE)
    with pytest.raises(UpstreamError) as raised:
        Scene(missing, upstream).generate(Shape.CHAT, {"model": "gpt-4o", **MESSAGES})
    assert paths in raised.value.message
    assert ("lack /v1?" in raised.value.message) is asks


def test_a_route_that_is_missing_for_a_moment_is_the_upstreams_own_error() -> None:
    reply = Scene(missing, OPENAI).generate(Shape.CHAT, {"model": "gpt-4o", **MESSAGES})
    assert (reply.reply.status, reply.json) == (404, {"detail": "Not Found"})


NOT_HERE = "Cannot find an appropriate cached snapshot folder."


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
def test_a_server_that_denies_the_model_somewhere_has_endpoints(
    client: Shape, home: Shape, streamed: bool
) -> None:
    """Nobody but clients of a missing route know of it: what is said of the model says more."""

    def denying(message: str) -> Callable[[UpstreamCall], Answer]:
        return lambda call: error_reply(404, message) if call.path == home.path else missing(call)

    request = {"model": MODEL, **ASKED[client], "stream": streamed}
    with pytest.raises(ModelNotFound, match=f"The model `{MODEL}` does not exist"):
        Scene(denying(f"The model `{MODEL}` does not exist"), BARE).generate(client, request)
    with pytest.raises(UpstreamError, match=NOT_HERE) as raised:
        Scene(denying(NOT_HERE), BARE).generate(client, request)
    assert raised.value.status == 404


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("param", "value"), [("previous_response_id", "resp_1"), ("temperature", "hot")]
)
def test_a_request_that_fits_no_other_endpoint_than_a_missing_one_is_told_why(
    param: str, value: str, *, known: bool
) -> None:
    def answer(call: UpstreamCall) -> Answer:
        return json_reply(REPLIES[call.path]) if call.path == Shape.CHAT.path else missing(call)

    async def scenario(upstream: UpstreamSettings) -> GatewayError:
        scene = Scene(answer, upstream)
        if known:
            assert (await ask(scene, Shape.RESPONSES)).decision.endpoint == "/v1/chat/completions"
        with pytest.raises(GatewayError) as raised:
            await ask(scene, Shape.RESPONSES, **{param: value})
        return raised.value

    error = asyncio.run(scenario(replace(BARE, base_url="http://10.0.0.7/v1")))
    assert (error.status, error.param) == (400, param)
    # Without a path there may be such a route after all, elsewhere; unless the server has answered.
    error = asyncio.run(scenario(BARE))
    assert (error.param == param) if known else (error.code == "unknown_url")


FAILED_STREAM = (
    b'data: {"error": {"message": "%s", "type": "invalid_request_error", "code": "400"}}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES])
def test_an_error_in_the_form_of_a_stream_is_read(client: Shape) -> None:
    """LiteLLM 1.108 answers so where a stream fails before its first piece."""

    def refusing(call: UpstreamCall) -> Answer:
        if call.path == client.path:
            return missing(call)
        return FakeReply(400, EVENT_STREAM, (FAILED_STREAM % b"No such thing",))

    request = {"model": MODEL, **ASKED[client], "stream": True}
    with pytest.raises(UpstreamError) as raised:
        Scene(refusing, BARE).generate(client, request)
    error = raised.value
    assert (error.status, error.message) == (400, "No such thing")
    assert error.type == "invalid_request_error"


def test_at_its_own_endpoint_such_an_error_leads_on_or_stays_as_it_came() -> None:
    refused = FAILED_STREAM % b"Unknown parameter: 'user'."

    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b'"user":"me"' in call.body.replace(b" ", b""):
            return FakeReply(400, EVENT_STREAM, (refused,))
        if b'"seed"' in call.body:
            return FakeReply(400, EVENT_STREAM, (FAILED_STREAM % b"No such thing",))
        return stream_reply({"choices": []})

    def asking(**more: Any) -> Exchanged:
        request = {"model": MODEL, **ASKED[Shape.CHAT], "stream": True, **more}
        return Scene(answer, BARE).generate(Shape.CHAT, request)

    fixed = asking(user="me")
    assert (fixed.reply.status, fixed.decision.attempts) == (200, 2)
    failed = asking(seed=1)
    assert (failed.reply.status, failed.body) == (400, FAILED_STREAM % b"No such thing")
