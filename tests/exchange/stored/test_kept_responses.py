"""Items and responses that the gateway keeps: referred to, replayed, not cancelled."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule
from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.request import Request
from gateway.shapes import Json, RawHeaders, Shape
from tests.exchange.scene import ALICE, BOB, Scene
from tests.translate.demo_upstream import DemoUpstream
from tests.translate.openai_schema import check_response_event

MODEL = "gpt-4o-mini"
TOOL: Json = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class Stage:
    """A gateway with a store before a chat-only model."""

    def __init__(self, *, stores: bool = True) -> None:
        self.upstream = DemoUpstream()
        rules = (ModelRule(MODEL, endpoints=(Shape.CHAT,)),)
        self.scene = Scene(self.upstream.answer, rules=rules, stores=stores)
        self.kept = KeptResponses(self.scene.responses)

    def ask(self, given: Any, headers: RawHeaders = ALICE, **more: Any) -> Any:
        body = {"model": MODEL, "input": given, **more}
        result = self.scene.generate(Shape.RESPONSES, body, headers=headers)
        return result.events[-1]["response"] if more.get("stream") else result.json

    @property
    def sent(self) -> list[Json]:
        messages: list[Json] = self.upstream.requests[-1][1]["messages"]
        return messages

    def get(self, response: Json, query: bytes = b"", headers: RawHeaders = ALICE) -> ClientReply:
        request = Request("GET", "/responses/x", query, headers)
        found = asyncio.run(self.kept.retrieve(request, response["id"]))
        assert found is not None
        return found


def refer(item: Json) -> Json:
    return {"type": "item_reference", "id": item["id"]}


@pytest.mark.parametrize("stream", [False, True])
def test_the_items_of_a_kept_response_can_be_referred_to(*, stream: bool) -> None:
    """As the AI SDK does in every turn after the first."""
    stage = Stage()
    user = {"role": "user", "content": "call weather"}
    first = stage.ask([user], tools=[TOOL], stream=stream)
    (call,) = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sun"}
    second = stage.ask([user, refer(call), output], tools=[TOOL], stream=stream)
    assert [message["role"] for message in stage.sent] == ["user", "assistant", "tool"]
    (said,) = second["output"]
    bye = {"role": "user", "content": "Bye"}
    stage.ask([user, refer(call), output, {"id": said["id"]}, bye], tools=[TOOL])
    assert [message["role"] for message in stage.sent] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]
    assert stage.sent[3]["content"] == "The tool said: sun"


def test_the_items_outlive_the_response_that_they_came_with() -> None:
    stage = Stage()
    first = stage.ask("Hello")
    (said,) = first["output"]
    stage.ask([refer(said), {"role": "user", "content": "Again"}])
    asyncio.run(stage.scene.responses.delete(ALICE, None, first["id"]))
    stage.ask([refer(said), {"role": "user", "content": "More"}])
    assert stage.sent[0]["content"] == "You said: Hello"


def test_what_a_user_said_can_be_referred_to_as_it_is_listed() -> None:
    stage = Stage()
    first = stage.ask("Hello")
    request = Request("GET", "/responses/x/input_items", headers=ALICE)
    found = asyncio.run(stage.kept.input_items(request, first["id"]))
    assert found is not None
    assert isinstance(found.body, bytes)
    (item,) = msgspec.json.decode(found.body)["data"]
    assert item["id"].startswith("msg_")
    stage.ask([refer(item)])
    assert stage.sent == [{"role": "user", "content": "Hello"}]


def test_an_item_of_the_conversation_is_said_once() -> None:
    stage = Stage()
    first = stage.ask("Hello")
    again = [refer(first["output"][0]), {"role": "user", "content": "Again"}]
    stage.ask(again, previous_response_id=first["id"])
    assert [message["content"] for message in stage.sent] == ["Hello", "You said: Hello", "Again"]


def test_a_clients_own_id_is_not_what_references_find() -> None:
    stage = Stage()
    stage.ask([{"type": "message", "role": "user", "content": "Hello", "id": "msg_mine"}])
    with pytest.raises(InvalidRequest, match="not found"):
        stage.ask([refer({"id": "msg_mine"})])


@pytest.mark.parametrize("headers", [BOB, ()])
def test_another_caller_cannot_refer_to_an_item(headers: RawHeaders) -> None:
    stage = Stage()
    (said,) = stage.ask("Hello")["output"]
    calls = len(stage.upstream.requests)
    with pytest.raises(InvalidRequest) as refused:
        stage.ask([{"role": "user", "content": "x"}, refer(said)], headers)
    assert (refused.value.status, refused.value.code) == (400, "item_not_found")
    assert refused.value.param == "input[1]"
    assert "the same key" in refused.value.message
    assert len(stage.upstream.requests) == calls


def test_what_was_not_kept_is_not_found() -> None:
    stage = Stage()
    (said,) = stage.ask("Hello", store=False)["output"]
    with pytest.raises(InvalidRequest, match="not found"):
        stage.ask([refer(said)])


def test_without_a_store_the_refusal_names_both_remedies() -> None:
    stage = Stage(stores=False)
    with pytest.raises(InvalidRequest) as refused:
        stage.ask([{"role": "user", "content": "x"}, refer({"id": "msg_1"})])
    assert refused.value.param == "input[1]"
    assert "as clients do once 'store' is false" in refused.value.message
    assert "responses.store" in refused.value.message


def events_of(reply: ClientReply) -> list[Any]:
    assert dict(reply.headers)[b"content-type"].startswith(b"text/event-stream")
    assert isinstance(reply.body, bytes)
    lines = [line for line in reply.body.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(line[6:]) for line in lines]


def test_a_response_is_replayed_as_events() -> None:
    stage = Stage()
    response = stage.ask("Hello", stream=True)
    events = events_of(stage.get(response, b"stream=true"))
    for event in events:
        check_response_event(event)
    assert events[-1]["response"] == response
    assert events_of(stage.get(response, b"stream=true&starting_after=3")) == events[4:]
    assert events_of(stage.get(response, b"stream=1&starting_after=99")) == []


@pytest.mark.parametrize("query", [b"", b"stream=false", b"stream=", b"include[]=x&include=y"])
def test_a_response_is_an_object_otherwise(query: bytes) -> None:
    stage = Stage()
    response = stage.ask("Hello")
    reply = stage.get(response, query)
    assert isinstance(reply.body, bytes)
    assert msgspec.json.decode(reply.body) == response


@pytest.mark.parametrize(
    ("query", "param"),
    [(b"stream=yes", "stream"), (b"stream=true&starting_after=x", "starting_after")],
)
def test_a_query_that_cannot_be_obeyed_is_refused(query: bytes, param: str) -> None:
    stage = Stage()
    response = stage.ask("Hello")
    with pytest.raises(InvalidRequest) as refused:
        stage.get(response, query)
    assert refused.value.param == param


def test_a_response_that_has_ended_is_not_cancelled() -> None:
    stage = Stage()
    response = stage.ask("Hello")
    request = Request("POST", "/responses/x/cancel", headers=ALICE)
    with pytest.raises(GatewayError) as refused:
        asyncio.run(stage.kept.refuse_cancel(request, response["id"]))
    assert (refused.value.status, refused.value.type) == (400, "invalid_request_error")
    asyncio.run(stage.kept.refuse_cancel(request, "resp_other"))


def test_a_client_of_the_gateways_own_gets_its_items_back() -> None:
    stage = Stage()
    client = ClientSettings("team-a", ("1" * 64,))
    body: Mapping[str, Any] = {"model": MODEL, "input": "Hello"}
    first = stage.scene.generate(Shape.RESPONSES, body, client=client).json
    again = {"model": MODEL, "input": [refer(first["output"][0])]}
    assert stage.scene.generate(Shape.RESPONSES, again, client=client).reply.status == 200
