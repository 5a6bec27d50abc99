"""Whole chat replies with calls: what the generic path makes of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.agents.replies.chat_as_message import message_with_calls
from gateway.shapes import Json, Shape
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests.fast.agents import messages_agents as agents
from tests.fast.agents.messages_agents import CONTEXTS, FULL
from tests.fast.both_paths import ABSENT, changed, each, like, with_each_field
from tests.fast.codecs import test_messages_via_chat as texts
from tests.fast.names import names_between

CALL: Json = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "Read", "arguments": '{"path": "/b", "limit": 1.10}'},
}
BASH: Json = {"id": "call_2", "index": 1, "function": {"name": "Bash", "arguments": "{}"}}
REPLY: Json = changed(
    texts.REPLY,
    [
        ("choices.0.message.tool_calls", [CALL, BASH]),
        ("choices.0.message.content", "Hm."),
        ("choices.0.finish_reason", "tool_calls"),
    ],
)
ODD: list[tuple[str, Any]] = [
    *texts.ODD_REPLIES,
    *each("choices.0.finish_reason", "stop", "length", "content_filter", "function_call", None, ""),
    *each("choices.0.message.content", None, "", ABSENT, [], [{"type": "text", "text": "Hm."}]),
    *each("choices.0.message.tool_calls", [], None, ABSENT, [CALL], [CALL, CALL], [None], [{}]),
    *each("choices.0.message.tool_calls.0.id", "toolu_1", "call_2", "", None, ABSENT, "i" * 65, 3),
    *each("choices.0.message.tool_calls.0.type", ABSENT, None, "custom", "x"),
    *each("choices.0.message.tool_calls.0.index", 0, 1, "0", None),
    *each("choices.0.message.tool_calls.0.extra_content", {"google": {"thought_signature": "s"}}),
    *each("choices.0.message.tool_calls.0.function.name", "", None, "Bash", "Other", 3),
    *each("choices.0.message.tool_calls.0.function.arguments", "", " ", "{}", " {} ", '{"a":1}\n'),
    *each("choices.0.message.tool_calls.0.function.arguments", "[]", "null", '{"a":', '{"a":1}}'),
    *each(
        "choices.0.message.tool_calls.0.function.arguments",
        '{"a":NaN}',
        '{"a":"\\ud800"}',
        '{"a":1e400}',
        "x",
    ),
    *each("choices.0.message.tool_calls.0.function.arguments", '{"a":1}{"a":2}', '{"a":1},{"a":2}'),
    *each("choices.0.message.tool_calls.0.function.arguments", {"a": 1}, None, 3),
    *each("choices.0.message.tool_calls.0.function.arguments", '{"a":1,"a":[2,{"b":1e5}]}'),
    *each("choices.0.message.function_call", {"name": "Read", "arguments": "{}"}),
    *each("choices.0.message.reasoning_content", "Hm."),
    *each("choices.0.message.phase", "commentary"),
    *each("choices", [], [REPLY["choices"][0]] * 2),
]
CODEC = agents.codec_to(Shape.CHAT)


def assert_same(reply: Any, context: str = "OpenAI", body: Json = FULL) -> None:
    agents.assert_same(CODEC, body, CONTEXTS[context], reply)


@pytest.mark.alone
@pytest.mark.parametrize("context", ["OpenAI", "sealing", "vLLM"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD:
        assert_same(changed(REPLY, [odd]), context)
        assert_same(changed(REPLY, [odd]), context, changed(FULL, [("tools.0.name", "n" * 65)]))


@given(
    st.lists(like(ODD)),
    st.sampled_from(["OpenAI", "sealing"]),
)
def test_both_paths_are_the_same(odd: list[tuple[str, Any]], context: str) -> None:
    assert_same(changed(REPLY, odd), context)


def folded(reply: Json) -> bytes | None:
    made = CODEC.translation(encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    return made.decode_reply(encode(reply))


@pytest.mark.alone
@pytest.mark.parametrize(
    "level",
    ["", "choices.0.", "choices.0.message.", "choices.0.message.tool_calls.0.", "usage."],
)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    made = CODEC.translation(encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    for odd in with_each_field(
        REPLY, level, agents.ANY_VALUES, names_between(Shape.MESSAGES, Shape.CHAT)
    ):
        if made.decode_reply(odd) is not None:
            assert_same(decode(odd))


@pytest.mark.parametrize("content", ["Hm.", "", None])
def test_calls_take_the_fast_path(content: str | None) -> None:
    made = folded(changed(REPLY, [("choices.0.message.content", content)]))
    assert made is not None
    assert [each["type"] for each in decode(made)["content"]][-2:] == ["tool_use", "tool_use"]


def test_a_reply_without_calls_is_another_ones() -> None:
    reply = encode(changed(REPLY, [("choices.0.message.tool_calls", [])]))
    assert message_with_calls(MessagesReplyOptions(), (), CONTEXTS["OpenAI"], reply) is None
