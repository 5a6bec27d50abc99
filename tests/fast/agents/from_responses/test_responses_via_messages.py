"""The requests of agents from responses to messages: both paths show the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import close
from tests.fast.agents.both import about, assert_same
from tests.fast.agents.from_chat import test_chat_via_messages as chat_messages
from tests.fast.agents.messages_contexts import CONTEXTS
from tests.fast.agents.responses_traffic import (
    CALL,
    FULL,
    IMAGE,
    LEVELS,
    ODD,
    OUTPUT,
    STRICT,
    TEXT,
    THOUGHT,
)
from tests.fast.both_paths import WILD, changed, each, with_each_field
from tests.fast.names import names_between

RESPONSES, MESSAGES = Shape.RESPONSES, Shape.MESSAGES
PARAMS = ["messages[1].content", "messages[1].content[0].input", "system", "tools[1].name", "own"]
KNOWN: dict[str, Context] = {
    **CONTEXTS,
    "stored items": replace(
        CONTEXTS["sealing"], items=ItemNames(["previous_response_id", *range(20)])
    ),
}


def sealed(block: Json) -> Json:
    """Return reasoning that a messages server wants back."""
    return {**THOUGHT, "encrypted_content": close(block, "", CONTEXTS["sealing"])}


THINKING = sealed({"type": "thinking", "thinking": "Hm.", "signature": "s"})
REDACTED = sealed({"type": "redacted_thinking", "data": "s"})
SAID: Json = {"role": "assistant", "content": "Hm."}
ANSWERED: list[Json] = [{"role": "user", "content": "a"}, CALL, OUTPUT]
MORE: list[tuple[str, Any]] = [
    *each("instructions", " ", "\n"),
    *each("input", "  ", [SAID], [{"role": "system", "content": "a"}], ANSWERED, ANSWERED[:2]),
    *each("input", [*ANSWERED, CALL, OUTPUT, SAID], [*ANSWERED, SAID, {**SAID, "content": [TEXT]}]),
    *each("input", [THINKING, *ANSWERED[:1]], [*ANSWERED[:1], THINKING, SAID, REDACTED]),
    *each("input", [*ANSWERED[:1], SAID, THINKING, CALL, OUTPUT], [CALL, THINKING, OUTPUT]),
    *each(
        "input",
        [*ANSWERED[:1], THINKING, CALL, OUTPUT],
        [*ANSWERED, {"role": "user", "content": " "}],
    ),
    *each("input", [*ANSWERED, {"role": "system", "content": "a"}], [CALL, CALL, OUTPUT, OUTPUT]),
    *each("input", [*ANSWERED[:2], SAID, OUTPUT], [*ANSWERED[:2], THINKING, OUTPUT, SAID]),
    *each("input.1.content", " ", [{**TEXT, "text": "\n"}], [TEXT, {**TEXT, "text": " "}, IMAGE]),
    *each("input.2.summary", [IMAGE]),
    *each("input.2", THINKING, REDACTED, sealed({"type": "x"})),
    *each("input.4.call_id", "call:1", None),
    *each("input.4.arguments", " ", "[]", '{"a":1.10}', '{"a":1e400}', '"x"', "{", {"a": 1}),
    *each("input.4.namespace", "n"),
    *each(
        "input.7.output", " ", [TEXT, IMAGE], [{**TEXT, "text": " "}], [{**IMAGE, "detail": "auto"}]
    ),
    *each("input.8.input", " ", '{"a":1}'),
    *each("input.10.content.1.image_url", "data:image/bmp;base64,AA==", "https://a/b.png"),
    *each("tools.0.parameters", {"properties": {}}, STRICT, {"type": "array"}),
    *each("tools.1.strict", True, None),
    *each("tools", FULL["tools"] * 2),
    ("cache_control", {"type": "ephemeral"}),
    ("thinking", {"type": "enabled", "budget_tokens": 2000}),
]
SIMPLE = changed(FULL, [("input.10.content.1.detail", "auto"), ("tools.2.strict", None)])
contexts = pytest.mark.parametrize("context", KNOWN.values(), ids=KNOWN.keys())


def same(body: Json | bytes, context: Context, *replies: Any) -> bool:
    streams = [chat_messages.STREAM]
    return assert_same(RESPONSES, MESSAGES, body, context, replies, streams, PARAMS)


@pytest.mark.alone
@contexts
def test_both_paths_are_the_same_for_every_odd_request(context: Context) -> None:
    for odd in (*ODD, *MORE):
        same(changed(FULL, [odd]), context)
        same(changed(SIMPLE, [odd, ("reasoning", None)]), context)


@contexts
def test_both_paths_are_the_same_for_every_reply(context: Context) -> None:
    for body in (FULL, SIMPLE, {**FULL, "stream": True}):
        same(body, context, *chat_messages.REPLIES)


@pytest.mark.alone
@pytest.mark.parametrize("level", LEVELS)
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(level: str) -> None:
    full = about(FULL, level)
    assert same(full, KNOWN["sealing"])
    for body in with_each_field(
        full, level, ("", "x", 7, {"type": "x"}), names_between(RESPONSES, MESSAGES)
    ):
        assert_same(RESPONSES, MESSAGES, body, KNOWN["sealing"])


@given(
    changes=st.lists(
        st.sampled_from([*ODD, *MORE]) | st.tuples(st.sampled_from([p for p, _ in ODD]), WILD),
        max_size=3,
    ),
    context=st.sampled_from(sorted(KNOWN)),
)
def test_whatever_is_changed_both_paths_are_the_same(
    changes: list[tuple[str, Any]], context: str
) -> None:
    same(changed(FULL, changes), KNOWN[context], chat_messages.REPLIES[1])


COMMON: list[tuple[str, Any]] = [
    *each("input", "Hi.", ANSWERED),
    *each("input.2", THINKING, THOUGHT),
    *each("tools", [{"type": "custom", "name": "patch"}, FULL["tools"][0]]),
    *each("tool_choice", "required", {"type": "function", "name": "read"}),
    *each("instructions", None),
]


@pytest.mark.parametrize("change", COMMON)
def test_agents_take_the_fast_path(change: tuple[str, Any]) -> None:
    assert same(changed(FULL, [change]), KNOWN["sealing"], *chat_messages.REPLIES)
