"""Whole responses with calls: what the generic path makes of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.agents.replies.response_as_message import message_with_calls
from gateway.shapes import Json, Shape
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests.fast.agents import messages_agents as agents
from tests.fast.agents.messages_agents import CONTEXTS, FULL
from tests.fast.both_paths import ABSENT, changed, each, like, with_each_field
from tests.fast.codecs import test_messages_via_responses as texts
from tests.fast.names import names_between

CALL: Json = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "Read",
    "arguments": '{"path": "/b", "limit": 1.10}',
    "status": "completed",
}
BASH: Json = {**CALL, "id": "fc_2", "call_id": "call_2", "name": "Bash", "arguments": "{}"}
SAID: Json = texts.REPLY["output"][0]
THOUGHT: Json = {"type": "reasoning", "id": "rs_1", "summary": []}
REPLY: Json = {**texts.REPLY, "output": [THOUGHT, SAID, CALL, BASH]}
ODD: list[tuple[str, Any]] = [
    *texts.ODD_REPLIES,
    *each("output", [CALL], [CALL, SAID], [SAID, SAID, CALL], [CALL, CALL], [CALL, THOUGHT, BASH]),
    *each("output", [{**THOUGHT, "encrypted_content": "x"}, CALL], [SAID, THOUGHT, CALL], [SAID]),
    *each("output", [CALL, {**CALL, "id": "fc_2"}], [CALL, {**CALL, "call_id": "call_2"}]),
    *each("output.0.summary", [{"type": "summary_text", "text": "So."}]),
    *each("output.1.content.0.text", "", "x"),
    *each("output.1.phase", "commentary"),
    *each("output.2.id", ABSENT, None, "fc_2", 3),
    *each("output.2.call_id", "toolu_1", "call_2", "", None, ABSENT, "i" * 65, 3),
    *each("output.2.status", ABSENT, None, "incomplete", "in_progress"),
    *each("output.2.type", "custom_tool_call", "web_search_call", None),
    *each("output.2.namespace", None, "x"),
    *each("output.2.name", "", None, "Bash", "Other", 3),
    *each("output.2.arguments", "", " ", "{}", " {} ", '{"a":1}\n', "[]", "null", '{"a":', "x"),
    *each("output.2.arguments", '{"a":1}}', '{"a":NaN}', '{"a":1e400}', '{"a":1}{"a":2}', {"a": 1}),
    *each("output.2.arguments", None, 3, '{"a":1,"a":[2,{"b":1e5}]}'),
    *each("usage.output_tokens", 3000, 2999),
    *each("status", "incomplete", "failed", "in_progress"),
    *each("incomplete_details", {"reason": "max_output_tokens"}),
]
CODEC = agents.codec_to(Shape.RESPONSES)


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
@pytest.mark.parametrize("level", ["", "output.0.", "output.1.", "output.2.", "usage."])
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    made = CODEC.translation(encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    for odd in with_each_field(
        REPLY, level, agents.ANY_VALUES, names_between(Shape.MESSAGES, Shape.RESPONSES)
    ):
        if made.decode_reply(odd) is not None:
            assert_same(decode(odd))


@pytest.mark.parametrize("output", [[CALL], [THOUGHT, CALL, BASH], REPLY["output"]])
def test_calls_take_the_fast_path(output: list[Json]) -> None:
    made = folded({**REPLY, "output": output})
    assert made is not None
    assert decode(made)["stop_reason"] == "tool_use"


def test_a_response_without_calls_is_another_ones() -> None:
    response = encode({**REPLY, "output": [THOUGHT]})
    assert message_with_calls(MessagesReplyOptions(), (), 9, CONTEXTS["OpenAI"], response) is None
