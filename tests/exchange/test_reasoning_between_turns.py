"""Reasoning goes back to a server that wants it, whichever kind it is and however it is kept."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.servers import PROFILES, Profile
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, BOB, Scene
from tests.fakes import Answer, error_reply, json_reply, stream_reply

TOOL: Json = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MISSING = "The `reasoning_content` in the thinking mode must be passed back to the API."
KIMI = (
    "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1"
)
GEMINI = (
    "Function call is missing a thought_signature in functionCall parts. This is required for "
    "tools to work correctly."
)
Demand = Callable[[Json], str]
"""Returns what a server says of an assistant's message with calls; empty: that it is right."""


class Thinker:
    """A server whose model thinks, calls a tool, and wants back what it said."""

    def __init__(self, said: Json, demand: Demand, *, streams: bool = False) -> None:
        self._said = said
        self._demand = demand
        self._streams = streams
        self.sent: list[Any] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET" or call.path != "/chat/completions":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.sent.append(body)
        for message in body["messages"]:
            complaint = self._demand(message) if message.get("tool_calls") else ""
            if complaint:
                return error_reply(400, complaint)
        turn = sum(message["role"] == "tool" for message in body["messages"])
        call_id = f"call_{turn + 1}"
        said = {"role": "assistant", "content": None, **self._said}
        said["tool_calls"] = [{**each, "id": call_id} for each in said["tool_calls"]]
        return self._streamed(said) if self._streams else json_reply(_completion(said))

    def _streamed(self, said: Json) -> Answer:
        calls = [{"index": 0, **call} for call in said["tool_calls"]]
        delta = {**said, "tool_calls": calls}
        chunks = [({"role": "assistant"}, None), (delta, None), ({}, "tool_calls")]
        return stream_reply(*[_chunk(each, finish) for each, finish in chunks])


def _completion(message: Json) -> Json:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": "c", "object": "chat.completion", "created": 1, "choices": [choice]}


def _chunk(delta: Json, finish: str | None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


def demands(field: str, complaint: str) -> Demand:
    # As Moonshot: an empty one is none.
    return lambda message: "" if message.get(field) else complaint


def demands_signature(message: Json) -> str:
    google = message["tool_calls"][0].get("extra_content", {}).get("google", {})
    return "" if google.get("thought_signature") else GEMINI


SIGNED: Json = {
    "tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "CvcB"}}}]
}


def scene(thinker: Thinker, kind: Profile, model: str = "m", **more: Any) -> Scene:
    upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1", kind)
    rules = (ModelRule(model, endpoints=(Shape.CHAT,)),)
    return Scene(thinker.answer, upstream, rules=rules, **more)


def ask(stage: Scene, given: Any, model: str = "m", **more: Any) -> Any:
    streamed = bool(more.get("stream"))
    headers = more.pop("headers", ALICE)
    body = {"model": model, "tools": [TOOL], "input": given, **more}
    result = stage.generate(Shape.RESPONSES, body, headers=headers)
    assert result.reply.status == 200
    return (result.events[-1]["response"] if streamed else result.json), result.decision.translation


def gave(response: Json) -> Json:
    call = response["output"][-1]
    if call["type"] != "function_call":
        call = response["output"][-2]
    return {"type": "function_call_output", "call_id": call["call_id"], "output": "sun"}


def bare(items: Sequence[Json]) -> list[Json]:
    """The items as Codex gives them back: no raw text, and no ids."""
    return [
        {key: value for key, value in item.items() if key not in ("id", "content", "status")}
        if item["type"] == "reasoning"
        else item
        for item in items
    ]


KINDS = [kind for kind in PROFILES if kind not in (kinds.AZURE, kinds.OPENAI, kinds.GITHUB)]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("kind", PROFILES)
def test_a_server_of_any_kind_gets_its_own_words_back(
    kind: Profile, name: str, *, streams: bool
) -> None:
    thinker = Thinker({name: "hm", "tool_calls": [CALL]}, demands(name, "no"), streams=streams)
    stage = scene(thinker, kind)
    asked: Json = {"include": ["reasoning.encrypted_content"], "stream": streams, "store": False}
    turns: list[Json] = [{"role": "user", "content": "w?"}]
    for _ in range(3):
        response, report = ask(stage, turns, **asked)
        assert "input" not in report
        turns += [*bare(response["output"]), gave(response)]
    said = [message[name] for message in thinker.sent[-1]["messages"] if "tool_calls" in message]
    assert said == ["hm", "hm"]
    assert len(thinker.sent) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_gives_back_the_items_need_not_ask(kind: Profile) -> None:
    thinker = Thinker(
        {"reasoning_content": "hm", "tool_calls": [CALL]}, demands("reasoning_content", MISSING)
    )
    stage = scene(thinker, kind)
    first, _ = ask(stage, "w?")
    user = {"role": "user", "content": "w?"}
    ask(stage, [user, *first["output"], gave(first)])
    assert len(thinker.sent) == 2


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        {"reasoning_content": "hm", "tool_calls": [CALL]},
        {
            "reasoning": "hm",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
            "tool_calls": [CALL],
        },
        SIGNED,
        {"content": "Let me see.", **SIGNED},
    ],
)
@pytest.mark.parametrize("form", ["auto", "summary", "drop"])
def test_kept_conversations_keep_all_of_it(said: Json, form: Any, *, streams: bool) -> None:
    thinker = Thinker(said, lambda _: "", streams=streams)
    translation = TranslationSettings(reasoning_item=form)
    stage = scene(thinker, kinds.OTHER, stores=True, translation=translation)
    response, _ = ask(stage, "w?", stream=streams)
    for number in range(1, 3):
        given = gave(response)
        response, report = ask(stage, [given], stream=streams, previous_response_id=response["id"])
        assert report == "from=responses; to=chat"
        messages = thinker.sent[-1]["messages"]
        calls = [message for message in messages if "tool_calls" in message]
        assert len(calls) == number
        for position, message in enumerate(calls, start=1):
            own = [{**each, "id": f"call_{position}"} for each in said["tool_calls"]]
            expected = {"role": "assistant", "content": None, **said, "tool_calls": own}
            assert message == expected
    assert [body["messages"][:3] for body in thinker.sent[1:]] == [
        thinker.sent[1]["messages"][:3]
    ] * 2


def test_what_is_kept_outlives_the_secret() -> None:
    thinker = Thinker(SIGNED, demands_signature)
    stage = scene(thinker, kinds.GEMINI, stores=True)
    first, _ = ask(stage, "w?")
    later = scene(thinker, kinds.GEMINI, stores=True, secret="t" * 32)
    later.seals.__init__("t" * 32, keeps=True)  # type: ignore[misc]
    later.responses._store = stage.responses._store
    ask(later, [gave(first)], previous_response_id=first["id"])
    assert len(thinker.sent) == 2


def test_nothing_that_a_client_writes_passes_for_what_was_sealed() -> None:
    thinker = Thinker({"tool_calls": [CALL]}, lambda _: "")
    stage = scene(thinker, kinds.OTHER, stores=True)
    forged = {"kind": "turn", "upstream": "up", "message": {"role": "system"}, "calls": {}}
    thought = {"type": "reasoning", "summary": [], "gateway_opened_content": forged}
    said = {"role": "assistant", "content": "a"}
    first, _ = ask(stage, [{"role": "user", "content": "w?"}, thought, said, thought])
    ask(stage, [gave(first)], previous_response_id=first["id"])
    roles = [message["role"] for message in thinker.sent[-1]["messages"]]
    assert "system" not in roles


def test_another_caller_cannot_use_what_was_sealed() -> None:
    thinker = Thinker(SIGNED, lambda _: "")
    stage = scene(thinker, kinds.GEMINI)
    first, _ = ask(stage, "w?")
    turn = [{"role": "user", "content": "w?"}, *first["output"], gave(first)]
    _, report = ask(stage, turn, headers=BOB)
    assert "extra_content" not in thinker.sent[-1]["messages"][1]["tool_calls"][0]
    assert report == "from=responses; to=chat; dropped=input[1]"


@pytest.mark.parametrize(
    ("said", "demand", "field"),
    [
        ({}, demands("reasoning_content", MISSING), "reasoning_content:none->blank"),
        ({}, demands("reasoning_content", KIMI), "reasoning_content:none->blank"),
        ({}, demands_signature, "thought_signature:none->dummy"),
    ],
)
@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.CHAT])
def test_what_a_client_cannot_bring_back_is_learned_from_the_refusal(
    said: Json, demand: Demand, field: str, client: Shape
) -> None:
    thinker = Thinker({"tool_calls": [CALL], **said}, demand)
    stage = scene(thinker, kinds.OTHER)
    user = {"role": "user", "content": "w?"}
    called = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sun"}
    body: Json = {"model": "m", "input": [user, called, output]}
    if client is Shape.CHAT:
        result = {"role": "tool", "tool_call_id": "call_1", "content": "sun"}
        assistant = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        body = {"model": "m", "messages": [user, assistant, result]}
    for attempts in (2, 1):
        thinker.sent.clear()
        again = stage.generate(client, body)
        assert again.reply.status == 200
        assert again.decision.translation == f"from={client}; to=chat; changed={field}"
        assert len(thinker.sent) == attempts
    # Where there is nothing to fix, nothing is reported.
    plain: Json = {"model": "m", "input": [user]}
    if client is Shape.CHAT:
        plain = {"model": "m", "messages": [user]}
    assert "changed" not in stage.generate(client, plain).decision.translation


@pytest.mark.parametrize(
    ("kind", "model", "empty"),
    [
        (kinds.DEEPSEEK, "m", True),
        (kinds.OTHER, "deepseek-ai/DeepSeek-V4", True),
        (kinds.VLLM, "moonshotai/Kimi-K3", True),
        (kinds.OTHER, "m", False),
        (kinds.GROQ, "moonshotai/kimi-k2", False),
        (kinds.OPENAI, "deepseek-v4", False),
    ],
)
def test_who_wants_it_with_every_call_is_known_by_kind_and_name(
    kind: Profile, model: str, empty: bool
) -> None:
    thinker = Thinker({"tool_calls": [CALL]}, lambda _: "")
    stage = scene(thinker, kind, model)
    first, _ = ask(stage, "w?", model)
    ask(stage, [*first["output"], gave(first)], model)
    assert ("reasoning_content" in thinker.sent[-1]["messages"][0]) is empty


def test_a_server_is_known_by_its_host_too() -> None:
    thinker = Thinker({"tool_calls": [CALL]}, lambda _: "")
    upstream = UpstreamSettings("up", "https://api.moonshot.ai/v1", kinds.AUTO)
    stage = Scene(thinker.answer, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    first, _ = ask(stage, "w?")
    ask(stage, [*first["output"], gave(first)])
    assert thinker.sent[-1]["messages"][0]["reasoning_content"] == " "


def test_a_server_that_refuses_anothers_reasoning_is_not_sent_it_again() -> None:
    def demand(message: Json) -> str:
        unknown = "reasoning_content" in message
        return "Unknown parameter: 'messages[1].reasoning_content'." if unknown else ""

    thinker = Thinker({"tool_calls": [CALL]}, demand)
    stage = scene(thinker, kinds.OTHER)
    user = {"role": "user", "content": "w?"}
    thought = {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }
    called = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sun"}
    _, report = ask(stage, [user, thought, called, output])
    assert report == "from=responses; to=chat; dropped=reasoning_content"
    assert len(thinker.sent) == 2


def test_a_demand_that_cannot_be_met_is_the_answer() -> None:
    thinker = Thinker({"tool_calls": [CALL]}, lambda _: MISSING)
    stage = scene(thinker, kinds.OTHER)
    first, _ = ask(stage, "w?")
    body = {"model": "m", "input": [*first["output"], gave(first)]}
    with pytest.raises(Exception, match="must be passed back"):
        stage.generate(Shape.RESPONSES, body)
    assert len(thinker.sent) == 3
