"""Agents' messages requests at chat: what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.shapes import Json, Shape
from tests.fast.agents import messages_agents as agents
from tests.fast.agents.messages_agents import CONTEXTS, FULL, LEAST, ODD, of_call, requests
from tests.fast.both_paths import WILD, changed, with_each_field
from tests.fast.codecs import test_messages_via_chat as texts
from tests.fast.names import names_between

CODEC = agents.codec_to(Shape.CHAT)
CALLED: Json = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "Read", "arguments": '{"path":"/b"}'},
}
REPLY: Json = texts.REPLY
WITH_CALLS = changed(
    REPLY,
    [
        ("choices.0.message.tool_calls", [CALLED, {**CALLED, "id": "toolu_1"}]),
        ("choices.0.finish_reason", "tool_calls"),
        ("choices.0.message.reasoning_content", "Hm."),
    ],
)


def assert_same(body: Json, context: str, *replies: Any) -> None:
    agents.assert_same(CODEC, body, CONTEXTS[context], *replies)


@given(
    requests,
    st.sampled_from(sorted(CONTEXTS)),
    st.sampled_from([REPLY, WITH_CALLS])
    | st.builds(changed, st.just(REPLY), st.lists(texts.faults))
    | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, reply: Any) -> None:
    assert_same(body, context, reply)


@pytest.mark.alone
@pytest.mark.parametrize("context", CONTEXTS)
def test_both_paths_are_the_same_for_every_odd_parameter(context: str) -> None:
    for odd in ODD:
        assert_same(changed(FULL, [odd]), context, WITH_CALLS)
        assert_same(changed(LEAST, [odd]), context, REPLY)


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_traffic_of_agents_is_translated_by_types(context: str) -> None:
    body = changed(FULL, [("temperature", 0.5)])
    made = CODEC.translation(encode(body), of_call(CONTEXTS[context], body))
    assert (made is None) is (context == "no tools")


@pytest.mark.parametrize("odd", agents.COMMON, ids=str)
def test_so_is_what_is_less_usual(odd: tuple[str, Any]) -> None:
    body = changed(FULL, [odd])
    made = CODEC.translation(encode(body), of_call(CONTEXTS["OpenAI"], body))
    assert made is not None


@pytest.mark.parametrize("level", agents.LEVELS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    for body in with_each_field(
        FULL, level, agents.VALUES, names_between(Shape.MESSAGES, Shape.CHAT)
    ):
        known = of_call(CONTEXTS["OpenAI"], body)
        if CODEC.translation(body, known) is not None:
            assert_same(decode(body), "OpenAI", REPLY)


@pytest.mark.parametrize("written", agents.WRITTEN)
def test_however_a_request_is_written_the_same_is_sent(written: bytes) -> None:
    agents.assert_written(CODEC, written)


@pytest.mark.parametrize("written", agents.BROKEN)
def test_what_is_not_json_is_left_to_the_generic_path(written: bytes) -> None:
    assert CODEC.translation(written, CONTEXTS["OpenAI"]) is None
