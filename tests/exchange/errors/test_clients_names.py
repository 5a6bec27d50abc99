"""Errors of upstreams about what they were sent under another name have the client's own."""

import hashlib
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, UpstreamReplied
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.resolve.refusals.history.earlier_calls import short_id
from gateway.servers import Profile
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.exchange.test_earlier_calls import BODIES, ID
from tests.fakes import Answer, error_reply, json_reply, stream_reply

LONG = "call-of-another-service-" * 4
DOTTED = "call.of|another:service"
TOOL = "mcp__a_server_with_a_very_long_name__and_a_tool_with_a_longer_one_still"
HOMES = {
    Shape.CHAT: kinds.VLLM,
    Shape.RESPONSES: kinds.OPENAI,
    Shape.MESSAGES: kinds.ANTHROPIC,
}


def body_of(client: Shape, call_id: str, tool: str = "f") -> Json:
    """Return a conversation in which a call with this id has been answered."""
    text = msgspec.json.encode(BODIES[client]).decode().replace(ID, call_id)
    return {"model": "m", **msgspec.json.decode(text.replace('"name":"f"', f'"name":"{tool}"'))}


def names_in(body: Any, *keys: str) -> list[str]:
    """Return what stands at these keys, at any depth."""
    if isinstance(body, list):
        return [name for each in body for name in names_in(each, *keys)]
    if not isinstance(body, dict):
        return []
    inner = names_in(list(body.values()), *keys)
    return [body[key] for key in keys if isinstance(body.get(key), str)] + inner


class Refusing:
    """Refuses each request by the names in it, whole, or as the second event of a stream."""

    def __init__(self, home: Shape, *keys: str) -> None:
        self.home = home
        self.keys = keys
        self.named: list[str] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.named = names_in(body, *self.keys)
        said = f"No tool output found for function call {self.named[0]}."
        if not body.get("stream"):
            return error_reply(400, said)
        return stream_reply(*_begun(self.home), {"error": {"message": said, "type": "x"}})


def _begun(home: Shape) -> list[Json]:
    if home is Shape.CHAT:
        return [{"id": "c", "choices": [{"index": 0, "delta": {"content": "Hm"}}]}]
    if home is Shape.RESPONSES:
        item = {"type": "message", "id": "m", "role": "assistant", "content": []}
        return [
            {"type": "response.created", "response": {"id": "r", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_text.delta", "item_id": "m", "content_index": 0}
            | {"output_index": 0, "delta": "Hm"},
        ]
    message = {"id": "m", "type": "message", "role": "assistant", "content": []}
    return [
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hm"}},
    ]


def said(client: Shape, upstream: Refusing, body: Json, *, streamed: bool) -> str:
    """Return the message of the error that a client gets."""
    kind: Profile = HOMES[upstream.home]
    up = UpstreamSettings("up", "http://up.example/v1", kind)
    rules = (ModelRule("m", endpoints=(upstream.home,)),)
    stage = Scene(upstream.answer, up, rules=rules)
    if not streamed:
        with pytest.raises(GatewayError) as raised:
            stage.generate(client, body, headers=ALICE)
        return raised.value.message
    events = stage.generate(client, {**body, "stream": True}, headers=ALICE).events
    (error,) = [each for each in events if "error" in each and each != "[DONE]"]
    message: str = error["error"]["message"]
    return message


PAIRS = [(a, b) for a in BODIES for b in HOMES if a is not b]
IDS = ("id", "call_id", "tool_call_id", "tool_use_id")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("call_id", [LONG, DOTTED])
def test_an_id_is_the_clients_own(client: Shape, home: Shape, call_id: str, streamed: bool) -> None:
    upstream = Refusing(home, *IDS)
    message = said(client, upstream, body_of(client, call_id), streamed=streamed)
    assert message.startswith(f"No tool output found for function call {call_id}.")
    # Anthropic has no limit for the length, the others none for letters.
    assert (call_id in upstream.named) is ((call_id == LONG) is (home is Shape.MESSAGES))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.RESPONSES])
def test_the_name_of_a_tool_is_the_clients_own(home: Shape, streamed: bool) -> None:
    upstream = Refusing(home, "name")
    tool = {"name": TOOL, "input_schema": {"type": "object"}}
    body = {**body_of(Shape.MESSAGES, "c1", TOOL), "tools": [tool]}
    message = said(Shape.MESSAGES, upstream, body, streamed=streamed)
    assert message.startswith(f"No tool output found for function call {TOOL}.")
    assert TOOL not in upstream.named


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_a_name_that_anthropic_does_not_take_is_the_clients_own(
    client: Shape, streamed: bool
) -> None:
    upstream = Refusing(Shape.MESSAGES, "name")
    message = said(client, upstream, body_of(client, "c1", "files.read"), streamed=streamed)
    assert message.startswith("No tool output found for function call files.read.")
    assert "files.read" not in upstream.named


def refused(text: str, body: Json) -> str:
    error = in_clients_names(UpstreamReplied(text), msgspec.json.encode(body))
    return error.message


def test_ids_that_a_server_demands_short_are_found_again() -> None:
    short = hashlib.sha256(ID.encode()).hexdigest()[:9]
    assert refused(f"Not found: {short}, {short}0", body_of(Shape.CHAT, ID)) == (
        f"Not found: {ID}, {short}0"
    )


class Demanding(Refusing):
    """Demands short ids, and then refuses what it gets under one: as an error, or an event."""

    def __init__(self, *, in_success: bool) -> None:
        super().__init__(Shape.CHAT, *IDS)
        self.in_success = in_success

    def answer(self, call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        self.named = names_in(msgspec.json.decode(call.body), *self.keys)
        given = self.named[0]
        if len(given) != 9:
            rule = "but must be a-z, A-Z, 0-9, with a length of 9."
            return error_reply(400, f"Tool call id was {given} {rule}", code="3280")
        said = f"Not the same number of function calls and responses: {given}."
        if not self.in_success:
            return error_reply(422, said, code="invalid_order")
        event = {
            "error": {"message": said, "type": "invalid_request_error", "code": "invalid_order"}
        }
        return stream_reply(event)


def _error_of(stage: Scene, body: Json) -> Json:
    """Return the error that a client gets, as a reply or as an event."""
    try:
        events = stage.generate(Shape.CHAT, body, headers=ALICE).events
    except GatewayError as error:
        return {"message": error.message, "code": error.code}
    (failed,) = [each["error"] for each in events if "error" in each and each != "[DONE]"]
    return dict(failed)


@pytest.mark.parametrize("in_success", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("sent", ["m", "other"])
def test_so_they_are_at_the_clients_own_endpoint(
    sent: str, streamed: bool, in_success: bool
) -> None:
    upstream = Demanding(in_success=in_success)
    up = UpstreamSettings("up", "http://up.example/v1", HOMES[Shape.CHAT])
    rule = ModelRule("m", model=sent, endpoints=(Shape.CHAT,))
    stage = Scene(upstream.answer, up, rules=(rule,))
    body = {**body_of(Shape.CHAT, ID), "stream": streamed}
    for _ in range(2):
        error = _error_of(stage, body)
        assert error["message"] == f"Not the same number of function calls and responses: {ID}."
        assert error["code"] == "invalid_order"
    assert ID not in upstream.named


def test_an_error_without_such_a_name_stays_the_upstreams_own() -> None:
    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if ID.encode() in call.body:
            rule = "but must be a-z, A-Z, 0-9, with a length of 9."
            return error_reply(400, f"Tool call id was {ID} {rule}", code="3280")
        return json_reply({"object": "error", "message": "Busy: 0123456ab."}, 500)

    up = UpstreamSettings("up", "http://up.example/v1", HOMES[Shape.CHAT])
    stage = Scene(answer, up, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    exchanged = stage.generate(Shape.CHAT, body_of(Shape.CHAT, ID), headers=ALICE)
    assert exchanged.reply.status == 500
    assert exchanged.json == {"object": "error", "message": "Busy: 0123456ab."}


def test_a_repeated_id_is_found_again() -> None:
    second = hashlib.sha256(b"c1 2").hexdigest()[:32]
    body = body_of(Shape.CHAT, "c1")
    assert refused(f"`call_{second}` is bad", body) == "`c1` is bad"


@pytest.mark.parametrize(("given", "seed"), [("f.x:0", "f.x:0"), ("c1", "c1 2"), ("f:0", "f:0 2")])
def test_ids_as_anthropic_takes_them_are_found_again(given: str, seed: str) -> None:
    sent = f"toolu_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"
    blocks = [{"type": "tool_use", "id": given}, {"type": "tool_result", "tool_use_id": given}]
    body = {"messages": [{"role": "assistant", "content": blocks}]}
    assert refused(f"`{sent}` is bad", body) == f"`{given}` is bad"


def test_the_tools_of_namespaces_are_named_with_them() -> None:
    tools = [
        {"type": "namespace", "name": "files", "tools": [{"type": "function", "name": "read"}]}
    ]
    call = {"type": "function_call", "namespace": "a b", "name": "c", "call_id": "1"}
    hashed = f"ns_{hashlib.sha256(b'a b').hexdigest()[:8]}__c"
    body = {"tools": tools, "input": [call]}
    assert refused(f"files__read and {hashed}", body) == "files.read and a b.c"
    assert refused("files__reader", body) == "files__reader"


@pytest.mark.parametrize("odd", [None, 1, [], [None], {"name": 1}])
def test_odd_requests_name_nothing(odd: Any) -> None:
    body = {"tools": [{"type": "namespace", "name": "a", "tools": odd}], "id": odd}
    assert refused("a__b", body) == "a__b"


def test_what_the_client_calls_by_that_name_is_meant() -> None:
    own = {"name": "files__read"}
    space = {"type": "namespace", "name": "files", "tools": [{"name": "read"}]}
    assert refused("files__read", {"tools": [own, space]}) == "files__read"


def test_only_errors_of_upstreams_are_looked_into() -> None:
    text = f"call_{'0' * 32}"
    for error in (UpstreamReplied(text), InvalidRequest(text)):
        assert in_clients_names(error, b"not JSON").message == text


def test_what_is_too_deep_to_be_worked_on_is_the_clients_error() -> None:
    error = in_clients_names(RecursionError("maximum recursion depth exceeded"), b"{}")
    assert isinstance(error, InvalidRequest)
    assert (error.code, "nested too deeply" in error.message) == ("invalid_json", True)


def test_a_request_that_is_too_deep_to_be_searched_names_nothing() -> None:
    for depth in range(100, 1000, 50):
        body = b'{"a":' * depth + b"1" + b"}" * depth
        error = UpstreamReplied(f"No call {short_id(LONG)}.", upstream_status=400)
        assert in_clients_names(error, body) is error
