"""Clients of OpenAI's endpoints with a model that lives at `/v1/messages` only."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, ModelNotFound
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import OPENAI, Exchanged, Scene
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply
from tests.translate.chat_via_responses.cases import response
from tests.translate.messages_upstreams import (
    error_event,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)
from tests.translate.what_clients_see import error_seen, reply_seen, stream_seen

ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
CLIENTS = (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES)
FUNCTION = {"name": "f", "parameters": {"type": "object"}}
ASKED: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"prompt": "Hi", "max_tokens": 99},
    Shape.CHAT: {
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": FUNCTION}],
        "max_tokens": 99,
    },
    Shape.RESPONSES: {
        "input": "Hi",
        "tools": [{"type": "function", **FUNCTION}],
        "max_output_tokens": 99,
    },
}
SAID = message(text("Let me ädd."), tool_use("f", {"a": 1}), reason="tool_use")


def pieces_of(events: Sequence[Json], size: int = 0) -> list[bytes]:
    """Return a stream's bytes, event by event or in pieces of a size."""
    encoded = [
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), msgspec.json.encode(event))
        for event in events
    ]
    whole = b"".join(encoded)
    return [whole[at : at + size] for at in range(0, len(whole), size)] if size else encoded


def streamed(events: Sequence[Json], size: int = 0) -> FakeReply:
    return FakeReply(200, EVENT_STREAM, pieces_of(events, size))


def asked(client: Shape, answer: Answer, **more: Any) -> tuple[Exchanged, list[UpstreamCall]]:
    def answered(_: UpstreamCall) -> Answer:
        return answer if isinstance(answer, GatewayError) else replace(answer, closed=False)

    rule = ModelRule("m", endpoints=(Shape.MESSAGES,))
    scene = Scene(answered, ANTHROPIC, rules=(rule,))
    body = {"model": "m", **ASKED[client], **more}
    exchanged = scene.generate(client, body)
    return exchanged, [call for call in scene.network.calls if call.method == "POST"]


def seen(client: Shape, answer: Answer, *, stream: bool = False) -> str:
    try:
        exchanged, _ = asked(client, answer, stream=stream)
    except GatewayError as error:
        return error_seen(error)
    read = stream_seen(client, exchanged) if stream else reply_seen(client, exchanged.json)
    return "; ".join(map(str, read))


@pytest.mark.parametrize("client", CLIENTS)
def test_the_request_goes_to_messages(client: Shape) -> None:
    _, (call,) = asked(client, json_reply(message(text("Hi"))))
    assert call.path == "/messages"
    assert isinstance(call.body, bytes)
    body = msgspec.json.decode(call.body)
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert body["max_tokens"] == 99


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("size", [0, 1, 7, 10_000])
def test_streams_say_what_whole_replies_say(client: Shape, size: int) -> None:
    whole = seen(client, json_reply(SAID))
    assert "Let me ädd." in whole
    assert ("f" in whole and '{"a":1}' in whole) or client is Shape.COMPLETIONS
    assert seen(client, streamed(events_of(SAID), size), stream=True) == whole
    # Whatever was asked for, the bytes of the reply decide.
    assert seen(client, json_reply(SAID), stream=True) == whole
    assert seen(client, streamed(events_of(SAID), size)) == whole


@pytest.mark.parametrize("client", CLIENTS)
def test_long_texts_take_the_fast_path_unchanged(client: Shape) -> None:
    words = "".join(f"word {number} \\ \n" for number in range(200))
    answer = streamed(events_of(message(text(words)), 7), 64)
    assert repr(words) in seen(client, answer, stream=True)


@pytest.mark.parametrize("client", CLIENTS)
def test_streams_that_break_off_never_look_complete(client: Shape) -> None:
    events = events_of(SAID)
    for length in range(1, len(events)):
        result = seen(client, streamed(events[:length]), stream=True)
        assert "upstream_stream_truncated" in result or "HTTP 502" in result
        assert "finish: stop" not in result
        assert "finish: tool_calls" not in result
        assert "finish: completed" not in result


@pytest.mark.parametrize("client", CLIENTS)
def test_errors_before_the_first_block_have_a_status(client: Shape) -> None:
    start = events_of(SAID)[:2]
    for events in ([error_event()], [*start, error_event()]):
        assert seen(client, streamed(events), stream=True).startswith("HTTP 503")
    assert seen(client, json_reply(error_event(), 529)).startswith("HTTP 503")
    inside = seen(client, streamed([*events_of(SAID)[:5], error_event()]), stream=True)
    assert "error: server_error" in inside


@pytest.mark.parametrize("client", CLIENTS)
def test_errors_have_the_clients_words(client: Shape) -> None:
    too_long = error_event("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
    assert seen(client, json_reply(too_long, 400)) == "HTTP 400 context_length_exceeded"
    limit = error_event("invalid_request_error", "max_tokens: Input should be a valid integer")
    name = "max_output_tokens" if client is Shape.RESPONSES else "max_tokens"
    assert seen(client, json_reply(limit, 400)).endswith(f"about {name}")


THOUGHT = message(thinking("Two numbers.", "sig"), tool_use("f", {"a": 1}), reason="tool_use")
RESULT: Json = {"type": "function_call_output", "call_id": "toolu_f", "output": "3"}
CONVERSATION: list[Json] = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": [*THOUGHT["content"]]},
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_f", "content": "3"}],
    },
]


def two_turns(body: Json, more: Json, second: Json, *, stores: bool = False) -> Json:
    """Return what is sent in the second turn of a responses client."""
    rule = ModelRule("m", endpoints=(Shape.MESSAGES,))
    elsewhere = ModelRule("other", endpoints=(Shape.RESPONSES,), upstream="openai")
    scene = Scene(
        lambda call: json_reply(response() if call.path == "/responses" else THOUGHT),
        ANTHROPIC,
        OPENAI,
        rules=(rule, elsewhere),
        stores=stores,
    )
    first = scene.generate(Shape.RESPONSES, {"model": "m", **ASKED[Shape.RESPONSES], **body}).json
    asked_then = {"model": "m", **ASKED[Shape.RESPONSES], **body, **more, **second}
    if "previous_response_id" in asked_then:
        asked_then["previous_response_id"] = first["id"]
    else:
        said = {"role": "user", "content": "Hi"}
        asked_then["input"] = [said, *first["output"], *asked_then["input"]]
    scene.generate(Shape.RESPONSES, asked_then)
    body_sent = scene.network.calls[-1].body
    assert isinstance(body_sent, bytes)
    sent: Json = msgspec.json.decode(body_sent)
    return sent


SEALED: Json = {"include": ["reasoning.encrypted_content"], "store": False}


def test_thinking_comes_back_through_the_client() -> None:
    sent = two_turns(SEALED, {}, {"input": [RESULT]})
    assert sent["messages"] == CONVERSATION


def test_thinking_comes_back_from_the_store() -> None:
    more = {"previous_response_id": "", "input": [RESULT]}
    assert two_turns({}, more, {}, stores=True)["messages"] == CONVERSATION


def test_without_either_the_call_is_enough() -> None:
    sent = two_turns({"store": False}, {}, {"input": [RESULT]})
    assert sent["messages"][1]["content"] == CONVERSATION[1]["content"][1:]


def test_thinking_stays_from_other_servers() -> None:
    sent = two_turns(SEALED, {"model": "other"}, {"input": [RESULT]})
    assert [item.get("type", "message") for item in sent["input"]] == [
        *("message", "function_call", "function_call_output")
    ]
    assert b"sig" not in msgspec.json.encode(sent)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_parameter_that_anthropic_refuses_is_left_out_and_reported(
    client: Shape, stream: bool
) -> None:
    words = "zzz: Extra inputs are not permitted"
    refusal = msgspec.json.encode(error_event("invalid_request_error", words))

    def answered(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b'"zzz"' in call.body:
            return FakeReply(400, ((b"content-type", b"application/json"),), (refusal,))
        said = message(text("Hi"))
        return streamed(events_of(said)) if stream else json_reply(said)

    scene = Scene(answered, ANTHROPIC, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
    body = {"model": "m", **ASKED[client], "zzz": 1, "stream": stream}
    for attempts in (2, 1):
        result = scene.generate(client, body)
        assert (result.reply.status, result.decision.attempts) == (200, attempts)
        assert "dropped=zzz" in result.decision.translation


ZEN = UpstreamSettings("zen", "https://opencode.ai/zen/v1", kinds.OTHER)
FORMATS = {"/chat/completions": "oa-compat", "/responses": "openai", "/messages": "anthropic"}
NO_ROUTE = b"<!DOCTYPE html><html><head><title>Not Found | opencode</title></head></html>"


def zen(home: str, *, stream: bool = False) -> Callable[[UpstreamCall], Answer]:
    """Return what OpenCode Zen answers, one of whose models is at `home`."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "qwen3.7-max"}]})
        if call.path == home:
            said = message(text("Let me add."))
            return streamed(events_of(said)) if stream else json_reply(said)
        if call.path not in FORMATS:
            return FakeReply(404, ((b"content-type", b"text/html"),), (NO_ROUTE,))
        refusal = f"Model qwen3.7-max is not supported for format {FORMATS[call.path]}"
        error = {"type": "ModelError", "message": refusal}
        return json_reply({"type": "error", "error": error}, 401)

    return answer


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("client", "others"),
    [
        (Shape.COMPLETIONS, ["/completions", "/chat/completions", "/responses"]),
        (Shape.CHAT, ["/chat/completions", "/responses"]),
        (Shape.RESPONSES, ["/responses", "/chat/completions"]),
    ],
)
def test_a_refusal_of_the_format_leads_to_messages_and_is_remembered(
    client: Shape, others: list[str], stream: bool
) -> None:
    async def scenario() -> None:
        scene = Scene(zen("/messages", stream=stream), ZEN)
        for paths in ([*others, "/messages"], ["/messages"]):
            scene.network.calls.clear()
            asked = await scene.call(
                client, {"model": "qwen3.7-max", **ASKED[client], "stream": stream}
            )
            assert asked.reply.status == 200
            read = stream_seen(client, asked) if stream else reply_seen(client, asked.json)
            assert "Let me add." in "; ".join(map(str, read))
            assert [call.path for call in scene.network.calls if call.method == "POST"] == paths
        await scene.resolver.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("policy", list(CredentialPolicy))
@pytest.mark.parametrize("client", Shape)
def test_a_format_that_is_nowhere_is_said_and_not_the_keys_fault(
    policy: CredentialPolicy, client: Shape
) -> None:
    upstream = replace(ZEN, credential=policy, api_key=Secret("sk-own"))
    scene = Scene(zen(""), upstream)
    hello = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
    with pytest.raises(InvalidRequest) as raised:
        scene.generate(client, {"model": "qwen3.7-max", **ASKED.get(client, hello)})
    error = raised.value
    assert (error.status, error.param) == (404, "model")
    assert error.message.startswith("Model qwen3.7-max is not supported for format ")
    assert "only by another API, such as Gemini's, which is not translated." in error.message
    for shape in (Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES):
        assert shape.endpoint in error.message


def test_a_model_that_zen_does_not_have_is_not_found() -> None:
    def refuse(_: UpstreamCall) -> Answer:
        return error_reply(401, "Model GLM-5.2 is not supported", type="ModelError")

    with pytest.raises(ModelNotFound) as raised:
        Scene(refuse, ZEN).generate(Shape.CHAT, {"model": "GLM-5.2", **ASKED[Shape.CHAT]})
    assert (raised.value.status, raised.value.code) == (404, "model_not_found")
