"""Turns that continue others: from the socket's memory, a store, or the model's own server."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.memory import ConnectionMemory
from gateway.exchange.remembered.turns import Turn, Turns
from gateway.exchange.stored.responses import StoreError
from gateway.request import GenerationRequest
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import ALICE, OPENAI, Scene, chat_completion
from tests.fakes import Answer, FakeReply, error_reply, json_reply
from tests.translate.demo_upstream import ANTHROPIC

MODEL, OTHER, CLAUDE = "gpt-4o-mini", "gpt-4o", "claude-opus-5-5"
TOOL = {"type": "function", "name": "weather", "parameters": {}, "strict": False}
BARE = {"type": "reasoning", "id": "rs_1", "summary": []}
SEALED = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "x"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
NOT_FOUND = error_reply(
    400,
    "Previous response with id 'resp_1' not found.",
    code="previous_response_not_found",
    param="previous_response_id",
)


def message(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


class Conversation:
    """The turns of one socket; MODEL lives at `home`, OTHER at chat."""

    def __init__(
        self,
        home: Shape,
        answer: Callable[[UpstreamCall], Answer] | None = None,
        *,
        stores: bool = False,
    ) -> None:
        rules = (
            ModelRule(MODEL, endpoints=(home,)),
            ModelRule(OTHER, endpoints=(Shape.CHAT,)),
            ModelRule(CLAUDE, endpoints=(Shape.MESSAGES,)),
        )
        upstream = ANTHROPIC if home is Shape.MESSAGES else OPENAI
        self.scene = Scene(answer or self.answer, upstream, rules=rules, stores=stores)
        self.turns = Turns(self.scene.exchange)
        self.memory = ConnectionMemory(100_000, 10)
        self.decision = Decision()
        self.output: list[Json] = [BARE, SEALED, SAID]
        self.stored = False
        self.request = GenerationRequest.at(Shape.RESPONSES, b"", ALICE)

    def answer(self, call: UpstreamCall) -> Answer:
        if call.path == "/chat/completions":
            return json_reply(chat_completion())
        return json_reply({"id": "resp_1", "output": self.output, "store": self.stored})

    def begin(self, **body: Any) -> tuple[Turn, ClientReply]:
        fields = {
            name: msgspec.Raw(msgspec.json.encode(value))
            for name, value in {"model": MODEL, **body}.items()
        }
        turn = Turn(fields, body.get("previous_response_id"), self.memory)
        self.decision = Decision()
        return turn, asyncio.run(self.run(turn))

    def run(self, turn: Turn) -> Coroutine[Any, Any, ClientReply]:
        generate = self.scene.exchange.run
        return self.turns.run(turn, self.request, self.decision, generate)

    def say(self, response_id: str, **body: Any) -> Turn:
        """Have a turn whose response has this id and `output`."""
        turn, _ = self.begin(**body)
        self.decision.model_asked = self.decision.model_asked or MODEL
        output = [msgspec.Raw(msgspec.json.encode(item)) for item in self.output]
        turn.finish(response_id, output, self.decision, stored=self.stored)
        return turn

    def fails(self, **body: Any) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            self.begin(**body)
        return caught.value

    @property
    def sent(self) -> Any:
        return self.scene.network.bodies()[-1]


def test_a_turn_that_continues_nothing_is_sent_as_it_is() -> None:
    talk = Conversation(Shape.RESPONSES)
    turn = talk.say("resp_1", input="Hi", metadata={"a": "b"})
    assert talk.sent == {"model": MODEL, "input": "Hi", "metadata": {"a": "b"}}
    assert turn.shown is None
    talk.say("resp_2", input="Hi", previous_response_id=None)
    assert talk.sent["previous_response_id"] is None


def test_a_turn_continues_what_is_remembered() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.say("resp_1", input="Hi")
    turn = talk.say("resp_2", input=[message("More")], previous_response_id="resp_1")
    assert talk.sent["input"] == [message("Hi"), SEALED, SAID, message("More")]
    assert "previous_response_id" not in talk.sent
    assert turn.shown == "resp_1"
    talk.say("resp_3", input="Last", previous_response_id="resp_2")
    assert talk.sent["input"][3:] == [message("More"), SEALED, SAID, message("Last")]


@pytest.mark.parametrize(("more", "is_kept"), [({"store": False}, False), ({}, True)])
def test_a_turn_that_fails_forgets_what_it_continued(
    more: dict[str, Any], *, is_kept: bool
) -> None:
    conversation = Conversation(Shape.CHAT)
    conversation.say("resp_1", input="one", **more)
    failed, _ = conversation.begin(input="two", previous_response_id="resp_1")
    assert conversation.memory.recall("resp_1") is not None
    failed.end()
    assert (conversation.memory.recall("resp_1") is not None) is is_kept


def test_a_turn_that_succeeds_forgets_nothing() -> None:
    conversation = Conversation(Shape.CHAT)
    conversation.say("resp_1", input="one", store=False)
    conversation.say("resp_2", input="two", previous_response_id="resp_1", store=False).end()
    assert conversation.memory.recall("resp_1") is not None


def test_a_call_that_is_given_again_is_remembered_once() -> None:
    talk = Conversation(Shape.RESPONSES)
    call = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    talk.output = [{**call, "id": "fc_1"}]
    talk.say("resp_1", input="Hi", tools=[TOOL])
    talk.output = [SAID]
    talk.say("resp_2", input=[call, output], previous_response_id="resp_1")
    asked = [message("Hi"), {**call, "id": "fc_1"}, output]
    assert talk.sent["input"] == asked
    talk.say("resp_3", input="More", previous_response_id="resp_2")
    assert talk.sent["input"] == [*asked, SAID, message("More")]


def test_several_turns_may_continue_the_same() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.output = []
    talk.say("resp_1", input="Hi")
    for text in ("One", "Two"):
        talk.say(f"resp_{text}", input=text, previous_response_id="resp_1")
        assert talk.sent["input"] == [message("Hi"), message(text)]


def test_the_model_may_change_and_live_elsewhere() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.output = [BARE, SAID]
    talk.say("resp_1", input="Hi")
    talk.say("resp_2", input="More", previous_response_id="resp_1", model=OTHER)
    roles = [(m["role"], m["content"]) for m in talk.sent["messages"]]
    assert roles == [("user", "Hi"), ("assistant", "Hello"), ("user", "More")]


@pytest.mark.parametrize("given", [{}, {"model": None}])
def test_a_turn_without_a_model_has_that_of_the_response(given: Json) -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.say("resp_1", input="Hi", model=OTHER)
    fields = {"input": "More", "previous_response_id": "resp_1", **given}
    raws = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    turn = Turn(raws, "resp_1", talk.memory)
    asyncio.run(talk.run(turn))
    assert talk.sent["model"] == OTHER


def test_errors_name_the_clients_own_items() -> None:
    talk = Conversation(Shape.CHAT)
    talk.say("resp_1", input="Hi")
    bad = [message("More"), {"type": "message", "role": "user", "content": 5}]
    error = talk.fails(input=bad, previous_response_id="resp_1")
    assert error.param == "input[1].content"


def test_an_input_that_is_none_is_refused_and_never_remembered() -> None:
    talk = Conversation(Shape.CHAT)
    talk.say("resp_1", input="Hi")
    assert talk.fails(input=5, previous_response_id="resp_1").param == "input"
    at_home = Conversation(Shape.RESPONSES)
    at_home.say("resp_1", input=5)
    assert at_home.memory.recall("resp_1") is None


def test_a_conversation_cannot_be_continued_twice() -> None:
    talk = Conversation(Shape.RESPONSES)
    error = talk.fails(input="Hi", previous_response_id="resp_1", conversation="conv_1")
    assert error.code == "mutually_exclusive_parameters"
    talk.say("resp_1", input="Hi")
    talk.say("resp_2", input="Hi", previous_response_id="resp_1", conversation=None)


def test_an_id_that_is_none_is_refused_as_over_http() -> None:
    talk = Conversation(Shape.CHAT)
    assert talk.fails(input="Hi", previous_response_id=5).status == 400


# --- what is not remembered -----------------------------------------------------------------------


def test_a_response_that_nobody_knows_is_not_found() -> None:
    error = Conversation(Shape.CHAT).fails(input="Hi", previous_response_id="resp_1")
    assert (error.status, error.code) == (400, "previous_response_not_found")
    assert error.param == "previous_response_id"
    assert error.message == "Previous response with id 'resp_1' not found."


@pytest.mark.parametrize(
    "refusal",
    [
        NOT_FOUND,
        error_reply(404, "Response with id 'resp_1' not found."),
        error_reply(400, "llama.cpp does not support 'previous_response_id'."),
    ],
)
def test_so_is_one_that_the_models_server_does_not_know(refusal: FakeReply) -> None:
    talk = Conversation(Shape.RESPONSES, lambda _: replace(refusal))
    error = talk.fails(input="Hi", previous_response_id="resp_1")
    assert error.message == "Previous response with id 'resp_1' not found."
    assert error.code == "previous_response_not_found"


def test_other_errors_stay_as_they_are() -> None:
    answers: list[Answer] = [error_reply(400, "Bad input."), error_reply(500, "resp_1 broke.")]
    talk = Conversation(Shape.RESPONSES, lambda _: answers.pop(0))
    for status in (400, 500):
        _, reply = talk.begin(input="Hi", previous_response_id="resp_1")
        assert reply.status == status
    refused = Conversation(Shape.RESPONSES, lambda _: error_reply(400, "Bad input."))
    assert refused.begin(input="Hi", previous_response_id="")[1].status == 400
    broken = Conversation(Shape.RESPONSES, lambda _: GatewayError("It broke.", status=502))
    assert broken.fails(input="Hi", previous_response_id="resp_1").message == "It broke."


def test_a_stored_response_is_continued_where_it_is_stored() -> None:
    talk = Conversation(Shape.CHAT, stores=True)
    _, reply = talk.begin(input="Hi")
    assert isinstance(reply.body, bytes)
    stored = msgspec.json.decode(reply.body)["id"]
    turn = talk.say("resp_2", input="More", previous_response_id=stored, store=False)
    assert [m["content"] for m in talk.sent["messages"]] == ["Hi", "Hello", "More"]
    assert turn.shown is None
    talk.output = [SAID]
    talk.say("resp_3", input="Last", previous_response_id="resp_2", store=False)
    contents = [m["content"] for m in talk.sent["messages"]]
    assert contents[:3] == ["Hi", "Hello", "More"]
    assert contents[-1] == "Last"


def test_why_a_response_was_not_stored_is_still_said() -> None:
    talk = Conversation(Shape.CHAT, stores=True)
    owner = talk.scene.responses._owner(ALICE, None)
    talk.scene.responses._lost[owner, "resp_1"] = "it is too large"
    assert "too large" in talk.fails(input="Hi", previous_response_id="resp_1").message


def test_what_begins_at_a_stored_response_goes_on_there() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.output = [SAID]
    talk.say("resp_2", input="Hi", previous_response_id="resp_stored")
    assert talk.sent["previous_response_id"] == "resp_stored"
    talk.say("resp_3", input="More", previous_response_id="resp_2")
    assert talk.sent["previous_response_id"] == "resp_stored"
    assert talk.sent["input"] == [message("Hi"), SAID, message("More")]


def test_where_that_is_gone_the_clients_own_id_is_not_found() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.say("resp_2", input="Hi", previous_response_id="resp_1")
    talk.scene.network.answer = lambda _: replace(NOT_FOUND)
    error = talk.fails(input="More", previous_response_id="resp_2")
    assert error.message == "Previous response with id 'resp_2' not found."


def test_a_compaction_ends_what_was_stored_before() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.output = [{"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}]
    talk.say("resp_2", input="Hi", previous_response_id="resp_stored")
    talk.say("resp_3", input="More", previous_response_id="resp_2")
    assert talk.sent["input"] == [*talk.output, message("More")]
    assert "previous_response_id" not in talk.sent


# --- what is remembered, and stored as well -------------------------------------------------------


def test_a_response_that_its_server_stores_is_continued_by_its_id() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.stored = True
    talk.say("resp_1", input="Hi")
    turn = talk.say("resp_2", input="More", previous_response_id="resp_1")
    assert talk.sent["previous_response_id"] == "resp_1"
    assert talk.sent["input"] == "More"
    assert turn.shown is None
    talk.say("resp_3", input="More", previous_response_id="resp_2", model=OTHER)
    assert [m["content"] for m in talk.sent["messages"]][0::2] == ["Hi", "More", "More"]


@pytest.mark.parametrize("by_reply", [True, False])
def test_and_from_memory_if_the_server_has_lost_it(*, by_reply: bool) -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.stored = True
    talk.say("resp_1", input="Hi")

    def forgetful(call: UpstreamCall) -> Answer:
        if b"previous_response_id" not in call.body:  # type: ignore[operator]
            return talk.answer(call)
        return replace(NOT_FOUND) if by_reply else GatewayError("No 'resp_1'.", status=404)

    talk.scene.network.answer = forgetful
    turn = talk.say("resp_2", input="More", previous_response_id="resp_1")
    assert talk.sent["input"] == [message("Hi"), SEALED, SAID, message("More")]
    assert turn.shown == "resp_1"


def test_and_from_memory_while_the_gateways_own_store_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def failing(*_: object) -> None:
        raise StoreError("it does not answer")

    talk = Conversation(Shape.CHAT, stores=True)
    first, reply = talk.begin(input="Hi")
    assert isinstance(reply.body, bytes)
    stored = msgspec.json.decode(reply.body)["id"]
    first.finish(stored, [msgspec.Raw(msgspec.json.encode(SAID))], talk.decision, stored=True)
    monkeypatch.setattr(talk.scene.responses._store, "get", failing)
    turn, reply = talk.begin(input="More", previous_response_id=stored)
    assert reply.status == 200
    assert [m["content"] for m in talk.sent["messages"]] == ["Hi", "Hello", "More"]
    assert turn.shown == stored
    assert talk.fails(input="More", previous_response_id="resp_elsewhere").status == 503
    talk.scene.network.answer = lambda _: GatewayError("It broke.", status=502)
    monkeypatch.undo()
    assert talk.fails(input="More", previous_response_id=stored).message == "It broke."


# --- what is remembered is complete ---------------------------------------------------------------


THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
CALLING = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}


def thinking(_: UpstreamCall) -> Answer:
    fields = {"id": "msg_1", "type": "message", "role": "assistant", "model": CLAUDE}
    usage = {"input_tokens": 1, "output_tokens": 1}
    content = [THINKING, CALLING]
    return json_reply({**fields, "content": content, "stop_reason": "tool_use", "usage": usage})


def test_thinking_is_remembered_with_what_its_server_signed() -> None:
    talk = Conversation(Shape.MESSAGES, thinking)
    _, reply = talk.begin(input="Weather?", tools=[TOOL], store=False, model=CLAUDE)
    assert isinstance(reply.body, bytes)
    talk.output = msgspec.json.decode(reply.body)["output"]
    asked = {"tools": [TOOL], "store": False, "model": CLAUDE, "reasoning": {"effort": "low"}}
    talk.say("resp_1", input="Weather?", **asked)
    result = {"type": "function_call_output", "call_id": "toolu_1", "output": "sunny"}
    talk.say("resp_2", input=[result], previous_response_id="resp_1", **asked)
    assert talk.sent["messages"][1]["content"] == [THINKING, CALLING]


# --- who may ask ----------------------------------------------------------------------------------


def test_a_restricted_client_learns_nothing_of_other_models() -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.say("resp_1", input="Hi")
    restricted = ClientSettings("alice", (), models=(OTHER,))
    talk.request = GenerationRequest.at(Shape.RESPONSES, b"", ALICE, client=restricted)
    calls = len(talk.scene.network.calls)
    error = talk.fails(input="More", previous_response_id="resp_1")
    assert (error.status, error.code) == (403, "model_not_allowed")
    assert len(talk.scene.network.calls) == calls
    talk.say("resp_2", input="More", previous_response_id="resp_1", model=OTHER)


@pytest.mark.parametrize("model", [5, ""])
def test_a_model_that_is_none_is_refused(model: object) -> None:
    talk = Conversation(Shape.RESPONSES)
    talk.say("resp_1", input="Hi")
    error = talk.fails(input="More", previous_response_id="resp_1", model=model)
    assert error.param == "model"
