"""Conversations of responses clients with models that keep nothing: the gateway keeps them."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

import pytest

from gateway.config.settings import ClientSettings, ModelRule
from gateway.errors import GatewayError, InvalidRequest, TruncatedStream
from gateway.exchange.bodies.request_fields import read_routed
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.stored import conversations
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.exchange.stored.responses import (
    StoredResponse,
    StoreError,
)
from gateway.request import GenerationRequest, Request
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from gateway.stores.memory import MemoryStore
from tests.exchange.scene import ALICE, BOB, Exchanged, Scene, chat_chunk, chat_completion
from tests.fakes import FakeClock, FakeReply, error_reply, json_reply, stream_reply
from tests.translate.demo_upstream import DemoUpstream, byte_by_byte
from tests.translate.openai_schema import check_schema
from tests.translate.what_clients_see import reply_seen, stream_seen

MODEL = "gpt-4o-mini"
WEATHER: Json = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def scene(upstream: DemoUpstream, home: Shape = Shape.CHAT, *, stores: bool = True) -> Scene:
    return Scene(upstream.answer, rules=(ModelRule(MODEL, endpoints=(home,)),), stores=stores)


def ask(
    stage: Scene,
    headers: RawHeaders = ALICE,
    client: ClientSettings | None = None,
    **body: Any,
) -> Exchanged:
    asked = {"model": MODEL, **body}
    return stage.generate(Shape.RESPONSES, asked, headers=headers, client=client)


def sent(upstream: DemoUpstream) -> list[Json]:
    """The messages of the last call."""
    messages: list[Json] = upstream.requests[-1][1]["messages"]
    return messages


def looking(headers: RawHeaders = ALICE, query: bytes = b"") -> Request:
    return Request("GET", "/responses/x", query, headers)


def kept(stage: Scene, response_id: str, headers: RawHeaders = ALICE) -> Any:
    kept = KeptResponses(stage.exchange.responses)
    found = asyncio.run(kept.retrieve(looking(headers), response_id))
    if found is None:
        return None
    return Exchanged(found, Decision(), found.body if isinstance(found.body, bytes) else b"").json


def listed(stage: Scene, response_id: str) -> Any:
    kept = KeptResponses(stage.exchange.responses)
    found = asyncio.run(kept.input_items(looking(), response_id))
    assert found is not None
    assert isinstance(found.body, bytes)
    return Exchanged(found, Decision(), found.body).json


def test_a_conversation_goes_on_from_its_last_response() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream)
    first = ask(stage, input="Hello", instructions="Be brief.").json
    assert (first["store"], first["previous_response_id"]) == (True, None)
    second = ask(stage, input="Again", previous_response_id=first["id"]).json
    # The instructions of a response are its own, as at OpenAI: they are not carried over.
    assert sent(upstream) == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "You said: Hello"},
        {"role": "user", "content": "Again"},
    ]
    assert second["previous_response_id"] == first["id"]
    third = ask(stage, input="More", previous_response_id=second["id"]).json
    assert len(sent(upstream)) == 5
    assert third["id"] not in (first["id"], second["id"])
    # One can go back and take another turn.
    ask(stage, input="Or not", previous_response_id=first["id"])
    assert [message["content"] for message in sent(upstream)][1:] == ["You said: Hello", "Or not"]


def test_a_large_conversation_goes_on_like_a_small_one() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream)
    store = MemoryStore(100, 10_000_000, FakeClock())
    stage.exchange.responses = ResponseMemory(store, stage.seals)
    turns = [{"role": "user", "content": f"{number} {'é' * 300}"} for number in range(1_000)]
    first = ask(stage, input=turns).json
    ask(stage, input="Again", previous_response_id=first["id"])
    said = [message["content"] for message in sent(upstream)]
    assert said[:1_000] == [turn["content"] for turn in turns]
    assert said[1_001:] == ["Again"]
    assert len(listed(stage, first["id"])["data"]) > 0


@pytest.mark.parametrize("split", [None, byte_by_byte])
def test_a_streamed_response_is_kept_as_the_client_saw_it(split: Any) -> None:
    upstream = DemoUpstream(*([split] if split else []))
    stage = scene(upstream)
    result = ask(stage, input="Hello", stream=True)
    (seen,) = stream_seen(Shape.RESPONSES, result)
    assert seen.text == "You said: Hello"
    last = result.events[-1]["response"]
    assert kept(stage, last["id"]) == last
    carrying = [event["response"] for event in result.events if "response" in event]
    assert {response["store"] for response in carrying} == {True}
    ask(stage, input="Again", previous_response_id=last["id"], stream=True)
    assert len(sent(upstream)) == 3


def test_a_response_is_kept_before_the_client_has_its_last_event() -> None:
    """A client may leave, or continue, as soon as it has that."""
    stage = scene(DemoUpstream())

    async def scenario() -> tuple[bytes, Any]:
        body = b'{"model": "gpt-4o-mini", "input": "Hello", "stream": true}'
        reply = await stage.exchange.run(
            GenerationRequest.at(Shape.RESPONSES, body, ALICE), Decision()
        )
        assert not isinstance(reply.body, bytes)
        received = b""
        async for chunk in reply.body:
            received += chunk
            if b"response.completed" in chunk:
                break
        response_id = received.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
        found = await stage.responses.find(ALICE, None, response_id)
        await reply.body.aclose()
        return received, found

    received, found = asyncio.run(scenario())
    assert b"response.completed" in received
    assert found is not None


@pytest.mark.parametrize("words", ["!truncate", "!fail-midstream"])
def test_a_response_that_failed_is_not_kept(words: str) -> None:
    stage = scene(DemoUpstream())
    failed = ask(stage, input=words, stream=True).events[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["store"] is True
    assert kept(stage, failed["id"]) is None


def test_a_tool_loop_of_two_turns() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream)
    first = ask(stage, input="call weather", tools=[WEATHER]).json
    (call,) = first["output"]
    assert call["type"] == "function_call"
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    second = ask(stage, input=[output], tools=[WEATHER], previous_response_id=first["id"])
    (seen,) = reply_seen(Shape.RESPONSES, second.json)
    assert seen.text == "The tool said: sunny"
    assert [message["role"] for message in sent(upstream)] == ["user", "assistant", "tool"]


def test_a_base_model_has_conversations_too() -> None:
    upstream = DemoUpstream()
    model = "gpt-3.5-turbo-instruct"
    stage = Scene(
        upstream.answer, rules=(ModelRule(model, endpoints=(Shape.COMPLETIONS,)),), stores=True
    )
    first = stage.generate(Shape.RESPONSES, {"model": model, "input": "Hello"}).json
    body = {"model": model, "input": "Again", "previous_response_id": first["id"]}
    stage.generate(Shape.RESPONSES, body)
    prompt = upstream.requests[-1][1]["prompt"]
    assert prompt.startswith("User: Hello\nAssistant:")
    assert prompt.endswith("\nUser: Again\nAssistant:")


def test_store_false_keeps_nothing_but_may_continue() -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, input="Hello").json
    second = ask(stage, input="Again", previous_response_id=first["id"], store=False).json
    assert (second["store"], second["previous_response_id"]) == (False, first["id"])
    assert kept(stage, second["id"]) is None
    streamed = ask(stage, input="Again", store=False, stream=True).events[-1]["response"]
    assert kept(stage, streamed["id"]) is None


def test_the_report_says_that_store_was_dropped_only_where_it_was() -> None:
    obeyed = ask(scene(DemoUpstream()), input="Hello", store=True, metadata={"a": "b"})
    assert obeyed.decision.translation == "from=responses; to=chat; dropped=metadata"
    ignored = ask(scene(DemoUpstream(), stores=False), input="Hello", store=True)
    assert ignored.decision.translation == "from=responses; to=chat; dropped=store"
    assert ignored.json["store"] is False


def test_another_caller_cannot_continue_see_or_delete_a_response() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream)
    first = ask(stage, input="Hello").json
    calls = len(upstream.requests)
    with pytest.raises(GatewayError) as refused:
        ask(stage, BOB, input="Again", previous_response_id=first["id"])
    assert refused.value.status == 400
    assert refused.value.code == "previous_response_not_found"
    assert refused.value.param == "previous_response_id"
    assert len(upstream.requests) == calls
    assert kept(stage, first["id"], BOB) is None
    assert not asyncio.run(stage.responses.delete(BOB, None, first["id"]))
    assert kept(stage, first["id"]) == first


@pytest.mark.parametrize(
    "headers",
    [
        (*ALICE, (b"openai-organization", b"org-a")),
        (*ALICE, (b"openai-project", b"proj-a")),
        ((b"api-key", b"Bearer alice"),),
        (),
    ],
)
def test_an_owner_is_the_whole_credential(headers: RawHeaders) -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, headers, input="Hello").json
    assert kept(stage, first["id"], headers) == first
    assert kept(stage, first["id"], (*headers, (b"user-agent", b"x"))) == first
    assert kept(stage, first["id"]) is None


def test_what_a_client_has_stored_outlives_its_key() -> None:
    team, other = (ClientSettings(name, ("0" * 64, "1" * 64)) for name in ("team", "other"))
    stage = scene(DemoUpstream())
    first = ask(stage, client=team, input="Hello").json

    async def of(headers: RawHeaders, client: ClientSettings | None) -> bool:
        return await stage.responses.find(headers, client, first["id"]) is not None

    for headers in (ALICE, BOB, ((b"x-api-key", b"k"), (b"openai-organization", b"o"))):
        assert asyncio.run(of(headers, team))
        assert not asyncio.run(of(headers, other))
        assert not asyncio.run(of(headers, None))
    again = ask(stage, BOB, client=team, input="Again", previous_response_id=first["id"])
    assert again.reply.status == 200


def test_without_a_store_the_refusal_says_how_to_switch_it_on() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream, stores=False)
    with pytest.raises(InvalidRequest) as refused:
        ask(stage, input="Again", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    assert "responses: {store: memory://}" in refused.value.message
    assert upstream.requests == []
    assert ask(stage, input="Hello", previous_response_id=None).json["store"] is False
    own = KeptResponses(stage.responses)
    for look in (own.retrieve, own.input_items, own.delete, own.refuse_cancel):
        assert asyncio.run(look(looking(), "resp_1")) is None
    asyncio.run(stage.responses.aclose())


@pytest.mark.parametrize("stores", [True, False])
@pytest.mark.parametrize("named", ["conv_1", {"id": "conv_1"}])
def test_a_response_and_a_conversation_are_not_continued_at_once(named: Any, stores: bool) -> None:
    upstream = DemoUpstream()
    stage = scene(upstream, stores=stores)
    with pytest.raises(InvalidRequest) as refused:
        ask(stage, input="Again", previous_response_id="resp_1", conversation=named)
    assert refused.value.code == "mutually_exclusive_parameters"
    assert "'conversation'" in refused.value.message
    assert upstream.requests == []


def test_a_null_conversation_is_absent() -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, input="Hello").json
    second = ask(stage, input="Again", previous_response_id=first["id"], conversation=None).json
    assert second["previous_response_id"] == first["id"]


def test_an_id_that_is_not_a_string_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(scene(DemoUpstream()), input="Again", previous_response_id=7)
    assert refused.value.param == "previous_response_id"
    assert refused.value.code == "invalid_type"


def test_a_model_at_responses_keeps_its_conversations_itself() -> None:
    upstream = DemoUpstream()
    stage = scene(upstream, Shape.RESPONSES)
    result = ask(stage, input="Hello", previous_response_id="resp_theirs")
    assert result.reply.status == 400
    assert "resp_theirs" in result.json["error"]["message"]
    assert upstream.requests[-1][1]["previous_response_id"] == "resp_theirs"
    answered = ask(stage, input="Hello").json
    assert kept(stage, answered["id"]) is None


def test_a_kept_response_can_be_deleted_once() -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, input="Hello").json
    own = KeptResponses(stage.responses)
    deleted = asyncio.run(own.delete(looking(), first["id"]))
    assert deleted is not None
    assert deleted.body == b'{"id":"%s","object":"response","deleted":true}' % first["id"].encode()
    assert asyncio.run(own.delete(looking(), first["id"])) is None
    with pytest.raises(GatewayError, match="not found"):
        ask(stage, input="Again", previous_response_id=first["id"])


def test_input_items_are_listed_newest_first_and_valid() -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, input="call weather", tools=[WEATHER]).json
    output = {
        "type": "function_call_output",
        "call_id": first["output"][0]["call_id"],
        "output": "sunny",
    }
    turns = [output, {"role": "assistant", "content": "Fine."}, {"role": "user", "content": "So?"}]
    second = ask(stage, input=turns, previous_response_id=first["id"]).json
    items = listed(stage, second["id"])
    for item in items["data"]:
        check_schema("InputItem", item)
        assert item["id"]
    assert [item["type"] for item in items["data"]] == [
        "message",
        "message",
        "function_call_output",
        "function_call",
        "message",
    ]
    assert items["data"][0]["content"] == [{"type": "input_text", "text": "So?"}]
    assert items["data"][1]["content"][0]["type"] == "output_text"
    assert items["first_id"] == items["data"][0]["id"]
    assert items["last_id"] == items["data"][-1]["id"]
    assert len({item["id"] for item in items["data"]}) == 5
    assert items["has_more"] is False


def test_an_empty_input_is_an_empty_list() -> None:
    stage = scene(DemoUpstream())
    stored = StoredResponse({"id": "resp_1", "output": "odd"}, [])
    owner = stage.responses._owner(ALICE, None)
    assert stage.responses._store is not None
    asyncio.run(stage.responses._store.put(owner, "resp_1", stored))
    assert listed(stage, "resp_1") == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


class FullStore:
    """A store that cannot keep anything."""

    secret = b"k"
    is_failing = True

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        return None

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        raise OSError("disk full")

    async def delete(self, owner: str, response_id: str) -> bool:
        return False

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        return {}

    async def aclose(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize("streamed", [False, True])
def test_a_store_that_fails_does_not_cost_the_reply(
    caplog: pytest.LogCaptureFixture, *, streamed: bool
) -> None:
    stage = scene(DemoUpstream())
    stage.exchange.responses = ResponseMemory(FullStore(), stage.seals)
    with caplog.at_level(logging.ERROR, "gateway"):
        result = ask(stage, input="Hello", stream=streamed)
    assert b"You said: Hello" in result.body
    assert "a response could not be stored" in caplog.text
    assert "Hello" not in caplog.messages[0]


def test_a_reply_that_is_too_large_to_be_stored_says_so_and_so_does_who_continues_it() -> None:
    stage = scene(DemoUpstream())
    small = MemoryStore(100, 10, FakeClock())
    memory = stage.exchange.responses = ResponseMemory(small, stage.seals)
    result = ask(stage, input="Hello")
    assert (
        "this response is not stored, so no later request can continue it: it is too large (it has"
        in result.decision.warning
    )
    assert memory.not_stored == 1
    with pytest.raises(GatewayError, match="could not be stored when it was made: it is too large"):
        ask(stage, input="Again", previous_response_id=result.json["id"])
    for headers, response_id in ((BOB, result.json["id"]), (ALICE, "resp_1")):
        with pytest.raises(GatewayError, match=r"not found\.$"):
            ask(stage, headers, input="Again", previous_response_id=response_id)
    unstored = ask(stage, input="Hello", store=False)
    assert "not stored" not in unstored.decision.warning
    assert memory.not_stored == 1


def test_a_conversation_of_too_many_items_is_not_stored_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "_MOST_ITEMS", 3)
    stage = scene(DemoUpstream())
    said = [{"role": "user", "content": "Hello"}] * 3
    warning = ask(stage, input=said).decision.warning
    assert "it has 4 items, of which 3 can be stored" in warning
    assert "not stored" not in ask(stage, input=said[:2]).decision.warning


@pytest.mark.parametrize("streamed", [False, True])
def test_a_store_that_is_known_to_fail_is_a_warning(*, streamed: bool) -> None:
    stage = scene(DemoUpstream())
    stage.exchange.responses = ResponseMemory(FullStore(), stage.seals)
    result = ask(stage, input="Hello", stream=streamed)
    assert "stored" in result.decision.warning
    assert ("may not be" in result.decision.warning) == streamed
    assert stage.exchange.responses.not_stored == 1


class TroubledStore(MemoryStore):
    """A store that works only while it is `well`."""

    def __init__(self) -> None:
        super().__init__(100, 100_000, FakeClock())
        self.well = False

    def _check(self) -> None:
        if not self.well:
            raise StoreError("database is locked")

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        self._check()
        return await super().get(owner, response_id)

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        self._check()
        return await super().items(owner, ids)

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        self._check()
        await super().put(owner, response_id, stored)

    async def delete(self, owner: str, response_id: str) -> bool:
        self._check()
        return await super().delete(owner, response_id)


@pytest.mark.parametrize("streamed", [False, True])
def test_trouble_with_the_store_is_one_line_of_the_log_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture, *, streamed: bool
) -> None:
    stage, store = scene(DemoUpstream()), TroubledStore()
    stage.exchange.responses = ResponseMemory(store, stage.seals)
    for _ in range(3):
        assert b"You said: Hello" in ask(stage, input="Hello", stream=streamed).body
    store.well = True
    for _ in range(2):
        assert b"You said: Hello" in ask(stage, input="Hello", stream=streamed).body
    begun, ended = caplog.messages
    assert begun.startswith("a response could not be stored: database is locked;")
    assert ended == "responses are stored again, after 3 failures"
    assert not any(record.exc_info for record in caplog.records)


def test_what_cannot_be_read_at_the_moment_is_said_so(caplog: pytest.LogCaptureFixture) -> None:
    upstream = DemoUpstream()
    stage, store = scene(upstream), TroubledStore()
    stage.exchange.responses = ResponseMemory(store, stage.seals)
    own = KeptResponses(stage.exchange.responses)
    store.well = True
    first = ask(stage, input="Hello").json
    store.well = False
    calls = len(upstream.requests)
    for attempt in (
        lambda: ask(stage, input="Again", previous_response_id=first["id"]),
        lambda: ask(stage, input=[{"type": "item_reference", "id": "msg_1"}]),
        lambda: asyncio.run(own.retrieve(looking(), first["id"])),
        lambda: asyncio.run(own.input_items(looking(), first["id"])),
        lambda: asyncio.run(own.refuse_cancel(looking(), first["id"])),
        lambda: asyncio.run(own.delete(looking(), first["id"])),
    ):
        with pytest.raises(GatewayError) as raised:
            attempt()
        assert (raised.value.status, raised.value.code) == (503, "store_unavailable")
        assert ("retry-after", "1") in raised.value.headers
    assert "cannot be deleted" in raised.value.message
    assert len(upstream.requests) == calls
    assert len(caplog.messages) == 1
    store.well = True
    assert asyncio.run(own.delete(looking(), first["id"])) is not None


def test_a_reply_without_an_id_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = scene(DemoUpstream())
    stored: list[Callable[..., Any]] = []
    assert stage.responses._store is not None
    monkeypatch.setattr(stage.responses._store, "put", stored.append)

    async def scenario() -> None:
        call = GenerationRequest.at(
            Shape.RESPONSES, b'{"model": "gpt-4o-mini", "input": "Hi"}', ALICE
        )
        query = ModelQuery(MODEL, Shape.RESPONSES, frozenset(), ALICE)
        route = await stage.resolver.resolve(query)
        attempt = stage.exchange.attempts.build(call, route, Shape.CHAT, ())
        assert attempt.translation is not None
        recording = stage.responses.recording(read_routed(call.body), attempt.translation)
        assert recording is not None
        for response in (None, {"id": None}):
            recording.response = response
            await stage.responses._put(call, recording)

    asyncio.run(scenario())
    assert stored == []


def test_closing_closes_the_store() -> None:
    stage = scene(DemoUpstream())
    first = ask(stage, input="Hello").json
    asyncio.run(stage.responses.aclose())
    assert kept(stage, first["id"]) is None


def test_a_stored_stream_reports_the_error_that_its_client_was_sent() -> None:
    stage = Scene(
        lambda _: stream_reply(chat_chunk("Hi"), done=False, error=TruncatedStream("cut")),
        rules=(ModelRule("m", endpoints=(Shape.CHAT,)),),
        stores=True,
    )
    result = stage.generate(Shape.RESPONSES, {"model": "m", "input": "x", "stream": True})
    assert isinstance(result.reply.body, ReplyBody)
    assert result.reply.body.failure is not None
    assert result.reply.body.failure.message == "cut"


def keeping_its_own(status: int, message: str) -> Scene:
    """Return a scene with a model at responses that refuses, and one at chat that does not."""

    def answer(call: UpstreamCall) -> FakeReply:
        if call.path == "/responses":
            return error_reply(status, message)
        return json_reply(chat_completion("Hi"))

    homes = {"keeper": Shape.RESPONSES, MODEL: Shape.CHAT}
    rules = tuple(ModelRule(name, endpoints=(home,)) for name, home in homes.items())
    return Scene(answer, rules=rules, stores=True)


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_gateway_keeps_is_not_known_to_a_model_that_keeps_its_own(stream: bool) -> None:
    unknown = "Previous response with id 'resp_x' not found."
    stage = keeping_its_own(404, unknown)
    first = ask(stage, input="Hello").json
    item = {"type": "item_reference", "id": first["output"][0]["id"]}
    named: dict[str, Json] = {
        "previous_response_id": {"input": "Again", "previous_response_id": first["id"]},
        "input[1]": {"input": [{"role": "user", "content": "Again"}, item]},
    }
    for param, body in named.items():
        with pytest.raises(InvalidRequest, match="is stored by the gateway") as refused:
            ask(stage, model="keeper", stream=stream, **body)
        assert refused.value.param == param
    result = ask(stage, model="keeper", stream=stream, input="A", previous_response_id="resp_x")
    assert result.json["error"]["message"] == unknown


def test_other_refusals_are_not_about_what_the_gateway_keeps() -> None:
    stage = keeping_its_own(429, "Slow down.")
    first = ask(stage, input="Hello").json
    result = ask(stage, model="keeper", input="Again", previous_response_id=first["id"])
    assert result.reply.status == 429
