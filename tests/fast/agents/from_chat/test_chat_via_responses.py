"""The requests of agents from chat to responses: both paths show the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.fast.agents.codec import AgentTranslation
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.fast.agents.both import about, admitted, assert_same
from tests.fast.agents.chat_traffic import CALL, FULL, LEVELS, ODD, TEXT
from tests.fast.both_paths import changed, each, like, with_each_field
from tests.fast.codecs.test_chat_via_responses import CONTEXTS, PARAMS, REPLY, make_context
from tests.fast.names import names_between
from tests.translate.chat_via_responses.cases import OPENAI, VLLM

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES
VALUES = [None, True, 0, 7, 1.5, "", "x", "user", [], ["u"], {}, {"a": "b"}]
CALLED: Json = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_9",
    "name": "read",
    "arguments": '{"path": "b"}',
    "status": "completed",
}
REPLIES: list[Json] = [
    REPLY,
    {**REPLY, "output": [{"type": "reasoning", "summary": []}, *REPLY["output"], CALLED]},
    {**REPLY, "output": [CALLED, {**CALLED, "call_id": "call_10"}]},
    {**REPLY, "status": "failed", "error": {"message": "No.", "param": "input[3].output"}},
]
STREAM: list[Json] = [
    {"type": "response.created", "response": {**REPLY, "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**CALLED, "arguments": ""}},
    *[
        {
            "type": "response.function_call_arguments.delta",
            "item_id": "fc_1",
            "output_index": 0,
            "delta": piece,
        }
        for piece in ('{"path"', ': "b"', "}")
    ],
    {"type": "response.output_item.done", "output_index": 0, "item": CALLED},
    {"type": "response.completed", "response": {**REPLY, "output": [CALLED]}},
]
WITH_CALL = (
    b'{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c","function":'
    b'{"name":"f","arguments":%b}}]}]}'
)
WITH_TOOL = (
    b'{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function",'
    b'"function":{"name":"f","parameters":%b}}]}'
)
MORE_CONTEXTS: dict[str, Context] = {
    **CONTEXTS,
    "no tools": make_context(replace(OPENAI, tools=False)),
    "no developer": make_context(replace(OPENAI, developer_role=False)),
    "no allowed tools": make_context(replace(VLLM, allowed_tools=False, custom_tools=False)),
}
contexts = pytest.mark.parametrize("context", MORE_CONTEXTS.values(), ids=MORE_CONTEXTS.keys())


def same(body: Json | bytes, context: Context, *replies: Any) -> bool:
    return assert_same(CHAT, RESPONSES, body, context, replies, [STREAM], PARAMS)


@pytest.mark.alone
@contexts
def test_both_paths_are_the_same_for_every_odd_request(context: Context) -> None:
    for odd in ODD:
        same(changed(FULL, [odd]), context)


@contexts
def test_both_paths_are_the_same_for_every_reply(context: Context) -> None:
    for body in (FULL, {**FULL, "stream": True, "stream_options": {"include_usage": True}}):
        assert same(body, context, *REPLIES) is context.capabilities.tools


@pytest.mark.alone
@pytest.mark.parametrize("level", LEVELS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    full = about(FULL, level)
    assert same(full, MORE_CONTEXTS["OpenAI"])
    for body in with_each_field(full, level, VALUES, names_between(CHAT, RESPONSES)):
        assert_same(CHAT, RESPONSES, body, MORE_CONTEXTS["OpenAI"])


@given(
    changes=st.lists(
        like(ODD),
        max_size=3,
    ),
    context=st.sampled_from(sorted(MORE_CONTEXTS)),
)
def test_whatever_is_changed_both_paths_are_the_same(
    changes: list[tuple[str, Any]], context: str
) -> None:
    same(changed(FULL, changes), MORE_CONTEXTS[context], REPLIES[1])


COMMON: list[tuple[str, Any]] = [
    *each("messages.2.content", "", "Hm.", [TEXT]),
    *each("messages.2.reasoning_content", "", "Hm."),
    *each("messages.2.name", "", "Bot"),
    *each("messages.3.name", "read"),
    *each("messages.0.role", "developer"),
    *each("tools", None),
    ("tools.0", {"type": "custom", "custom": {"name": "f"}}),
    *each("tool_choice", "required", {"type": "function", "function": {"name": "read"}}),
    *each("response_format", {"type": "json_object"}),
    *each("metadata", {"a": "b"}),
    *each("store", True),
    *each("stop", "up"),
    *each("prediction", {"type": "content", "content": "x"}),
]


@pytest.mark.parametrize("change", COMMON)
def test_agents_take_the_fast_path(change: tuple[str, Any]) -> None:
    body = changed({**FULL, "tool_choice": None, "parallel_tool_calls": None}, [change])
    assert same(body, MORE_CONTEXTS["OpenAI"], *REPLIES)


@pytest.mark.parametrize(
    "written",
    [
        b'{"model":"m","messages":[{"content":"\\u2028\xf0\x9f\x98\x80\\/","role":"user"}]}',
        b' { "messages" : [ { "content" : "a" , "role":"us\\u0065r"} ] , "model" : "m" } ',
        WITH_TOOL % b'{"a":1.10,"b":1E5,"c":-0.0,"d":[ 1 , 2 ]}',
    ],
)
def test_however_a_request_is_written_the_same_is_sent(written: bytes) -> None:
    assert same(written, MORE_CONTEXTS["OpenAI"])


@pytest.mark.parametrize(
    "text",
    [b'"\xff"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\x"', b'"\n"', b'"a', b"01", b"[", b""],
)
@pytest.mark.parametrize(
    "written",
    [
        b'{"model":"m","messages":[{"role":"user","content":%b}]}',
        WITH_CALL,
        WITH_TOOL,
    ],
)
def test_what_is_not_valid_is_left_to_the_generic_path(written: bytes, text: bytes) -> None:
    assert admitted(CHAT, RESPONSES, written % text, MORE_CONTEXTS["OpenAI"]) is None


def test_long_conversations_are_the_same() -> None:
    turn = [
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x" * 50},
        {"role": "user", "content": "Go on."},
    ]
    body = {**FULL, "messages": turn * 300}
    assert same(body, MORE_CONTEXTS["OpenAI"])
    assert isinstance(
        admitted(CHAT, RESPONSES, encode(body), MORE_CONTEXTS["OpenAI"]), AgentTranslation
    )


@pytest.mark.parametrize("name", ["OpenAI", "vLLM"])
@pytest.mark.parametrize(
    "function",
    [
        {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        {"strict": False, "parameters": {"type": "object"}, "description": "d", "name": "f"},
        {"parameters": {"type": "object"}, "name": "f"},
        {"strict": True, "name": "f"},
    ],
)
def test_a_function_has_its_fields_in_one_order(name: str, function: Json) -> None:
    tools = [{"type": "function", "function": function}]
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": tools}
    context = MORE_CONTEXTS[name]
    made = admitted(CHAT, RESPONSES, body, context)
    assert made is not None
    generic = plan(CHAT, RESPONSES, body, context)
    assert encode(made.calls[0]["tools"]) == encode(generic.calls[0]["tools"])
