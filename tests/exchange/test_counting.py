"""Counting the tokens of messages requests, where a server can."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    UpstreamSettings,
)
from gateway.errors import ModelNotFound, PermissionDenied, UpstreamError
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.counting import TokenCounter
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.fakes import Answer, FakeReply, error_reply, json_reply

LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
COUNT, RESPONSES = "/messages/count_tokens", "/responses/input_tokens"


def counted(
    scene: Scene,
    body: Any = BODY,
    client: ClientSettings | None = None,
    decision: Decision | None = None,
) -> tuple[ClientReply, Decision]:
    noted = decision or Decision()

    async def count() -> ClientReply:
        forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
        raw = msgspec.json.encode(body)
        request = Request("POST", COUNT, headers=ALICE, body=raw, client=client)
        reply = await TokenCounter(scene.exchange, forwarder).count_tokens(request, noted)
        if isinstance(reply.body, bytes):
            return reply
        read = b"".join([piece async for piece in reply.body])
        await reply.body.aclose()
        return ClientReply(reply.status, reply.headers, read)

    return asyncio.run(count()), noted


def number_in(reply: ClientReply) -> Any:
    assert isinstance(reply.body, bytes)
    return msgspec.json.decode(reply.body)


def _counts(call: UpstreamCall) -> Answer:
    if call.path == COUNT:
        return json_reply({"input_tokens": 5, "context_management": None})
    return json_reply({"data": [{"id": "gpt-4o", "owned_by": "vllm"}]})


def test_a_server_with_the_endpoint_counts_itself() -> None:
    scene = Scene(_counts, LOCAL)
    reply, _ = counted(scene)
    assert number_in(reply) == {"input_tokens": 5, "context_management": None}
    assert scene.network.bodies() == [BODY]


@pytest.mark.parametrize("signed", [{"signature": "gw1.abc"}, {"data": "gw1."}])
@pytest.mark.parametrize("beside", [[], [{"type": "text", "text": "Hello"}]])
def test_thinking_that_a_gateway_has_signed_is_not_counted(signed: Any, beside: Any) -> None:
    scene = Scene(_counts, LOCAL)
    kind = "thinking" if "signature" in signed else "redacted_thinking"
    own = {"type": "thinking", "thinking": "gw1.", "signature": "Eq4"}
    said = [
        {"role": "assistant", "content": [{"type": kind, "thinking": "hm", **signed}, *beside]},
        {"role": "assistant", "content": [own]},
    ]
    question: list[Any] = [{"role": "user", "content": "Hi"}]
    reply, decision = counted(scene, {**BODY, "messages": [*question, *said, *question]})
    assert number_in(reply)["input_tokens"] == 5
    (body,) = scene.network.bodies()
    left = [{"role": "assistant", "content": beside}] if beside else []
    assert body["messages"] == [*question, *left, said[1], *question]
    assert decision.translation == ("from=messages; to=messages; dropped=messages[1].content[0]")


def test_only_signatures_are_looked_at() -> None:
    scene = Scene(_counts, LOCAL)
    body = {**BODY, "messages": [{"role": "user", "content": "gw1."}]}
    _, decision = counted(scene, body)
    assert scene.network.bodies() == [body]
    assert not decision.translation


def test_openai_counts_the_translated_request() -> None:
    scene = Scene(lambda _: json_reply({"object": "response.input_tokens", "input_tokens": 7}))
    reply, decision = counted(scene)
    assert number_in(reply) == {"input_tokens": 7}
    assert scene.network.paths == [f"POST {RESPONSES}"]
    (body,) = scene.network.bodies()
    assert body["model"] == "gpt-4o"
    assert body["input"][0]["role"] == "user"
    assert "max_output_tokens" not in body
    assert decision.endpoint == f"/v1{RESPONSES}"
    assert decision.translation.startswith("from=messages; to=responses")
    assert (decision.model_asked, decision.model_sent) == ("gpt-4o", "gpt-4o")


def test_a_large_request_is_counted_like_a_small_one() -> None:
    scene = Scene(lambda _: json_reply({"object": "response.input_tokens", "input_tokens": 9}))
    said = [{"role": "user", "content": "é" * 300}, {"role": "assistant", "content": "b"}] * 1_000
    reply, _ = counted(scene, {**BODY, "messages": said})
    assert number_in(reply) == {"input_tokens": 9}
    (sent,) = scene.network.bodies()
    assert [item["content"] for item in sent["input"]] == [turn["content"] for turn in said]


@pytest.mark.parametrize(
    "missing",
    [json_reply({"detail": "Not Found"}, 404), error_reply(404, "Invalid URL (POST /v1)")],
)
def test_where_nothing_counts_there_is_no_number(missing: Answer) -> None:
    with pytest.raises(ModelNotFound, match="no endpoint that does") as raised:
        counted(Scene(lambda _: missing))
    assert raised.value.code == "unsupported_endpoint"


def test_a_model_that_lives_at_chat_alone_is_not_counted() -> None:
    with pytest.raises(ModelNotFound, match="Estimate in the client"):
        counted(
            Scene(
                lambda _: json_reply({}),
            ),
            {**BODY, "model": "davinci-002"},
        )


@pytest.mark.parametrize(
    "missing",
    [
        {"detail": "Not Found"},
        {"type": "error", "error": {"type": "not_found_error", "message": "Not Found"}},
    ],
)
def test_a_messages_server_without_the_endpoint_does_not_count(missing: Json) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == COUNT:
            return json_reply(missing, 404)
        return json_reply({"data": [{"id": "gpt-4o", "owned_by": "vllm"}]})

    with pytest.raises(ModelNotFound):
        counted(Scene(answer, LOCAL))


def test_an_error_of_the_count_is_the_clients() -> None:
    refused = error_reply(429, "Slow down", code="rate_limit_exceeded")
    with pytest.raises(UpstreamError, match="Slow down") as raised:
        counted(Scene(lambda _: refused))
    assert raised.value.status == 429


def test_it_names_the_model_as_the_client_does() -> None:
    def busy(_: UpstreamCall) -> Answer:
        return error_reply(429, "gpt-4o is busy.")

    body = {**BODY, "model": "fast"}
    rules = (ModelRule("fast", model="gpt-4o", endpoints=(Shape.RESPONSES,)),)
    with pytest.raises(UpstreamError) as raised:
        counted(Scene(busy, rules=rules), body)
    assert raised.value.message == "fast is busy."
    rules = (ModelRule("fast", model="gpt-4o", endpoints=(Shape.MESSAGES,)),)
    reply, _ = counted(Scene(busy, LOCAL, rules=rules), body)
    assert number_in(reply)["error"]["message"] == "fast is busy."


def test_a_count_that_is_none_is_an_upstreams_fault() -> None:
    with pytest.raises(UpstreamError, match="has no 'input_tokens'"):
        counted(Scene(lambda _: json_reply({"input_tokens": "7"})))


@pytest.mark.parametrize("body", [b'{"input_tokens": "7"}', b"[]", b"<html>"])
def test_an_error_about_a_count_has_the_replys_id(body: bytes) -> None:
    decision = Decision()
    reply = FakeReply(200, ((b"x-request-id", b"up-1"),), (body,))
    with pytest.raises(UpstreamError):
        counted(Scene(lambda _: reply), decision=decision)
    assert decision.request_id == "up-1"


def test_a_restricted_client_counts_for_its_own_models() -> None:
    team = ClientSettings("team", ("0" * 64,), ("mine*",))
    with pytest.raises(PermissionDenied):
        counted(Scene(lambda _: json_reply({})), client=team)
