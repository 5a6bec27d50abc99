"""Tools with names that Anthropic does not take, as clients of OpenAI's API have them."""

from typing import Any

import msgspec
import pytest

from gateway.demo.rules import messages as rules
from gateway.errors import UpstreamReplied
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.to_messages.tool_names import safe_tool_name
from gateway.translate.plan import plan
from tests.fast.agents.both import admitted
from tests.translate.messages_upstreams import context, message, text, tool_use

MESSAGES = Shape.MESSAGES
READ, PATCH, OLD = "files.read", "files/patch it", "löschen"
SAFE = {name: safe_tool_name(name) for name in (READ, PATCH, OLD)}
SCHEMA: Json = {"type": "object", "properties": {"name": {"type": "string", "title": READ}}}


def chat_call(kind: str, name: str, call_id: str, **more: Any) -> Json:
    return {"id": call_id, "type": kind, kind: {"name": name, **more}}


CHAT: Json = {
    "model": "asked",
    "messages": [
        {"role": "user", "name": READ, "content": f"Use {READ}"},
        {
            "role": "assistant",
            "tool_calls": [
                chat_call("function", READ, "c1", arguments='{"name":"files.read"}'),
                chat_call("custom", PATCH, "c2", input="x"),
                chat_call("function", OLD, "c3", arguments="{}"),
            ],
        },
        *({"role": "tool", "tool_call_id": f"c{n}", "content": READ} for n in (1, 2, 3)),
    ],
    "tools": [
        {"type": "function", "function": {"name": READ, "parameters": SCHEMA}},
        {"type": "custom", "custom": {"name": PATCH}},
        {"type": "function", "function": {"name": "plain"}},
    ],
}
RESPONSES: Json = {
    "model": "asked",
    "input": [
        {"role": "user", "content": f"Use {READ}"},
        {
            "type": "function_call",
            "call_id": "c1",
            "name": READ,
            "arguments": '{"name":"files.read"}',
        },
        {"type": "custom_tool_call", "call_id": "c2", "name": PATCH, "input": "x"},
        {"type": "function_call", "call_id": "c3", "name": OLD, "arguments": "{}"},
        *({"type": "function_call_output", "call_id": f"c{n}", "output": READ} for n in (1, 3)),
        {"type": "custom_tool_call_output", "call_id": "c2", "output": READ},
    ],
    "tools": [
        {"type": "function", "name": READ, "parameters": SCHEMA, "strict": None},
        {"type": "custom", "name": PATCH},
        {"type": "function", "name": "plain", "parameters": None, "strict": None},
    ],
}
BODIES = {Shape.CHAT: CHAT, Shape.RESPONSES: RESPONSES}
LEGACY: Json = {
    "model": "asked",
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "function_call": {"name": READ, "arguments": "{}"}},
        {"role": "function", "name": READ, "content": "x"},
    ],
    "functions": [{"name": READ, "parameters": SCHEMA}],
}


def translated(client: Shape, body: Json, of: Context | None = None) -> Translation:
    return plan(client, MESSAGES, body, of or context())


def under_its_own_name() -> Context:
    return context().changed(model_asked=context().model_sent)


def call_of(client: Shape, body: Json) -> Any:
    """Return the one body that is sent, which Anthropic takes."""
    (call,) = translated(client, body).calls
    rules.check(msgspec.json.decode(msgspec.json.encode(call)), "2023-06-01", [])
    return call


def uses(call: Any) -> list[str]:
    blocks = [block for turn in call["messages"] for block in turn["content"]]
    return [b["name"] for b in blocks if isinstance(b, dict) and b["type"] == "tool_use"]


@pytest.mark.parametrize("client", BODIES)
def test_tools_and_earlier_calls_are_sent_under_one_name(client: Shape) -> None:
    call = call_of(client, BODIES[client])
    assert [tool["name"] for tool in call["tools"]] == [SAFE[READ], SAFE[PATCH], "plain"]
    assert uses(call) == [SAFE[READ], SAFE[PATCH], SAFE[OLD]]
    # Anything but the name of a tool stays.
    assert call["tools"][0]["input_schema"] == SCHEMA
    assert call["messages"][1]["content"][0]["input"] == {"name": READ}
    assert call["messages"][2]["content"][0]["content"] == READ


@pytest.mark.parametrize(
    ("client", "paths"),
    [
        (
            Shape.CHAT,
            (
                "tools[0].function.name",
                "tools[1].custom.name",
                "messages[1].tool_calls[2].function.name",
            ),
        ),
        (Shape.RESPONSES, ("tools[0].name", "tools[1].name", "input[3].name")),
    ],
)
def test_each_name_is_reported_once(client: Shape, paths: tuple[str, ...]) -> None:
    changed = translated(client, BODIES[client]).report.changed
    expected = [f"{p}:{n}->{SAFE[n]}" for p, n in zip(paths, SAFE, strict=True)]
    assert [entry for entry in changed if ".name:" in entry] == expected


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize("called", [True, False])
def test_a_name_is_not_reported_of_a_tool_that_is_dropped(client: Shape, *, called: bool) -> None:
    unknown = {"type": "function of tomorrow", "function": {"name": READ}, "name": READ}
    turns = {Shape.CHAT: "messages", Shape.RESPONSES: "input"}[client]
    said = BODIES[client][turns]
    body = {**BODIES[client], "tools": [unknown], turns: said if called else said[:1]}
    report = translated(client, body, context(on_unsupported="drop")).report
    reported = [entry for entry in report.changed if f"->{SAFE[READ]}" in entry]
    first = "messages[1].tool_calls[0].function" if client is Shape.CHAT else "input[1]"
    assert "tools[0]" in report.dropped
    assert reported == ([f"{first}.name:{READ}->{SAFE[READ]}"] if called else [])


CHOICES: list[tuple[Shape, Any, Json]] = [
    (Shape.CHAT, {"type": "function", "function": {"name": READ}}, {"name": SAFE[READ]}),
    (Shape.CHAT, {"type": "custom", "custom": {"name": PATCH}}, {"name": SAFE[PATCH]}),
    (
        Shape.CHAT,
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": READ}}],
            },
        },
        {"type": "any"},
    ),
    (Shape.RESPONSES, {"type": "function", "name": READ}, {"name": SAFE[READ]}),
    (Shape.RESPONSES, {"type": "custom", "name": PATCH}, {"name": SAFE[PATCH]}),
    (
        Shape.RESPONSES,
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": READ}],
        },
        {"type": "any"},
    ),
    (Shape.CHAT, "required", {"type": "any"}),
]


@pytest.mark.parametrize(("client", "choice", "sent"), CHOICES)
def test_a_choice_names_the_tool_as_it_is_sent(client: Shape, choice: Any, sent: Json) -> None:
    call = call_of(client, {**BODIES[client], "tool_choice": choice})
    assert call["tool_choice"].items() >= sent.items()
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        assert [tool["name"] for tool in call["tools"]] == [SAFE[READ]]


def test_functions_of_2023_have_them_too() -> None:
    call = call_of(Shape.CHAT, {**LEGACY, "function_call": {"name": READ}})
    assert call["tools"][0]["name"] == uses(call)[0] == SAFE[READ]
    assert call["tool_choice"]["name"] == SAFE[READ]
    called = message(tool_use(SAFE[READ], {"a": 1}), reason="tool_use")
    reply = translated(Shape.CHAT, LEGACY).reply([called])
    assert reply["choices"][0]["message"]["function_call"]["name"] == READ


def test_tools_that_the_conversation_adds_have_them_too() -> None:
    added = {"type": "additional_tools", "tools": [{"type": "function", "name": READ}]}
    call = call_of(
        Shape.RESPONSES, {"model": "m", "input": [added, {"role": "user", "content": "x"}]}
    )
    assert [tool["name"] for tool in call["tools"]] == [SAFE[READ]]


def test_tools_of_namespaces_have_a_safe_name_anyway() -> None:
    space = {"type": "namespace", "name": "files", "description": "x"}
    member = {"type": "function", "name": "a.b", "parameters": {}}
    call = {"type": "function_call", "call_id": "c1", "name": "a.b", "namespace": "files"}
    body = {
        "model": "m",
        "tools": [{**space, "tools": [member]}],
        "input": [
            {**call, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "x"},
        ],
    }
    sent = call_of(Shape.RESPONSES, body)
    assert sent["tools"][0]["name"] == uses(sent)[0]
    assert isinstance(translated(Shape.RESPONSES, body, under_its_own_name()), PairTranslation)


STARTED: Json = {"type": "message_start", "message": {**message(), "content": []}}
STREAM: list[Json] = [
    {**STARTED, "message": {**STARTED["message"], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hm"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {**tool_use(SAFE[READ]), "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"name": "files_read"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
CALLED = message(text("Hm"), tool_use(SAFE[READ], {"name": "files_read"}), reason="tool_use")


def names_of_calls(value: Any) -> set[str]:
    """Return the names of all calls and tools in a reply."""
    if isinstance(value, list):
        return {name for each in value for name in names_of_calls(each)}
    if not isinstance(value, dict):
        return set()
    own = {value["name"]} if isinstance(value.get("name"), str) else set()
    return own.union(
        *(names_of_calls(inner) for key, inner in value.items() if key != "parameters")
    )


@pytest.mark.parametrize("client", BODIES)
def test_calls_have_the_clients_names_again(client: Shape) -> None:
    reply = translated(client, BODIES[client]).reply([CALLED])
    echoed = {PATCH, "plain"} if client is Shape.RESPONSES else set()
    assert names_of_calls(reply) == {READ, *echoed}
    stream = translated(client, {**BODIES[client], "stream": True}).stream()
    assert stream.passes_text
    events = [out for event in STREAM for out in stream.feed(0, event)]
    assert not stream.satisfied(0)
    assert stream.ping() == []
    events += stream.end(0)
    assert names_of_calls(events) == {READ, *echoed}
    failed = translated(client, {**BODIES[client], "stream": True}).stream()
    failed.feed(0, STREAM[0])
    assert names_of_calls(failed.fail(UpstreamReplied("Overloaded"))) <= {READ, *echoed}


@pytest.mark.parametrize("client", BODIES)
def test_what_needs_no_other_name_is_translated_as_it_is(client: Shape) -> None:
    given = msgspec.json.encode(BODIES[client]).decode()
    for name in (READ, PATCH, OLD):
        given = given.replace(f'"name":"{name}"', f'"name":"{SAFE[name]}"')
    translation = translated(client, msgspec.json.decode(given), under_its_own_name())
    assert isinstance(translation, PairTranslation)
    renamed = translated(client, BODIES[client])
    assert renamed.local_reply() is None
    param = "messages.1.content.0.tool_use.name"
    assert renamed.client_param(0, param) == translation.client_param(0, param)


@pytest.mark.parametrize("odd", [None, 1, [], [None, 1, {}], {}, {"name": 1}, "x"])
@pytest.mark.parametrize(
    "field", ["tools", "functions", "tool_choice", "function_call", "messages", "input"]
)
def test_odd_requests_are_for_the_translation_to_refuse(field: str, odd: Any) -> None:
    for client, body in (*BODIES.items(), (Shape.CHAT, LEGACY)):
        outcomes = []
        for given in (
            body,
            msgspec.json.decode(msgspec.json.encode(body).replace(b".read", b"_r")),
        ):
            try:
                translated(client, {**given, field: odd})
                outcomes.append("")
            except Exception as error:  # noqa: BLE001 - of whatever kind, it is the same
                outcomes.append(str(error).replace(".read", "_r"))
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("client", BODIES)
def test_the_fast_path_leaves_them_to_the_generic_one(client: Shape) -> None:
    body = BODIES[client]
    plain = msgspec.json.encode(body)
    for name in (READ, PATCH, OLD):
        plain = plain.replace(f'"name":"{name}"'.encode(), f'"name":"{SAFE[name]}"'.encode())
    last = "tools"
    history = "messages" if client is Shape.CHAT else "input"
    only_plain = msgspec.json.decode(plain)
    # By the definitions alone, by the history alone, and by a choice that the generic path writes.
    functions = [tool for tool in only_plain[last] if tool["type"] == "function"][-1:]
    admitted_body = {**only_plain, last: functions}
    calls_of_functions = _without_custom(admitted_body, history)
    assert admitted(client, MESSAGES, calls_of_functions, context()) is not None
    for changed in (
        {**calls_of_functions, last: [body[last][0]]},
        {**calls_of_functions, history: _without_custom(body, history)[history]},
        {**calls_of_functions, last: body[last][:1], "tool_choice": CHOICES_OF[client]},
    ):
        assert admitted(client, MESSAGES, changed, context()) is None


CHOICES_OF = {
    Shape.CHAT: {"type": "function", "function": {"name": READ}},
    Shape.RESPONSES: {"type": "function", "name": READ},
}


def _without_custom(body: Json, history: str) -> Json:
    """Return a request without its custom call."""
    kept = []
    for entry in body[history]:
        calls = [call for call in entry.get("tool_calls", ()) if call["type"] == "function"]
        if entry.get("call_id") != "c2" and entry.get("tool_call_id") != "c2":
            kept.append({**entry, "tool_calls": calls} if calls else entry)
    return {**body, history: kept}
