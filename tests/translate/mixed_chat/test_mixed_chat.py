"""Chat requests with parts of other shapes, played against the emulator at every home."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.mixed_chat import reformed
from gateway.translate.plan import plan
from gateway.translate.stream.reply_as_event import whole_as_events
from tests.exchange.scene import Exchanged
from tests.translate.as_chat.test_translation import CALLING, CUSTOM_CALL
from tests.translate.demo_upstream import DemoUpstream, byte_by_byte, event_by_event, scene_at
from tests.translate.mixed_chat.test_tools import PATCH
from tests.translate.pair_table import CHAT, COMPLETIONS, MESSAGES, MODELS, RESPONSES
from tests.translate.what_clients_see import reply_seen, stream_seen

CURSOR = ((b"authorization", b"Bearer alice"), (b"user-agent", b"Cursor/1.0"))
HOMES = (CHAT, RESPONSES, MESSAGES)
READ: Json = {
    "name": "Read",
    "description": "Reads a file.",
    "parameters": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
}
NAMED = {"name": "Read", "description": READ["description"]}
ASKED: list[Json] = [
    {"role": "system", "content": "You are a coding agent."},
    {"role": "user", "content": [{"type": "text", "text": "call Read"}]},
]
OPENAIS: Json = {
    "messages": ASKED,
    "tools": [{"type": "function", "function": READ}, PATCH],
    "tool_choice": "auto",
    "user": "4a1d",
}
ANTHROPICS: Json = {
    "messages": ASKED,
    "tools": [{**NAMED, "input_schema": READ["parameters"]}],
    "tool_choice": {"type": "auto"},
}
CALL: Json = {
    "id": "call_1",
    "type": "function",
    "index": 0,
    "function": {"name": "Read", "arguments": '{"path": "a.py"}'},
}
PATCHED: Json = {
    "id": "call_2",
    "type": "function",
    "function": {"name": "ApplyPatch", "arguments": "*** Begin Patch"},
}
OPENAIS_NEXT: list[Json] = [
    *ASKED,
    {"role": "assistant", "content": [], "tool_calls": [CALL, PATCHED]},
    {"role": "tool", "name": "Read", "tool_call_id": "call_1", "content": "print()"},
    {"role": "tool", "tool_call_id": "call_2", "content": "print()"},
]
ANTHROPICS_NEXT: list[Json] = [
    *ASKED,
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I read it."},
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a.py"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "text", "text": "print()"}],
            }
        ],
    },
]
TURNS = [(OPENAIS, OPENAIS_NEXT), (ANTHROPICS, ANTHROPICS_NEXT)]


DROPPED = (
    "from=chat; to=chat; dropped=messages[0].content[0]; changed=messages:messages->chat; "
    "emulated=messages[1].content[0].is_error"
)


def played(home: Shape, body: Json, upstream: DemoUpstream) -> Exchanged:
    asked = {**body, "model": MODELS[home]}
    return scene_at(home, MODELS[home], upstream).generate(CHAT, asked, headers=CURSOR)


@pytest.mark.parametrize("split", [None, event_by_event, byte_by_byte])
@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize(("body", "history"), TURNS)
def test_an_agents_two_turns(home: Shape, body: Json, history: list[Json], split: Any) -> None:
    stream = split is not None
    seen = []
    for messages in (body["messages"], history):
        upstream = DemoUpstream(split or event_by_event)
        answer = played(home, {**body, "messages": messages, "stream": stream}, upstream)
        assert answer.reply.status == 200, answer.body
        (found,) = stream_seen(CHAT, answer) if stream else reply_seen(CHAT, answer.json)
        seen.append(found)
        assert b"changed=tools:" in dict(answer.decision.headers())[b"x-gateway-translation"]
    assert [call.partition(" ")[0] for call in seen[0].calls] == ["Read"]
    assert "print()" in seen[1].text


@pytest.mark.parametrize("home", HOMES)
def test_custom_calls_come_as_functions_with_bare_text(home: Shape) -> None:
    able = Capabilities(custom_tools=home is not MESSAGES)
    context = Context("m", "m", capabilities=able)
    translation = plan(CHAT, home, {**OPENAIS, "model": "m"}, context, mixed=True)
    (choice,) = translation.reply([CALLING[home]])["choices"]
    (call,) = choice["message"]["tool_calls"]
    function = {"name": "ApplyPatch", "arguments": CUSTOM_CALL["input"]}
    assert (call["type"], call["function"]) == ("function", function)
    stream = translation.stream()
    chunks = [
        chunk for event in whole_as_events(home, CALLING[home]) for chunk in stream.feed(0, event)
    ]
    chunks += stream.end(0)
    pieces = [
        piece
        for chunk in chunks
        for each in chunk["choices"]
        for piece in each["delta"].get("tool_calls", ())
    ]
    assert not any("custom" in piece for piece in pieces)
    text = "".join(piece["function"]["arguments"] for piece in pieces)
    assert text == CUSTOM_CALL["input"]


def test_without_flat_custom_tools_calls_stay_what_they_are() -> None:
    body = {"model": "m", **ANTHROPICS}
    translation = plan(CHAT, CHAT, body, Context("m", "m"), mixed=True)
    (choice,) = translation.reply([CALLING[CHAT]])["choices"]
    assert choice["message"]["tool_calls"][0]["type"] == "custom"
    (event,) = translation.stream().feed(0, {"id": "x", "choices": []})
    assert event["choices"] == []


def test_a_chat_request_has_nothing_to_reform() -> None:
    assert reformed({"messages": ASKED, "tools": [{"type": "function", "function": READ}]}) is None
    assert reformed({"messages": "none"}) is None


def test_the_client_body_is_not_changed() -> None:
    before = repr((OPENAIS, OPENAIS_NEXT))
    assert reformed({**OPENAIS, "messages": OPENAIS_NEXT}) is not None
    assert repr((OPENAIS, OPENAIS_NEXT)) == before


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (OPENAIS, "from=chat; to=chat; changed=tools:responses->chat"),
        (
            {**ANTHROPICS, "messages": ANTHROPICS_NEXT},
            "from=chat; to=chat; changed="
            + ",".join(f"{name}:messages->chat" for name in ("tools", "tool_choice", "messages")),
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}]},
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "t", "is_error": True},
                        ],
                    },
                ]
            },
            DROPPED,
        ),
        ({"messages": [{"role": "assistant", "content": []}]}, "from=chat; to=chat"),
    ],
)
def test_the_report_says_what_was_rewritten(body: Json, header: str) -> None:
    translation = plan(CHAT, CHAT, {"model": "m", **body}, Context("m", "m"), mixed=True)
    assert translation.report.header() == header


def test_marks_and_a_wish_for_one_call_reach_claude_again() -> None:
    mark: Json = {"cache_control": {"type": "ephemeral"}}
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}, **mark}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x", **mark}
    turn: list[Json] = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    body: Json = {
        "model": "m",
        "messages": turn,
        "tools": [{**NAMED, "input_schema": {"type": "object"}, "type": "custom", **mark}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    }
    translation = plan(CHAT, MESSAGES, body, Context("m", "m"), mixed=True)
    (sent,) = translation.calls
    assert sent["messages"] == turn
    assert sent["tools"] == [{**NAMED, "input_schema": {"type": "object"}, **mark}]
    assert sent["tool_choice"] == body["tool_choice"]
    assert translation.report.dropped == []
    (sent,) = plan(CHAT, CHAT, body, Context("m", "m"), mixed=True).calls
    assert sent["parallel_tool_calls"] is False
    (sent,) = plan(
        CHAT, CHAT, {**body, "parallel_tool_calls": True}, Context("m", "m"), mixed=True
    ).calls
    assert sent["parallel_tool_calls"] is True


@pytest.mark.parametrize("home", [COMPLETIONS, RESPONSES, MESSAGES])
@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"temperature": 9}, "temperature"),
        ({"messages": [{"role": "mystery"}]}, "messages[0].role"),
        ({"tools": [{**PATCH, "description": 7}]}, "tools[0].description"),
        ({"tools": [{**NAMED, "input_schema": {}, "description": "d"}], "n": "x"}, "n"),
    ],
)
def test_refusals_name_the_clients_own_parameter(home: Shape, more: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        plan(CHAT, home, {"model": "m", "messages": ASKED, **more}, Context("m", "m"))
    assert raised.value.param == param


def test_the_upstreams_parameters_have_the_clients_names() -> None:
    body = {"model": "m", **ANTHROPICS, "messages": ANTHROPICS_NEXT}
    translation = plan(CHAT, CHAT, body, Context("m", "m"), mixed=True)
    names = ["tools[0].function.parameters", "messages[3].content", "messages[9]", "user", None]
    assert [translation.client_param(0, name) for name in names] == [
        "tools[0].input_schema",
        "messages[3].content[0]",
        "messages",
        "user",
        None,
    ]


def test_it_is_not_looked_for_at_the_own_endpoint_unless_it_is_likely() -> None:
    body = {"model": "m", **OPENAIS}
    (sent,) = plan(CHAT, CHAT, body, Context("m", "m")).calls
    assert sent == body
