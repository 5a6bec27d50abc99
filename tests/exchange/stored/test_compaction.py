"""Conversations are compacted for models that have no compaction, and go on afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule, UpstreamSettings
from gateway.errors import (
    InvalidRequest,
    PermissionDenied,
    UnsupportedParameter,
    UpstreamError,
)
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.stored.compaction import Compactor
from gateway.request import Request
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.responses_via_chat.compaction import INTRODUCTION, REQUEST
from tests import kinds
from tests.exchange.scene import ALICE, BOB, Scene, chat_chunk, chat_completion, completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply
from tests.translate.openai_schema import check_response_event, check_schema

TOOL: Json = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
USER: Json = {"role": "user", "content": "w?"}
TRIGGER: Json = {"type": "compaction_trigger"}
CONVERSATION: list[Json] = [
    USER,
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "sun"},
    {"role": "assistant", "content": "Sunny."},
]


class Upstream:
    """A server of chat or completions that always says the same."""

    def __init__(self, text: str = "They asked for the weather.", finish: str = "stop") -> None:
        self.text = text
        self.finish = finish
        self.calls: list[tuple[str, Any]] = []

    def answer(self, call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body) if call.body else {}
        self.calls.append((call.path, body))
        if call.path == "/completions":
            return json_reply(completion(self.text))
        if call.path != "/chat/completions":
            return error_reply(404, f"Invalid URL (POST /v1{call.path})")
        if body.get("stream"):
            pieces = [chat_chunk(piece) for piece in (self.text[:4], self.text[4:])]
            return stream_reply(*pieces, chat_chunk(None, self.finish))
        reply = chat_completion(self.text)
        reply["choices"][0]["finish_reason"] = self.finish
        return json_reply(reply)

    @property
    def messages(self) -> list[Json]:
        messages: list[Json] = self.calls[-1][1]["messages"]
        return messages


def scene(upstream: Upstream, home: Shape = Shape.CHAT, **more: Any) -> Scene:
    server = UpstreamSettings("up", "http://127.0.0.1:1/v1", kinds.OTHER)
    return Scene(upstream.answer, server, rules=(ModelRule("m", endpoints=(home,)),), **more)


def ask(stage: Scene, given: Any, **more: Any) -> Any:
    headers = more.pop("headers", ALICE)
    return stage.generate(Shape.RESPONSES, {"model": "m", "input": given, **more}, headers=headers)


def compacted(stage: Scene, given: list[Json], **more: Any) -> Json:
    result = ask(stage, [*given, TRIGGER], **more)
    response = result.events[-1]["response"] if more.get("stream") else result.json
    check_schema("Response", response)
    (item,) = response["output"]
    assert (response["status"], item["type"]) == ("completed", "compaction")
    found: Json = item
    return found


@pytest.mark.parametrize("stream", [False, True])
def test_a_trigger_gives_one_item_that_only_the_gateway_reads(*, stream: bool) -> None:
    upstream = Upstream()
    stage = scene(upstream)
    item = compacted(stage, CONVERSATION, stream=stream, tools=[TOOL])
    assert "weather" not in str(item)
    assert upstream.messages[-1] == {"role": "user", "content": REQUEST}
    assert [message["role"] for message in upstream.messages] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]
    # The tools stay for the prompt cache, and none is called.
    assert upstream.calls[-1][1]["tool_choice"] == "none"
    ask(stage, [item, {"role": "user", "content": "And now?"}])
    content = f"{INTRODUCTION}{upstream.text}\n\nAnd now?"  # roles may have to alternate
    assert upstream.messages == [{"role": "user", "content": content}]


def test_a_streamed_compaction_is_the_item_and_nothing_else() -> None:
    result = ask(scene(Upstream()), [*CONVERSATION, TRIGGER], stream=True)
    for event in result.events:
        check_response_event(event)
    assert [event["type"] for event in result.events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in result.events] == [0, 1, 2, 3, 4]
    assert result.events[3]["item"] == result.events[4]["response"]["output"][0]


def test_a_summary_is_asked_for_as_text_whatever_the_format() -> None:
    upstream = Upstream()
    asked = {"format": {"type": "json_object"}, "verbosity": "low"}
    logprobs = ["message.output_text.logprobs"]
    result = ask(scene(upstream), [USER, TRIGGER], text=asked, include=logprobs)
    assert upstream.calls[-1][1].keys() - {"stream"} == {"model", "messages"}
    assert result.decision.translation == "from=responses; to=chat; emulated=input[1]"


@pytest.mark.parametrize(("text", "finish"), [("", "stop"), (" ", "stop"), ("They", "length")])
def test_a_summary_that_is_missing_or_cut_off_is_an_error(text: str, finish: str) -> None:
    with pytest.raises(UpstreamError, match="missing or was cut off"):
        ask(scene(Upstream(text, finish)), [USER, TRIGGER])
    result = ask(scene(Upstream(text, finish)), [USER, TRIGGER], stream=True)
    last = result.events[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["output"] == []


def test_a_trigger_is_the_last_item() -> None:
    upstream = Upstream()
    for given in ([TRIGGER, USER], [TRIGGER, TRIGGER]):
        with pytest.raises(InvalidRequest) as refused:
            ask(scene(upstream), given)
        assert refused.value.param == "input[0]"
    assert upstream.calls == []


def test_a_compaction_made_elsewhere_or_for_another_is_refused() -> None:
    stage = scene(Upstream())
    item = compacted(stage, CONVERSATION)
    others = [{"type": "compaction", "encrypted_content": "gAAAA"}, {"type": "compaction"}]
    for foreign in others:
        with pytest.raises(UnsupportedParameter) as refused:
            ask(stage, [foreign, USER])
        assert refused.value.param == "input[0]"
    with pytest.raises(UnsupportedParameter):
        ask(stage, [item, USER], headers=BOB)


def test_a_base_model_can_sum_up_too() -> None:
    upstream = Upstream()
    stage = scene(upstream, Shape.COMPLETIONS)
    item = compacted(stage, [USER])
    ask(stage, [item, USER])
    assert INTRODUCTION + upstream.text in upstream.calls[-1][1]["prompt"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_kept_conversation_goes_on_from_its_compaction(*, stream: bool) -> None:
    upstream = Upstream()
    stage = scene(upstream, stores=True)
    first = ask(stage, [*CONVERSATION, TRIGGER], stream=stream)
    response = first.events[-1]["response"] if stream else first.json
    second = ask(stage, "And now?", previous_response_id=response["id"]).json
    content = f"{INTRODUCTION}{upstream.text}\n\nAnd now?"
    assert upstream.messages == [{"role": "user", "content": content}]
    ask(stage, "More", previous_response_id=second["id"])
    assert [message["role"] for message in upstream.messages] == ["user", "assistant", "user"]
    reference = {"type": "item_reference", "id": response["output"][0]["id"]}
    ask(stage, [reference, USER])
    assert upstream.messages[0]["content"].startswith(INTRODUCTION)


class Server(Upstream):
    """A server whose models live at responses, with what `has` names below it."""

    def __init__(self, *has: str) -> None:
        super().__init__()
        self._has = has

    def answer(self, call: UpstreamCall) -> Answer:
        if call.path.removeprefix("/responses/") in self._has:
            assert isinstance(call.body, bytes)
            self.calls.append((call.path, msgspec.json.decode(call.body)))
            return json_reply({"object": "theirs"})
        return super().answer(call)


class Post:
    """Posts to the endpoints beside responses."""

    def __init__(self, stage: Scene) -> None:
        forwarder = Forwarder(stage.settings, stage.resolver, stage.network.send, Apart())
        self.stage = stage
        self._compacting = Compactor(stage.exchange, forwarder)

    async def compact(self, body: Any, client: ClientSettings | None = None) -> Any:
        request = self._request("/responses/compact", body, client)
        return await self._compacting.compact(request, Decision())

    async def input_tokens(self, body: Any) -> Any:
        request = self._request("/responses/input_tokens", body, None)
        return await self._compacting.input_tokens(request, Decision())

    async def send(self, request: Request) -> Any:
        return await self._compacting.compact(request, Decision())

    def _request(self, path: str, body: Any, client: ClientSettings | None) -> Request:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return Request("POST", path, headers=ALICE, body=raw, client=client)


def run(coroutine: Any) -> Any:
    reply = asyncio.run(coroutine)
    if isinstance(reply.body, bytes):
        return reply.status, msgspec.json.decode(reply.body)

    async def read() -> bytes:
        return b"".join([piece async for piece in reply.body])

    return reply.status, msgspec.json.decode(asyncio.run(read()))


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
def test_a_compaction_has_a_usage_though_nothing_was_counted(home: Shape) -> None:
    class Uncounting(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            reply = completion("Met.") if call.path == "/completions" else chat_completion("Met.")
            return json_reply({**reply, "usage": None})

    _, made = run(Post(scene(Uncounting(), home)).compact({"model": "m", "input": "w?"}))
    check_schema("ResponseUsage", made["usage"])
    assert made["usage"]["total_tokens"] == 0


def test_compact_sums_up_for_a_model_that_lives_elsewhere() -> None:
    upstream = Upstream()
    stage = scene(upstream)
    post = Post(stage)
    status, made = run(post.compact({"model": "m", "input": CONVERSATION, "instructions": "Hm."}))
    assert (status, made["object"]) == (200, "response.compaction")
    assert made["usage"]["total_tokens"] == 3
    said, _ = made["output"]
    check_schema("InputItem", said)
    assert said["content"] == [{"type": "input_text", "text": "w?"}]
    ask(stage, [*made["output"], USER])
    content = f"w?\n\n{INTRODUCTION}{upstream.text}\n\nw?"
    assert upstream.messages == [{"role": "user", "content": content}]
    status, made = run(post.compact({"model": "m", "input": "w?"}))
    assert [each["type"] for each in made["output"]] == ["message", "compaction"]
    status, made = run(post.compact({"model": "m", "input": [{**USER, "content": []}, USER]}))
    assert made["output"][0]["content"] == []


def test_compact_goes_on_from_a_kept_response() -> None:
    upstream = Upstream()
    stage = scene(upstream, stores=True)
    first = ask(stage, "Hello").json
    for named in ({"model": "m"}, {}):
        body = {**named, "previous_response_id": first["id"]}
        _, made = run(Post(stage).compact(body))
        assert [each["type"] for each in made["output"]] == ["compaction"]
        assert upstream.messages[0]["content"] == "Hello"
        with pytest.raises(UnsupportedParameter, match="cannot be counted"):
            run(Post(stage).input_tokens(body))


def test_a_kept_responses_model_is_judged_for_a_restricted_client() -> None:
    upstream = Server("compact")
    stage = scene(upstream, stores=True)
    first = ask(stage, "Hello").json
    client = ClientSettings("team-a", ("1" * 64,), ("gpt-*",))
    with pytest.raises(PermissionDenied):
        run(Post(stage).compact({"previous_response_id": first["id"]}, client))
    assert len(upstream.calls) == 1


def test_an_upstreams_refusal_of_the_summary_is_passed_on() -> None:
    class Refusing(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            return error_reply(429, "Slow down.")

    with pytest.raises(UpstreamError, match="Slow down"):
        run(Post(scene(Refusing())).compact({"model": "m", "input": "w?"}))


def test_a_restricted_client_is_held_to_its_models() -> None:
    upstream = Upstream()
    client = ClientSettings("team-a", ("1" * 64,), ("gpt-*",))
    with pytest.raises(PermissionDenied):
        run(Post(scene(upstream)).compact({"model": "m", "input": "w?"}, client))
    assert upstream.calls == []


def test_an_error_names_what_the_client_sent_to_be_compacted() -> None:
    class Faulty(Upstream):
        param = ""

        def answer(self, call: UpstreamCall) -> Answer:
            reply = super().answer(call)
            if call.path in ("/responses/compact", "/responses/input_tokens"):
                return reply
            return error_reply(400, "Bad.", param=self.param) if self.param else reply

    upstream = Faulty()
    result = run(Post(scene(upstream)).compact({"model": "m", "input": [USER]}))
    assert result[0] == 200
    cases: list[tuple[Shape, Any, str, str]] = [
        (Shape.CHAT, "w?", "messages[0].content", "input"),
        (Shape.CHAT, [USER], "messages[0].content", "input[0].content"),
        (Shape.CHAT, [USER], "messages[1].content", "input"),
        (Shape.RESPONSES, "w?", "input[0].content", "input"),
        (Shape.RESPONSES, [USER], "input[1].type", "input"),
    ]
    for home, given, upstream.param, param in cases:
        with pytest.raises(UpstreamError) as refused:
            run(Post(scene(upstream, home)).compact({"model": "m", "input": given}))
        assert refused.value.param == param
    for given, param in ((3, "input"), ([USER, 3], "input[1]"), ([TRIGGER], "input[0]")):
        with pytest.raises(InvalidRequest) as wrong:
            run(Post(scene(Upstream())).compact({"model": "m", "input": given}))
        assert wrong.value.param == param


@pytest.mark.parametrize("path", ["compact", "input_tokens"])
def test_beside_its_own_endpoint_an_error_counts_the_clients_items(path: str) -> None:
    class Picky(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            if call.path == f"/responses/{path}":
                return error_reply(400, "Bad.", param="input[0].content")
            return super().answer(call)

    chat, home = scene(Picky()), scene(Picky(), Shape.RESPONSES)
    item = compacted(chat, CONVERSATION)
    lost = {**item, "type": "reasoning", "summary": []}
    post = Post(home)
    ask_for = post.compact if path == "compact" else post.input_tokens
    with pytest.raises(UpstreamError) as refused:
        run(ask_for({"model": "m", "input": [{**lost, "encrypted_content": "egs1.x"}, USER]}))
    assert refused.value.param == "input[1].content"
    status, said = run(ask_for({"model": "m", "input": [USER]}))
    assert (status, said["error"]["param"]) == (400, "input[0].content")


def test_a_server_that_takes_no_trigger_says_so_itself() -> None:
    class Without(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            if call.path == "/responses":
                return error_reply(400, "Invalid type 'compaction_trigger'.")
            return super().answer(call)

    post = Post(scene(Without(), Shape.RESPONSES))
    status, said = run(post.compact({"model": "m", "input": "w?"}))
    assert (status, said["error"]["message"]) == (400, "Invalid type 'compaction_trigger'.")


def test_an_answer_in_a_compactions_place_is_an_error() -> None:
    class Chatty(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            if call.path != "/responses":
                return super().answer(call)
            said = {"type": "message", "role": "assistant", "content": []}
            reply = {"object": "response", "status": "completed", "output": [said]}
            return json_reply(reply, headers=((b"x-request-id", b"up-1"),))

    with pytest.raises(UpstreamError, match="compaction_trigger") as raised:
        run(Post(scene(Chatty(), Shape.RESPONSES)).compact({"model": "m", "input": "w?"}))
    assert raised.value.headers == (("x-request-id", "up-1"),)


def test_a_servers_own_endpoints_are_used_where_the_model_lives_at_responses() -> None:
    upstream = Server("compact", "input_tokens")
    post = Post(scene(upstream, Shape.RESPONSES))
    body = {"model": "m", "input": "w?"}
    assert run(post.compact(body)) == (200, {"object": "theirs"})
    assert run(post.input_tokens(body)) == (200, {"object": "theirs"})
    assert [sent for _, sent in upstream.calls] == [body, body]


@pytest.mark.parametrize("body", [{"input": "w?"}, {"model": ""}, {"model": 3}])
def test_a_call_without_a_model_is_the_upstreams(body: Json) -> None:
    upstream = Server("compact")
    assert run(Post(scene(upstream)).compact(body)) == (200, {"object": "theirs"})


def test_a_server_without_the_route_is_an_error_and_not_its_404() -> None:
    for home in (Shape.CHAT, Shape.RESPONSES):
        with pytest.raises(UnsupportedParameter) as refused:
            run(Post(scene(Upstream(), home)).input_tokens({"model": "m", "input": "w?"}))
        assert refused.value.code == "unsupported_endpoint"
        assert "/v1/responses/input_tokens" in refused.value.message


def test_other_errors_of_the_server_are_passed_on() -> None:
    class Busy(Upstream):
        def answer(self, call: UpstreamCall) -> Answer:
            return error_reply(429, "Slow down.")

    status, said = run(Post(scene(Busy(), Shape.RESPONSES)).input_tokens({"model": "m"}))
    assert (status, said["error"]["message"]) == (429, "Slow down.")


def test_a_kept_response_is_not_known_at_a_model_that_lives_at_responses() -> None:
    upstream = Server("compact")
    stage = scene(upstream, stores=True)
    first = ask(stage, "Hello").json
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    later = scene(upstream, Shape.RESPONSES, stores=True)
    later.exchange.responses = stage.responses
    for body, param in (
        ({"model": "m", "previous_response_id": first["id"]}, "previous_response_id"),
        ({"model": "m", "input": [USER, reference]}, "input[1]"),
        ({"input": [reference, USER]}, "input[0]"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            run(Post(later).compact(body))
        assert refused.value.param == param
        assert f"'{param}' is stored by the gateway" in refused.value.message
    unknown = {"model": "m", "input": [{"type": "item_reference", "id": "msg_theirs"}]}
    assert run(Post(later).compact(unknown)) == (200, {"object": "theirs"})


def test_nothing_sealed_is_sent_to_a_server() -> None:
    upstream = Server("compact")
    item = compacted(scene(upstream), CONVERSATION)
    stage = scene(upstream, Shape.RESPONSES)
    run(Post(stage).compact({"model": "m", "input": [item, USER]}))
    summary = {"type": "message", "role": "user", "content": INTRODUCTION + upstream.text}
    assert upstream.calls[-1] == ("/responses/compact", {"model": "m", "input": [summary, USER]})


async def in_pieces(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def test_a_body_that_was_not_read_is_passed_on() -> None:
    upstream = Upstream()
    post = Post(scene(upstream))
    request = Request("POST", "/responses/compact", headers=ALICE, body=in_pieces(b"{}"))
    sent = post.stage.network.calls
    reply = asyncio.run(post.send(request))
    assert reply.status == 404
    assert [call.path for call in sent] == ["/responses/compact"]
