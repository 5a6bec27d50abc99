"""The retry loop, with everything real but the network."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    PermissionDenied,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.exchange.decision import Decision
from gateway.request import GenerationRequest
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import (
    ALICE,
    BOB,
    OPENAI,
    Scene,
    chat_chunk,
    chat_completion,
    completion,
)
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply

CHAT_ONLY = (
    "This is a chat model and not supported in the v1/completions endpoint. "
    "Did you mean to use v1/chat/completions?"
)
NOT_CHAT = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
    "Did you mean to use v1/completions?"
)
RENAME = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)


def does_not_exist(model: str) -> FakeReply:
    text = f"The model `{model}` does not exist or you do not have access to it."
    return error_reply(404, text, code="model_not_found")


def chat_server(call: UpstreamCall) -> Answer:
    """Everything lives at chat; nothing can be looked up."""
    if call.path == "/chat/completions":
        return json_reply(chat_completion())
    if call.path == "/completions":
        return error_reply(404, CHAT_ONLY, param="model")
    return error_reply(404, "no such thing")


def completions_server(call: UpstreamCall) -> Answer:
    if call.path == "/completions":
        return json_reply(completion())
    if call.path == "/chat/completions":
        return error_reply(404, NOT_CHAT, param="model")
    return error_reply(404, "no such thing")


def generation_paths(scene: Scene) -> list[str]:
    return [call.path for call in scene.network.calls if call.method == "POST"]


def last_text(call: UpstreamCall) -> str:
    assert isinstance(call.body, bytes)
    text: str = msgspec.json.decode(call.body)["messages"][-1]["content"]
    return text


PROMPT = {"model": "acme-x", "prompt": "Hi"}
MESSAGES = {"model": "acme-x", "messages": [{"role": "user", "content": "Hi"}]}


def test_same_shape_and_name_pass_through_byte_for_byte() -> None:
    body = b'{ "model" : "gpt-4o-mini", "messages" : [], "future": {"a":1} }'
    answer = FakeReply(200, ((b"content-type", b"application/json"),), (b'{"any" :', b" 1}"))
    scene = Scene(lambda _: answer)
    result = scene.generate(Shape.CHAT, body)
    assert scene.network.calls[0].body == body
    assert result.body == b'{"any" : 1}'
    assert result.decision.attempts == 1
    assert result.decision.translation == ""
    assert answer.closed


def test_a_stream_of_the_same_shape_passes_through_byte_for_byte() -> None:
    reply = stream_reply(chat_chunk("a"), chat_chunk(finish="stop"))
    raw = b"".join(reply.pieces)
    result = Scene(lambda _: reply).generate(
        Shape.CHAT, {"model": "gpt-4o-mini", "messages": [], "stream": True}
    )
    assert result.body == raw


def test_an_alias_goes_out_under_its_target_and_comes_back_under_its_own_name() -> None:
    rule = ModelRule("my-bot", model="gpt-4o-mini")
    scene = Scene(lambda _: json_reply(chat_completion()), rules=(rule,))
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "my-bot", "future": 1})
    assert scene.network.bodies() == [{**MESSAGES, "model": "gpt-4o-mini", "future": 1}]
    assert result.json == chat_completion(model="my-bot")


def test_a_streamed_alias_is_renamed_in_every_event() -> None:
    rule = ModelRule("my-bot", model="gpt-4o-mini")
    scene = Scene(lambda _: stream_reply(chat_chunk("a"), chat_chunk(finish="stop")), rules=(rule,))
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "my-bot", "stream": True})
    assert [event["model"] for event in result.events[:-1]] == ["my-bot", "my-bot"]
    assert result.events[-1] == "[DONE]"


def test_a_completions_client_reaches_a_chat_model() -> None:
    scene = Scene(chat_server)
    result = scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o-mini", "prompt": "Hi"})
    assert generation_paths(scene) == ["/chat/completions"]
    assert result.json["object"] == "text_completion"
    assert result.json["choices"][0]["text"] == "Hello"
    assert result.json["model"] == "gpt-4o-mini"
    assert result.decision.endpoint == "/v1/chat/completions"
    assert result.decision.translation.startswith("from=completions; to=chat")


def test_a_chat_client_reaches_a_completions_model() -> None:
    scene = Scene(completions_server)
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "davinci-002"})
    assert generation_paths(scene) == ["/completions"]
    assert result.json["choices"][0]["message"]["content"] == "Hello"


def test_a_wrong_endpoint_is_tried_again_once_and_learned() -> None:
    async def scenario() -> None:
        scene = Scene(chat_server)
        first = await scene.call(Shape.COMPLETIONS, PROMPT)
        assert first.json["choices"][0]["text"] == "Hello"
        assert (first.decision.attempts, first.decision.resolved_by) == (2, "default")
        asked = len(scene.network.calls)
        second = await scene.call(Shape.COMPLETIONS, PROMPT)
        assert (second.decision.attempts, second.decision.resolved_by) == (1, "learned")
        assert len(scene.network.calls) == asked + 1

    asyncio.run(scenario())


def test_what_one_caller_taught_serves_no_other() -> None:
    async def scenario() -> None:
        scene = Scene(chat_server)
        await scene.call(Shape.COMPLETIONS, PROMPT, ALICE)
        assert (await scene.call(Shape.COMPLETIONS, PROMPT, BOB)).decision.attempts == 2

    asyncio.run(scenario())


def test_an_unknown_model_is_looked_up_once_and_then_costs_one_request() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/fine_tuning/jobs":
            job = {"id": "ftjob-1", "model": "gpt-4o-mini", "fine_tuned_model": "acme-x"}
            return json_reply({"data": [job], "has_more": False})
        return chat_server(call)

    async def scenario() -> None:
        scene = Scene(answer)
        first = await scene.call(Shape.COMPLETIONS, PROMPT)
        assert (first.decision.attempts, first.decision.resolved_by) == (1, "job")
        asked = len(scene.network.calls)
        await scene.call(Shape.COMPLETIONS, PROMPT)
        assert len(scene.network.calls) == asked + 1

    asyncio.run(scenario())


def test_does_not_exist_is_a_wrong_endpoint_where_the_metadata_says_it_exists() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/models":
            return json_reply({"data": [{"id": "acme-x", "object": "model"}]})
        if call.path == "/chat/completions":
            return json_reply(chat_completion())
        return does_not_exist("acme-x")

    result = Scene(answer).generate(Shape.COMPLETIONS, PROMPT)
    assert result.json["choices"][0]["text"] == "Hello"
    assert result.decision.attempts == 2


def test_does_not_exist_is_a_wrong_endpoint_where_the_id_names_its_base() -> None:
    model = "ft:brand-new-base:acme:bot:8abc1234"

    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/chat/completions":
            return json_reply(chat_completion())
        return does_not_exist(model)

    result = Scene(answer).generate(Shape.COMPLETIONS, {"model": model, "prompt": "Hi"})
    assert result.json["choices"][0]["text"] == "Hello"


def test_a_model_that_is_nowhere_gets_a_404_that_helps() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/models":
            return json_reply({"data": [{"id": "acme-support-v7"}, {"id": "gpt-4o"}]})
        return does_not_exist("acme-suport-v7")

    scene = Scene(answer)
    with pytest.raises(ModelNotFound) as raised:
        scene.generate(Shape.CHAT, {**MESSAGES, "model": "acme-suport-v7"})
    error = raised.value
    assert error.status == 404
    assert error.param == "model"
    assert error.code == "model_not_found"
    assert "Did you mean 'acme-support-v7'?" in error.message
    assert "not among the 2 models that this key sees" in error.message
    assert "at /v1/chat/completions" in error.message
    assert generation_paths(scene) == ["/chat/completions"]


def test_the_error_of_a_retired_model_says_since_when_and_how_to_alias_it() -> None:
    scene = Scene(lambda call: does_not_exist("text-davinci-003"))
    with pytest.raises(ModelNotFound) as raised:
        scene.generate(Shape.COMPLETIONS, {"model": "text-davinci-003", "prompt": "Hi"})
    assert "shut down on 2024-01-04" in raised.value.message
    assert "`text-davinci-003: {model: " in raised.value.message


def test_a_model_with_a_known_shutdown_date_warns() -> None:
    result = Scene(completions_server).generate(
        Shape.COMPLETIONS, {"model": "davinci-002", "prompt": "Hi"}
    )
    assert result.decision.warning.startswith("model 'davinci-002' was shut down on 2026-09-28")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_redirected_model_is_served_by_another_and_every_reply_says_so(streamed: bool) -> None:
    def answer(_: UpstreamCall) -> Answer:
        if streamed:
            return stream_reply(chat_chunk("Hello"), chat_chunk(finish="stop"))
        return json_reply(chat_completion())

    scene = Scene(answer, redirect=(("text-davinci-003", "gpt-4o"),))
    body = {"model": "text-davinci-003", "prompt": "Hi", "stream": streamed}
    result = scene.generate(Shape.COMPLETIONS, body)
    assert scene.network.bodies()[0]["model"] == "gpt-4o"
    assert result.decision.warning.startswith(
        "model 'text-davinci-003' is redirected to 'gpt-4o' by the gateway's configuration"
    )
    reply = result.events[0] if streamed else result.json
    assert reply["model"] == "text-davinci-003"


def test_an_error_of_a_redirected_model_says_so_too() -> None:
    scene = Scene(lambda _: error_reply(429, "slow down"), redirect=(("old", "gpt-4o"),))
    decision = Decision()
    call = GenerationRequest.at(
        Shape.CHAT, msgspec.json.encode({**MESSAGES, "model": "old", "n": 0})
    )
    with suppress(GatewayError):
        asyncio.run(scene.exchange.run(call, decision))
    assert "'old' is redirected to 'gpt-4o'" in decision.warning


def test_what_azure_has_not_deployed_is_asked_for_once() -> None:
    azure = UpstreamSettings("azure", "https://a.openai.azure.com", kinds.AZURE)
    card = {"id": "gpt-4o", "capabilities": {"chat_completion": True}}

    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/models":
            return json_reply({"data": [card]})
        return error_reply(404, "The API deployment does not exist.", code="DeploymentNotFound")

    scene = Scene(answer, azure)
    with pytest.raises(ModelNotFound):
        scene.generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o"})
    assert generation_paths(scene) == ["/chat/completions"]
    (sent,) = [call.model for call in scene.network.calls if call.method == "POST"]
    assert sent == "gpt-4o"


def test_an_error_of_the_same_shape_comes_back_as_it_is() -> None:
    reply = error_reply(429, "slow down", code="rate_limit_exceeded")
    reply.headers = (*reply.headers, (b"retry-after", b"7"))
    result = Scene(lambda _: reply).generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o"})
    assert result.reply.status == 429
    assert (b"retry-after", b"7") in result.reply.headers
    assert result.body == reply.pieces[0]


def test_an_error_behind_a_translation_names_the_clients_parameter() -> None:
    reply = error_reply(
        400, "Invalid 'messages[0].content'.", param="messages[0].content", code="invalid_value"
    )
    reply.headers = (*reply.headers, (b"x-ratelimit-remaining", b"3"))
    with pytest.raises(GatewayError) as raised:
        Scene(lambda _: reply).generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi"})
    error = raised.value
    assert (error.status, error.param, error.code) == (400, "prompt", "invalid_value")
    assert error.message.endswith("(upstream parameter: messages[0].content).")
    assert error.headers == (("x-ratelimit-remaining", "3"),)


@pytest.mark.parametrize(
    ("upstream", "client"),
    [(409, 429), (422, 400), (500, 502), (503, 503), (504, 504), (501, 400), (304, 502)],
)
def test_statuses_behind_a_translation_are_those_old_clients_can_bear(
    upstream: int, client: int
) -> None:
    reply = FakeReply(upstream, ((b"content-type", b"text/html"),), (b"<p>no</p>",))
    with pytest.raises(GatewayError) as raised:
        Scene(lambda _: reply).generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi"})
    assert raised.value.status == client
    said = f"The upstream answered with status {upstream} and a web page: no."
    assert raised.value.message == said


def test_a_parameter_with_a_safe_fix_is_fixed_once_and_remembered() -> None:
    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b'"max_tokens"' in call.body:
            return error_reply(400, RENAME, param="max_tokens", code="unsupported_parameter")
        return json_reply(chat_completion())

    async def scenario() -> None:
        scene = Scene(answer)
        body = {**MESSAGES, "model": "gpt-4o", "max_tokens": 5}
        first = await scene.call(Shape.CHAT, body)
        assert first.decision.attempts == 2
        assert first.decision.translation == (
            "from=chat; to=chat; changed=max_tokens->max_completion_tokens"
        )
        assert scene.network.bodies()[1]["max_completion_tokens"] == 5
        assert (await scene.call(Shape.CHAT, body)).decision.attempts == 1
        assert (await scene.call(Shape.CHAT, body, BOB)).decision.attempts == 2

    asyncio.run(scenario())


def test_a_fix_that_does_not_help_is_given_up() -> None:
    scene = Scene(
        lambda _: error_reply(400, RENAME, param="max_tokens", code="unsupported_parameter")
    )
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o", "max_tokens": 5})
    assert (result.reply.status, result.json["error"]["message"]) == (400, RENAME)
    assert len(scene.network.calls) == 2


def test_if_no_endpoint_takes_it_the_first_refusal_is_relayed() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/completions":
            return error_reply(404, CHAT_ONLY, param="model")
        if call.path == "/chat/completions":
            return error_reply(404, NOT_CHAT, param="model")
        return error_reply(404, "no such thing")

    scene = Scene(answer)
    result = scene.generate(Shape.COMPLETIONS, PROMPT)
    assert result.json["error"]["message"] == CHAT_ONLY
    assert result.decision.endpoint == "/v1/completions"
    assert len(set(generation_paths(scene))) == len(generation_paths(scene))


def test_if_the_second_attempt_fails_for_a_real_reason_that_is_relayed() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/chat/completions":
            return error_reply(429, "slow down")
        return chat_server(call)

    with pytest.raises(GatewayError) as raised:
        Scene(answer).generate(Shape.COMPLETIONS, PROMPT)
    assert (raised.value.status, raised.value.message) == (429, "slow down")


def test_a_learned_endpoint_that_refuses_is_forgotten() -> None:
    moved = False

    def answer(call: UpstreamCall) -> Answer:
        return completions_server(call) if moved else chat_server(call)

    async def scenario() -> None:
        nonlocal moved
        scene = Scene(answer)
        await scene.call(Shape.COMPLETIONS, PROMPT)
        moved = True
        again = await scene.call(Shape.COMPLETIONS, PROMPT)
        assert again.json["choices"][0]["text"] == "Hello"
        assert [call.path for call in scene.network.calls[-3:]] == [
            "/chat/completions",
            "/responses",
            "/completions",
        ]
        after = await scene.call(Shape.COMPLETIONS, PROMPT)
        assert (after.decision.attempts, after.decision.endpoint) == (1, "/v1/completions")

    asyncio.run(scenario())


def test_a_refusal_wrapped_in_status_200_is_a_refusal() -> None:
    vllm = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)

    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/chat/completions":
            text = "As of transformers v4.44, default chat template is no longer allowed"
            return json_reply(
                {"object": "error", "message": text, "type": "BadRequestError", "code": 400}
            )
        return completions_server(call)

    result = Scene(answer, vllm).generate(Shape.CHAT, MESSAGES)
    assert result.json["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("is_error", [False, True])
def test_a_stream_that_begins_with_an_error_teaches_nothing(*, is_error: bool) -> None:
    begun = {"error": {"message": "The server is busy."}} if is_error else chat_chunk("Hi")

    def answer(call: UpstreamCall) -> Answer:
        return json_reply({"data": []}) if call.method == "GET" else stream_reply(begun)

    vllm = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
    scene = Scene(answer, vllm, OPENAI)
    result = scene.generate(Shape.CHAT, {**MESSAGES, "model": "unlisted", "stream": True})
    assert (result.reply.status, result.decision.has_failed) == (200, is_error)
    assert scene.resolver.notes.has_route("vllm", Shape.CHAT) is not is_error


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_refusal_under_status_200_teaches_is_remembered(*, streamed: bool) -> None:
    refusal = {"error": {"message": CHAT_ONLY, "param": "model", "code": None}}

    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/completions":
            return stream_reply(refusal) if streamed else FakeReply(pieces=_bytes_of(refusal))
        if streamed and call.path == "/chat/completions":
            return stream_reply(chat_chunk("Hello"), chat_chunk(finish="stop"))
        return chat_server(call)

    async def scenario() -> None:
        scene = Scene(answer)
        for attempts in (2, 1):
            result = await scene.call(Shape.COMPLETIONS, {**PROMPT, "stream": streamed})
            assert b'"text":"Hello"' in result.body
            assert result.decision.attempts == attempts
        assert all(reply.closed for reply in scene.network.replies if len(reply.pieces) > 1)

    asyncio.run(scenario())


def _bytes_of(body: Any) -> list[bytes]:
    return [bytes([byte]) for byte in msgspec.json.encode(body)]


def test_a_parameter_refused_in_the_first_event_is_fixed() -> None:
    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b"max_tokens" in call.body:
            return stream_reply({"error": {"message": RENAME, "param": "max_tokens"}})
        return stream_reply(chat_chunk("Hello"), chat_chunk(finish="stop"))

    body = {**MESSAGES, "model": "gpt-4o", "max_tokens": 5, "stream": True}
    result = Scene(answer).generate(Shape.CHAT, body)
    assert result.events[0]["choices"][0]["delta"]["content"] == "Hello"
    assert result.decision.attempts == 2


def test_a_small_success_that_only_quotes_an_error_is_a_success() -> None:
    quoting = chat_completion(text='{"error": "' + CHAT_ONLY + '"}')
    result = Scene(lambda _: json_reply(quoting)).generate(
        Shape.CHAT, {**MESSAGES, "model": "gpt-4o"}
    )
    assert result.json == quoting


def test_a_client_may_use_its_own_models_only() -> None:
    client = ClientSettings("team-a", ("0" * 64,), ("gpt-*",))
    with pytest.raises(PermissionDenied) as raised:
        Scene(chat_server).generate(Shape.CHAT, {**MESSAGES, "model": "o1"}, client=client)
    assert raised.value.param == "model"


def test_prompts_are_fanned_out_and_folded_in_order() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return json_reply(chat_completion(last_text(call).upper()))

    scene = Scene(answer)
    result = scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": ["a", "b", "c"]})
    assert [(c["index"], c["text"]) for c in result.json["choices"]] == [
        (0, "A"),
        (1, "B"),
        (2, "C"),
    ]
    assert result.json["usage"]["total_tokens"] == 9
    assert len(scene.network.calls) == 3


def test_the_first_failure_in_order_fails_the_whole_fan_out() -> None:
    def answer(call: UpstreamCall) -> Answer:
        text = last_text(call)
        if text == "a":
            return json_reply(chat_completion())
        return error_reply(400, f"bad {text}", param="messages")

    scene = Scene(answer)
    with pytest.raises(GatewayError) as raised:
        scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": ["a", "b", "c"]})
    assert raised.value.param == "prompt[1]"
    assert raised.value.message.startswith("bad b")
    assert all(reply.closed for reply in scene.network.replies)


def test_streams_of_a_fan_out_are_merged_into_one() -> None:
    scene = Scene(lambda _: stream_reply(chat_chunk("x"), chat_chunk(finish="stop")))
    result = scene.generate(
        Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": ["a", "b"], "stream": True}
    )
    texts: dict[int, str] = {}
    for event in result.events[:-1]:
        for choice in event["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
    assert texts == {0: "x", 1: "x"}
    assert result.body.count(b"[DONE]") == 1
    assert result.events[-1] == "[DONE]"
    assert all(reply.closed for reply in scene.network.replies)


def test_a_failing_call_of_a_streamed_fan_out_is_a_plain_error_while_nothing_was_sent() -> None:
    def answer(call: UpstreamCall) -> Answer:
        text = last_text(call)
        if text == "a":
            return stream_reply(chat_chunk("x"), chat_chunk(finish="stop"))
        return error_reply(400, "bad", param="messages")

    scene = Scene(answer)
    with pytest.raises(GatewayError) as raised:
        scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": ["a", "b"], "stream": True})
    assert raised.value.param == "prompt[1]"
    assert all(reply.closed for reply in scene.network.replies)


STREAM = {"model": "gpt-4o", "prompt": "Hi", "stream": True}


def test_a_stream_is_translated_and_its_usage_sent_only_when_asked_for() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    chunks = (chat_chunk("He"), chat_chunk("y", "stop"), chat_chunk(choices=[], usage=usage))
    result = Scene(lambda _: stream_reply(*chunks)).generate(Shape.COMPLETIONS, STREAM)
    assert "".join(e["choices"][0]["text"] for e in result.events[:-1]) == "Hey"
    asked = {**STREAM, "stream_options": {"include_usage": True}}
    result = Scene(lambda _: stream_reply(*chunks)).generate(Shape.COMPLETIONS, asked)
    assert result.events[-2]["usage"]["total_tokens"] == 2
    assert dict(result.reply.headers)[b"content-type"] == b"text/event-stream; charset=utf-8"


def test_an_error_event_before_the_first_text_is_a_plain_error() -> None:
    event = {"error": {"message": "overloaded", "type": "server_error", "code": None}}
    with pytest.raises(GatewayError) as raised:
        Scene(lambda _: stream_reply(event)).generate(Shape.COMPLETIONS, STREAM)
    assert raised.value.message == "overloaded"


def test_an_error_event_inside_the_stream_is_an_error_event_with_the_terminator() -> None:
    event = {"error": {"message": "overloaded", "type": "server_error", "code": None}}
    result = Scene(lambda _: stream_reply(chat_chunk("a"), event)).generate(
        Shape.COMPLETIONS, STREAM
    )
    assert result.events[0]["choices"][0]["text"] == "a"
    assert result.events[1]["error"]["message"] == "overloaded"
    assert result.events[2:] == ["[DONE]"]


@pytest.mark.parametrize(
    "error", [None, TruncatedStream("gone"), UpstreamTimeout("silent")], ids=str
)
def test_a_stream_that_breaks_off_never_ends_cleanly(error: GatewayError | None) -> None:
    result = Scene(lambda _: stream_reply(chat_chunk("a"), done=False, error=error)).generate(
        Shape.COMPLETIONS, STREAM
    )
    assert result.events[0]["choices"][0]["text"] == "a"
    assert result.events[-1]["error"]["type"] == "server_error"
    assert b"[DONE]" not in result.body


def test_a_stream_of_the_same_shape_that_breaks_off_says_so() -> None:
    reply = stream_reply(chat_chunk("a"), done=False, error=TruncatedStream("gone"))
    result = Scene(lambda _: reply).generate(
        Shape.CHAT, {**MESSAGES, "model": "gpt-4o", "stream": True}
    )
    assert result.events[-1]["error"]["code"] == "upstream_stream_truncated"
    assert b"[DONE]" not in result.body


def test_a_plain_reply_to_a_streaming_request_becomes_a_stream() -> None:
    result = Scene(lambda _: json_reply(chat_completion("whole"))).generate(
        Shape.COMPLETIONS, STREAM
    )
    assert "".join(e["choices"][0]["text"] for e in result.events[:-1]) == "whole"
    assert result.events[-1] == "[DONE]"


def test_zero_tokens_are_answered_without_any_call() -> None:
    scene = Scene(chat_server)
    body = {"model": "gpt-4o", "prompt": "Hi", "max_tokens": 0, "echo": True}
    assert scene.generate(Shape.COMPLETIONS, body).json["choices"][0]["text"] == "Hi"
    streamed = scene.generate(
        Shape.COMPLETIONS, {**body, "stream": True, "stream_options": {"include_usage": True}}
    )
    assert streamed.events[0]["choices"][0]["text"] == "Hi"
    assert streamed.events[1:] == ["[DONE]"]
    assert scene.network.calls == []


def test_a_reply_that_is_not_json_is_an_upstream_error() -> None:
    reply = FakeReply(200, ((b"content-type", b"text/html"),), (b"<html>",))
    for body in ({"model": "gpt-4o", "prompt": "Hi"}, STREAM):
        with pytest.raises(UpstreamError):
            Scene(lambda _: reply).generate(Shape.COMPLETIONS, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"model": 5}',
        b'{"model": ""}',
        b'{"model": null}',
        b"{}",
        b'{"model": "a\\nb"}',
        b'{"model": "' + b"x" * 600 + b'"}',
        b'{"model": "m", "x": "\xff"}',
        b'{"model": "m", "x": ' + b"[" * 100_000,
        b'{"model": "m", "x": NaN}',
    ],
    ids=lambda b: repr(b[:24]),
)
def test_bad_bodies_are_400s_and_reach_no_upstream(body: bytes) -> None:
    scene = Scene(chat_server)
    with pytest.raises(InvalidRequest) as raised:
        scene.generate(Shape.CHAT, body)
    assert raised.value.status == 400
    assert scene.network.calls == []


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
def test_a_body_that_is_not_utf8_is_refused_where_the_route_is_known_too(shape: Shape) -> None:
    scene = Scene(chat_server)
    body = MESSAGES if shape is Shape.CHAT else PROMPT
    body = {**body, "model": "gpt-4o"}
    scene.generate(shape, body)
    sent = len(scene.network.calls)
    with pytest.raises(InvalidRequest) as raised:
        scene.generate(shape, msgspec.json.encode(body).replace(b"Hi", b"\xff"))
    assert raised.value.status == 400
    assert len(scene.network.calls) == sent


@pytest.mark.parametrize(
    ("shape", "bad"),
    [
        (Shape.CHAT, b'"Hi\xff"'),
        (Shape.COMPLETIONS, b'"Hi\xff"'),
        (Shape.COMPLETIONS, b"1e999"),
        (Shape.COMPLETIONS, b"9" * 5000),
    ],
    ids=["chat", "bytes", "number", "digits"],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_a_body_that_cannot_be_read_leads_to_no_upstream(
    shape: Shape, bad: bytes, *, is_known: bool
) -> None:
    scene = Scene(chat_server)
    body = {**(MESSAGES if shape is Shape.CHAT else PROMPT), "model": "gpt-4o", "user": "u"}
    if is_known:
        scene.generate(shape, body)
    decision = Decision()
    raw = msgspec.json.encode({**body, "stop": ["s"]}).replace(b'"s"', bad)
    call = GenerationRequest.at(shape, raw, ALICE)
    with pytest.raises(InvalidRequest) as raised:
        asyncio.run(scene.exchange.run(call, decision))
    assert raised.value.code == "invalid_json"
    assert (decision.upstream, decision.resolved_by, decision.attempts) == ("", "", 0)


def test_what_cannot_be_translated_is_refused_by_name_before_anything_is_sent() -> None:
    scene = Scene(chat_server)
    with pytest.raises(InvalidRequest) as raised:
        scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi", "suffix": "end"})
    assert raised.value.param == "suffix"
    assert scene.network.calls == []


def test_or_dropped_and_reported_where_the_operator_says_so() -> None:
    scene = Scene(chat_server, translation=TranslationSettings(on_unsupported="drop"))
    result = scene.generate(Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi", "suffix": "end"})
    assert "dropped=suffix" in result.decision.translation


def test_a_rule_can_override_the_translation_of_its_model() -> None:
    rule = ModelRule("gpt-4o", translation=TranslationSettings(on_unsupported="drop"))
    result = Scene(chat_server, rules=(rule,)).generate(
        Shape.COMPLETIONS, {"model": "gpt-4o", "prompt": "Hi", "suffix": "end"}
    )
    assert "dropped=suffix" in result.decision.translation


def test_an_error_body_too_large_to_be_a_refusal_is_passed_on() -> None:
    def answer(_: UpstreamCall) -> Answer:
        headers = ((b"content-type", b"text/html"), (b"content-length", b"100000"))
        return FakeReply(404, headers, (b"x" * 100_000,))

    result = Scene(answer).generate(Shape.CHAT, {**MESSAGES, "model": "gpt-4o"})
    assert (result.reply.status, len(result.body)) == (404, 100_000)
    with pytest.raises(GatewayError) as raised:
        Scene(answer).generate(Shape.COMPLETIONS, STREAM)
    assert raised.value.status == 404


@pytest.mark.parametrize("stream", [False, True])
def test_a_large_error_that_refuses_the_gateways_own_key_is_not_shown(stream: bool) -> None:
    def answer(_: UpstreamCall) -> Answer:
        headers = ((b"content-type", b"text/html"), (b"content-length", b"100000"))
        return FakeReply(401, headers, (b"x" * 100_000,))

    own = replace(OPENAI, credential=CredentialPolicy.KEY, api_key=Secret("sk-own"))
    request = {**MESSAGES, "model": "gpt-4o", "stream": stream}
    with pytest.raises(GatewayError) as raised:
        Scene(answer, own).generate(Shape.CHAT, request)
    assert (raised.value.status, raised.value.code) == (502, "upstream_auth_error")
    assert Scene(answer).generate(Shape.CHAT, request).reply.status == 401


@pytest.mark.parametrize("size", [100, 100_000])
def test_an_error_after_a_refusal_teaches_nothing_however_large_it_is(size: int) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/completions":
            return error_reply(404, CHAT_ONLY, param="model")
        headers = ((b"content-type", b"text/html"), (b"content-length", b"%d" % size))
        return FakeReply(500, headers, (b"x" * size,))

    async def scenario() -> None:
        scene = Scene(answer)
        for _ in range(2):
            with suppress(GatewayError):
                await scene.call(Shape.CHAT, {**MESSAGES, "model": "davinci-002"})
        paths = ["/completions", "/chat/completions"]
        assert generation_paths(scene) == paths * 2

    asyncio.run(scenario())


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_sender_sent_again_is_counted_as_well(
    shape: Shape, stream: bool, fails: bool
) -> None:
    def answer(call: UpstreamCall) -> Answer:
        call.resends += 1
        call.address = "http://10.0.0.2:8000/v1"
        if fails:
            return UpstreamError("no reply")
        return (
            stream_reply(chat_chunk("Hello", "stop")) if stream else json_reply(chat_completion())
        )

    prompt = (
        {"prompt": "Hi"}
        if shape is Shape.COMPLETIONS
        else {"messages": [{"role": "user", "content": "Hi"}]}
    )
    decision = Decision()
    body = msgspec.json.encode({"model": "gpt-4o-mini", "stream": stream, **prompt})
    running = Scene(answer).exchange.run(GenerationRequest.at(shape, body, ALICE), decision)
    try:
        asyncio.run(running)
    except UpstreamError:
        assert fails
    assert (decision.attempts, decision.resends) == (1, 1)
    assert decision.address == "http://10.0.0.2:8000/v1"
    assert b"10.0.0.2" not in decision.lines()
    assert (b"x-gateway-attempts", b"2") in decision.headers()


@pytest.mark.parametrize("status", [401, 404])
def test_a_model_that_is_not_there_is_not_announced_to_end(status: int) -> None:
    """The catalogue knows `gpt-4o*`, whatever follows."""
    scene = Scene(lambda _: error_reply(status, "no", code="model_not_found"))
    decision = Decision()
    call = GenerationRequest.at(Shape.CHAT, b'{"model":"gpt-4o-minni","messages":[]}')
    with suppress(ModelNotFound):
        asyncio.run(scene.exchange.run(call, decision))
    assert decision.attempts >= 1
    assert "shut down" not in decision.warning
