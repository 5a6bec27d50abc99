"""The requests of agents from chat to messages: both paths show the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast.agents.both import about, admitted, assert_same
from tests.fast.agents.chat_traffic import CALL, FULL, IMAGE, LEVELS, ODD, TEXT
from tests.fast.agents.messages_contexts import CONTEXTS
from tests.fast.both_paths import WILD, changed, each, with_each_field
from tests.fast.common_streams import messages
from tests.fast.names import names_between
from tests.translate.messages_upstreams import message, text, tool_use

CHAT, MESSAGES = Shape.CHAT, Shape.MESSAGES
LINKED: Json = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
PICTURED = changed(FULL, [("messages.4.content.1", LINKED), ("messages.6.content.1", LINKED)])
REPLIES: list[Json] = [
    message(text("Hi.")),
    message(text("Hm."), tool_use("read", {"path": "b"}, "toolu_1"), reason="tool_use"),
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
]
STREAM: list[Json] = [
    {"type": "message_start", "message": {**message(), "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {**tool_use("read"), "input": {}}},
    *[
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": piece},
        }
        for piece in ('{"path"', ': "b"}')
    ],
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
PARAMS = ["messages[1].content", "messages[2].content[0].input", "system", "tools[1].name", "own"]
MORE: list[tuple[str, Any]] = [
    *each("messages.0.content", " ", "\t\n", "\u2003", "\u00e9", " a", "\\", "~", "]", "\x7f"),
    *each("messages.1.content", " ", [TEXT, {**TEXT, "text": "\n"}], [{**TEXT, "text": " "}]),
    *each("messages.1", {"role": "system", "content": "Be."}, {"role": "user", "content": [TEXT]}),
    *each(
        "messages.2.tool_calls.0.function.arguments", " ", "[]", '{"a":1.10,"b":1e5}', '{"a":1}x'
    ),
    *each("messages.2.tool_calls.0.function.arguments", '{"a":1e400}', '{"a":NaN}', '"\\ud800"'),
    *each("messages.2.tool_calls.0.id", "call:1", "é", "call_2"),
    *each("messages.2.tool_calls", [CALL], [CALL, CALL]),
    *each("messages.2.phase", "final"),
    *each("messages.3.content", " ", [{**TEXT, "text": " "}], [IMAGE], [TEXT, TEXT]),
    *each("messages.3.tool_call_id", "call_2"),
    *each("messages.3.name", "read"),
    *each("messages.4", {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}),
    *each("messages.5", {"role": "user", "content": "And?"}, {"role": "assistant", "content": " "}),
    *each("messages.5", {"role": "system", "content": "Be."}, {"role": "tool", "content": "x"}),
    *each("messages.6.content.1.image_url.url", "data:image/bmp;base64,AA==", "ftp://a"),
    *each("messages", [{"role": "system", "content": "Be."}], [{"role": "user", "content": " "}]),
    *each("messages", [{"role": "assistant", "content": "a"}] * 2, FULL["messages"][:3]),
    *each("tools", FULL["tools"] * 2),
    *each("tools.0.function.parameters", {"properties": {}}, {"type": "array"}, {"type": None}),
    ("cache_control", {"type": "ephemeral"}),
    ("thinking", {"type": "enabled", "budget_tokens": 2000}),
]
contexts = pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())


def same(body: Json | bytes, context: Context, *replies: Any) -> bool:
    streams = [STREAM, messages(" on", " and")]
    return assert_same(CHAT, MESSAGES, body, context, replies, streams, PARAMS)


@pytest.mark.alone
@contexts
def test_both_paths_are_the_same_for_every_odd_request(context: Context) -> None:
    for odd in (*ODD, *MORE):
        same(changed(FULL, [odd]), context)
        same(changed(PICTURED, [odd, ("reasoning_effort", None)]), context)


@contexts
def test_both_paths_are_the_same_for_every_reply(context: Context) -> None:
    asking: Json = {"stream": True, "stream_options": {"include_usage": True}}
    for body in (FULL, PICTURED, {**FULL, **asking}):
        admits = same(body, context, *REPLIES)
        assert admits is context.capabilities.tools


@pytest.mark.parametrize(
    "after",
    [
        [],
        [{"role": "user", "content": "Well?"}],
        [{"role": "tool", "tool_call_id": "call_2", "content": "text"}],
    ],
)
def test_a_call_without_its_result_is_handed_over(after: list[Json]) -> None:
    asked = [{"role": "user", "content": "Read b."}, {**FULL["messages"][2], "tool_calls": [CALL]}]
    answered = {"role": "tool", "tool_call_id": "call_1", "content": "text"}
    for context in CONTEXTS.values():
        assert not same({**FULL, "messages": [*asked, *after]}, context)
        if context.capabilities.tools:
            assert same({**FULL, "messages": [*asked, answered]}, context)


@pytest.mark.alone
@pytest.mark.parametrize("level", LEVELS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    for body in with_each_field(
        about(FULL, level), level, ("", "x", 7, {"type": "x"}), names_between(CHAT, MESSAGES)
    ):
        assert_same(CHAT, MESSAGES, body, CONTEXTS["Claude"])


@given(
    changes=st.lists(
        st.sampled_from([*ODD, *MORE]) | st.tuples(st.sampled_from([p for p, _ in ODD]), WILD),
        max_size=3,
    ),
    context=st.sampled_from(sorted(CONTEXTS)),
)
def test_whatever_is_changed_both_paths_are_the_same(
    changes: list[tuple[str, Any]], context: str
) -> None:
    same(changed(FULL, changes), CONTEXTS[context], REPLIES[1])


COMMON: list[tuple[str, Any]] = [
    *each("messages.2.content", "", "Hm.", [TEXT]),
    *each("messages.2.reasoning_content", "", "Hm."),
    *each("messages.2.name", "", "Bot"),
    *each("messages.2.tool_calls.0.id", "call:1"),
    *each("messages.3.content", " "),
    *each("messages.3.name", "read"),
    *each("messages.0.role", "developer"),
    *each("messages.5", {"role": "user", "content": "And?"}),
    *each("tool_choice", "required", {"type": "function", "function": {"name": "read"}}),
    ("tools.0", {"type": "custom", "custom": {"name": "read"}}),
    *each("tools.0.function.strict", True),
    *each("stop", "up"),
]


@pytest.mark.parametrize("change", COMMON)
def test_agents_take_the_fast_path(change: tuple[str, Any]) -> None:
    known = ("messages.3.tool_call_id", "call:1") if change[1] == "call:1" else change
    assert same(changed(FULL, [change, known]), CONTEXTS["Claude"], *REPLIES)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"messages":[{"role":"user","content":"\xff"}],"model":"m"}']
)
def test_what_is_not_a_request_is_left_to_the_generic_path(body: bytes) -> None:
    assert admitted(CHAT, MESSAGES, body, CONTEXTS["Claude"]) is None


@pytest.mark.parametrize(
    "change",
    [
        ("messages", FULL["messages"][:3]),
        ("messages.3", {"role": "user", "content": "And?"}),
        ("messages.3.tool_call_id", "call_2"),
    ],
)
def test_a_call_whose_result_is_not_next_is_left_to_the_generic_path(
    change: tuple[str, Any],
) -> None:
    body = encode(changed(FULL, [change]))
    assert admitted(CHAT, MESSAGES, body, CONTEXTS["Claude"]) is None
