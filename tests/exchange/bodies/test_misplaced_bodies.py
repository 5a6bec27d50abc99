"""Bodies of responses at the chat endpoint: where they go, and what is known of them."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule, PerformanceSettings, UpstreamSettings
from gateway.config.translation_settings import ParamSettings
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.exchange.bodies.misplaced_bodies import as_written, may_be_mixed, shape_of
from gateway.exchange.bodies.request_fields import read_routed
from gateway.request import GenerationRequest
from gateway.servers import Profile
from gateway.shapes import ClientHeaders, Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Exchanged, Scene, chat_chunk, chat_completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply
from tests.translate.chat_via_responses.cases import message, response, text

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES
INPUT: list[Json] = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
BODY: Json = {"model": "gpt-4o-mini", "input": INPUT}


def written(body: bytes, shape: Shape = CHAT) -> GenerationRequest:
    return as_written(GenerationRequest.at(shape, body), read_routed(body))


def answer(call: UpstreamCall) -> Answer:
    if call.path == RESPONSES.path:
        return json_reply(response(message(text("Hello"))))
    return json_reply(chat_completion())


def sent(scene: Scene) -> tuple[str, Json]:
    (call,) = scene.network.calls
    assert isinstance(call.body, bytes)
    return call.path, msgspec.json.decode(call.body)


def said(exchanged: Exchanged) -> str:
    assert exchanged.json["object"] == "chat.completion"
    return str(exchanged.json["choices"][0]["message"]["content"])


@pytest.mark.parametrize("messages", ["", ',"messages":[]', ',"messages":null', ',"messages": [ ]'])
def test_input_without_messages_is_of_responses(messages: str) -> None:
    call = written(f'{{"model":"m","input":"Hi"{messages}}}'.encode())
    assert (call.shape, call.as_chat, call.reply_shape) == (RESPONSES, True, CHAT)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}',
        b'{"model":"m","input":"Hi","messages":[{"role":"user","content":"Hi"}]}',
        b'{"model":"m","input":"Hi","messages":"none"}',
        b'{"model":"m"}',
        b'{"model":"m","input":"Hi","messages":[%b]}' % (b" " * 99),
    ],
)
def test_other_bodies_are_of_chat(body: bytes) -> None:
    call = written(body)
    assert (call.shape, call.as_chat, call.reply_shape) == (CHAT, False, CHAT)


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape is not CHAT])
def test_other_endpoints_take_their_own_bodies_only(shape: Shape) -> None:
    assert written(b'{"model":"m","input":"Hi"}', shape).shape is shape


@pytest.mark.parametrize("messages", [b"[01]", b"[\xff]", b"[1e400]"])
def test_unreadable_messages_are_an_error(messages: bytes) -> None:
    routed = read_routed(b'{"model":"m","input":"Hi"}')
    with pytest.raises(InvalidRequest):
        shape_of(CHAT, b'{"model":"m","input":"Hi","messages":%b}' % messages, routed)


def test_a_model_at_both_endpoints_is_asked_at_that_of_the_body() -> None:
    scene = Scene(answer)
    exchanged = scene.generate(CHAT, BODY)
    assert said(exchanged) == "Hello"
    assert sent(scene) == (RESPONSES.path, {**BODY, "store": False})
    headers = dict(exchanged.decision.headers())
    assert headers[b"x-gateway-endpoint"] == b"/v1/responses"
    assert headers[b"x-gateway-translation"] == b"from=chat; body=responses; to=responses"


def test_a_model_at_chat_is_asked_there() -> None:
    scene = Scene(answer, rules=(ModelRule("gpt-4o-mini", endpoints=(CHAT,)),))
    exchanged = scene.generate(CHAT, BODY)
    assert said(exchanged) == "Hello"
    path, body = sent(scene)
    assert (path, body["messages"]) == (CHAT.path, [{"role": "user", "content": "Hi"}])
    headers = dict(exchanged.decision.headers())
    assert headers[b"x-gateway-translation"] == b"from=chat; body=responses; to=chat"


def paths_of(scene: Scene) -> list[str]:
    shapes = {shape.path for shape in Shape}
    return [call.path for call in scene.network.calls if call.path in shapes]


@pytest.mark.parametrize("kind", [kinds.OTHER, kinds.VLLM, kinds.LITELLM])
def test_servers_that_leave_custom_tools_out_at_responses_are_asked_at_chat(kind: Profile) -> None:
    scene = Scene(answer, UpstreamSettings("local", "http://127.0.0.1:8000/v1", kind))
    tools: list[Json] = [{"type": "custom", "name": "ApplyPatch"}]
    body = {**BODY, "model": "my-llama", "tools": tools}
    for _ in range(2):
        assert said(scene.generate(CHAT, body)) == "Hello"
    assert paths_of(scene) == [CHAT.path, CHAT.path]
    last = scene.network.calls[-1].body
    assert isinstance(last, bytes)
    assert msgspec.json.decode(last)["tools"][0]["type"] == "function"


def test_a_responses_only_model_of_theirs_is_asked_there() -> None:
    local = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM)
    scene = Scene(answer, local, rules=(ModelRule("m", endpoints=(RESPONSES,)),))
    assert said(scene.generate(CHAT, {**BODY, "model": "m"})) == "Hello"
    assert paths_of(scene) == [RESPONSES.path]


def test_a_refusal_of_the_endpoint_leads_on() -> None:
    def elsewhere(call: UpstreamCall) -> Answer:
        if call.path == CHAT.path:
            return answer(call)
        text = "The requested model 'unheard-of' is not supported with the Responses API."
        return error_reply(400, text, param="model", code="model_not_found")

    scene = Scene(elsewhere)
    for _ in range(2):
        assert said(scene.generate(CHAT, {**BODY, "model": "unheard-of"})) == "Hello"
    assert paths_of(scene) == [RESPONSES.path, CHAT.path, CHAT.path]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("size", [10, 50_000, 400_000])
def test_it_makes_no_difference_how_large_the_body_is(fast: bool, size: int) -> None:
    """Codecs know large chat requests of a model that they have translated before."""
    rule = ModelRule("m", endpoints=(RESPONSES,))
    scene = Scene(answer, rules=(rule,), performance=PerformanceSettings(fast_paths=fast))
    words = "word " * (size // 5)
    usual: Json = {"model": "m", "messages": [{"role": "user", "content": words}]}
    assert said(scene.generate(CHAT, usual)) == "Hello"
    assert said(scene.generate(CHAT, {"model": "m", "input": words})) == "Hello"
    calls = scene.network.calls
    bodies = [msgspec.json.decode(call.body) for call in calls if isinstance(call.body, bytes)]
    assert bodies[1] == {"model": "m", "input": words, "store": False}
    assert said(scene.generate(CHAT, usual)) == "Hello"


@pytest.mark.parametrize("stores", [True, False])
def test_nothing_is_kept_of_what_has_no_id(stores: bool) -> None:
    scene = Scene(answer, rules=(ModelRule("m", endpoints=(CHAT,)),), stores=stores)
    exchanged = scene.generate(CHAT, {**BODY, "model": "m", "store": True})
    assert said(exchanged) == "Hello"
    assert "store" not in exchanged.json
    assert "dropped=store" in exchanged.decision.translation


def test_a_kept_conversation_can_be_continued() -> None:
    scene = Scene(answer, rules=(ModelRule("m", endpoints=(CHAT,)),), stores=True)
    first = scene.generate(RESPONSES, {**BODY, "model": "m"}).json
    more = {**BODY, "model": "m", "previous_response_id": first["id"]}
    assert said(scene.generate(CHAT, more)) == "Hello"
    body = scene.network.calls[-1].body
    assert isinstance(body, bytes)
    roles = [message["role"] for message in msgspec.json.decode(body)["messages"]]
    assert roles == ["user", "assistant", "user"]


def test_the_parameters_of_a_models_rule_are_those_of_responses() -> None:
    params = ParamSettings(set={"max_tokens": 99, "reasoning_effort": "low"})
    scene = Scene(answer, rules=(ModelRule("gpt-5.4-mini", params=params),))
    exchanged = scene.generate(CHAT, {**BODY, "model": "gpt-5.4-mini"})
    _, body = sent(scene)
    assert (body["max_output_tokens"], body["reasoning"]) == (99, {"effort": "low"})
    shown = exchanged.decision.translation
    assert shown.startswith("from=chat; body=responses; to=responses; changed=max_output_tokens:")


def test_a_restricted_client_is_held_to_its_models() -> None:
    client = ClientSettings("c", ("k",), models=("other",))
    with pytest.raises(PermissionDenied):
        Scene(answer).generate(CHAT, BODY, client=client)


def test_a_body_without_a_model_says_so() -> None:
    with pytest.raises(InvalidRequest) as raised:
        Scene(answer).generate(CHAT, {"input": INPUT})
    assert raised.value.param == "model"


def test_the_upstreams_refusal_comes_with_the_clients_names() -> None:
    error = {"message": "No such item.", "param": "input[3].content", "code": "c", "type": "t"}
    scene = Scene(lambda _: json_reply({"error": error}, 400))
    exchanged = scene.generate(CHAT, BODY)
    assert (exchanged.reply.status, exchanged.json["error"]) == (400, error)


FAILED: Json = {"error": {"message": "Overloaded.", "type": "server_error", "code": "busy"}}


@pytest.mark.parametrize(
    ("home", "first", "then"),
    [
        (CHAT, chat_chunk("Hel"), FAILED),
        (
            RESPONSES,
            {"type": "response.output_text.delta", "delta": "Hel", "item_id": "a"},
            {"type": "error", **FAILED},
        ),
    ],
)
def test_an_error_in_a_stream_is_sent_once(home: Shape, first: Json, then: Json) -> None:
    rule = ModelRule("m", endpoints=(home,))
    scene = Scene(lambda _: stream_reply(first, then), rules=(rule,))
    exchanged = scene.generate(CHAT, {"model": "m", "input": "Hi", "stream": True})
    assert [event["error"]["code"] for event in exchanged.events if "error" in event] == ["busy"]
    assert exchanged.events[-1] == "[DONE]"


@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_a_whole_reply_in_place_of_a_stream_becomes_one(home: Shape) -> None:
    scene = Scene(answer, rules=(ModelRule("m", endpoints=(home,)),))
    options = {"stream": True, "stream_options": {"include_usage": True}}
    exchanged = scene.generate(CHAT, {"model": "m", "input": "Hi", **options})
    chunks: list[Any] = exchanged.events[:-1]
    texts = [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
    assert "".join(filter(None, texts)) == "Hello"
    assert chunks[-1]["usage"]["total_tokens"] in (3, 14)


CURSOR = (*ALICE, (b"user-agent", b"Cursor/1.0"))
FLAT: Json = {"type": "custom", "name": "ApplyPatch"}
MIXED: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [FLAT]}
AT_CHAT = (ModelRule("m", endpoints=(CHAT,)),)


def test_cursors_tools_are_written_as_chats_at_its_own_endpoint() -> None:
    call: Json = {"id": "c", "type": "custom", "custom": {"name": "ApplyPatch", "input": "***"}}
    reply = chat_completion()
    reply["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    scene = Scene(lambda _: json_reply(reply), rules=AT_CHAT)
    exchanged = scene.generate(CHAT, MIXED, headers=CURSOR)
    assert sent(scene)[1]["tools"] == [{"type": "custom", "custom": {"name": "ApplyPatch"}}]
    (shown,) = exchanged.json["choices"][0]["message"]["tool_calls"]
    assert shown["function"] == {"name": "ApplyPatch", "arguments": "***"}
    assert exchanged.decision.translation == "from=chat; to=chat; changed=tools:responses->chat"


@pytest.mark.parametrize("agent", [b"curl/8", b"Mozilla/5.0 Cursor/1.0", b""])
def test_other_programs_bodies_are_passed_on_as_they_are(agent: bytes) -> None:
    scene = Scene(answer, rules=AT_CHAT)
    exchanged = scene.generate(CHAT, MIXED, headers=(*ALICE, (b"user-agent", agent)))
    assert sent(scene) == (CHAT.path, MIXED)
    assert exchanged.decision.translation == ""


@pytest.mark.parametrize("stream", [True, False])
def test_a_body_of_cursors_that_is_all_chats_is_passed_on(stream: bool) -> None:
    raw = b'{ "model":"m", "messages":[{"role":"user","content":"Hi"}], "stream":%b }'
    body = raw % (b"true" if stream else b"false")
    pieces = stream_reply(chat_chunk("Hel"), chat_chunk("lo", "stop"))
    scene = Scene(lambda _: pieces if stream else answer(_), rules=AT_CHAT)
    exchanged = scene.generate(CHAT, body, headers=CURSOR)
    assert scene.network.calls[0].body == body
    assert exchanged.decision.translation == ""


def test_an_error_in_the_stream_of_a_mixed_body_is_sent_once() -> None:
    scene = Scene(lambda _: stream_reply(chat_chunk("Hel"), FAILED), rules=AT_CHAT)
    exchanged = scene.generate(CHAT, {**MIXED, "stream": True}, headers=CURSOR)
    assert [event["error"]["code"] for event in exchanged.events if "error" in event] == ["busy"]


def test_what_a_head_says_is_read_once() -> None:
    headers = ClientHeaders(CURSOR)
    call = GenerationRequest.at(CHAT, b"{}", headers)
    assert [may_be_mixed(call, CHAT) for _ in range(2)] == [True, True]
    assert not may_be_mixed(call, RESPONSES)
    assert not may_be_mixed(GenerationRequest.at(RESPONSES, b"{}", headers), RESPONSES)
    assert not may_be_mixed(GenerationRequest.at(CHAT, b"{}", ClientHeaders(ALICE)), CHAT)


def test_what_is_refused_of_cursors_blocks_is_named_as_it_wrote_them() -> None:
    call_id = "call-of-cursors-own-model-" * 4
    blocks = [
        {"type": "tool_use", "id": call_id, "name": "f", "input": {}},
        {"type": "tool_result", "tool_use_id": call_id, "content": "sun"},
    ]
    body: Json = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": blocks[:1]},
            {"role": "user", "content": [blocks[1], {"type": "text", "text": "Go on"}]},
        ],
    }

    def refuse(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        given = msgspec.json.decode(call.body)["messages"][2]["tool_call_id"]
        param = "messages[3].content[0]"
        return error_reply(400, f"Invalid value behind {given}.", param=param)

    with pytest.raises(GatewayError) as raised:
        Scene(refuse, rules=AT_CHAT).generate(CHAT, body, headers=CURSOR)
    error = raised.value
    assert (error.status, error.param) == (400, "messages[2]")
    assert error.message == (
        f"Invalid value behind {call_id} (upstream parameter: messages[3].content[0])."
    )
