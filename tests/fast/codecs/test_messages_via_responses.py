"""The codec from messages to responses gives what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.fast.codec import fast_translation
from gateway.fast.codecs.messages_via_responses import MESSAGES_VIA_RESPONSES
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from tests.fast import both_paths
from tests.fast.both_paths import (
    ABSENT,
    WILD,
    changed,
    each,
    like,
)
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.codecs import test_messages_via_chat as messages_chat
from tests.fast.messages_traffic import FULL, LEAST, ODD_PARAMETERS, TEXT, bodies, requests
from tests.translate.completions_via_chat.chat_backend import make_context

REPLY = changed(
    chat_responses.REPLY,
    [
        ("usage.input_tokens", 9),
        ("usage.input_tokens_details", {"cached_tokens": 1, "cache_write_tokens": 2}),
    ],
)
PARAMS = ["input[0].content", "input[1].role", "max_output_tokens", "temperature", "instructions"]
THOUGHT: Json = {"type": "reasoning", "id": "rs_1", "summary": []}

CONTEXTS: dict[str, Context] = {
    **messages_chat.CONTEXTS,
    "least": make_context(Capabilities(min_output_tokens=16)),
    "takes reasoning": make_context(Capabilities(reasoning=True, reasoning_items=True)),
}
COMMON_CONTEXTS = ["OpenAI", "takes reasoning", "upstream's name", "no hints"]

ODD_REPLIES: list[tuple[str, Any]] = [
    *chat_responses.ODD_REPLIES,
    *each("service_tier", ABSENT, None, "", "priority", "batch", "other", 3, ["flex"]),
    *each("usage.input_tokens_details.cached_tokens", None, 0, 9, 20, -1, 1.0, "1"),
    *each("usage.input_tokens_details.cache_write_tokens", 0, 9, 2**54),
    *each("output", [THOUGHT, *REPLY["output"]], [THOUGHT], [*REPLY["output"], THOUGHT]),
    *each("output", [{**THOUGHT, "encrypted_content": "x"}, *REPLY["output"]]),
    *each("output", [{**THOUGHT, "encrypted_content": ""}, *REPLY["output"]]),
    *each("output", REPLY["output"] * 2, []),
]
faults = like(ODD_REPLIES)
SESSIONLESS = sorted(CONTEXTS.keys() - {"session"})


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    if not body.get("max_tokens"):
        replies = ()  # The gateway answers by itself, or refuses.
    both_paths.assert_same(MESSAGES_VIA_RESPONSES, body, context, replies, PARAMS)


@given(
    requests,
    st.sampled_from(SESSIONLESS),
    st.builds(changed, st.just(REPLY), st.lists(faults, max_size=2)) | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, reply: Any) -> None:
    assert_same(body, CONTEXTS[context], reply)


@pytest.mark.parametrize("context", SESSIONLESS)
def test_both_paths_are_the_same_for_every_odd_parameter(context: str) -> None:
    for odd in ODD_PARAMETERS:
        assert_same(changed(FULL, [odd]), CONTEXTS[context], REPLY)
        assert_same(changed(LEAST, [odd]), CONTEXTS[context], REPLY)


@pytest.mark.parametrize("context", ["OpenAI", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        assert_same(FULL, CONTEXTS[context], changed(REPLY, [odd]))
        assert_same(LEAST, CONTEXTS[context], changed(REPLY, [odd]))
    for reply in (None, 3, "x", [], [REPLY], [{"error": {"message": "No."}}]):
        assert_same(FULL, CONTEXTS[context], reply)


@pytest.mark.parametrize("phase", ["final_answer", "", None, 5])
def test_both_paths_report_a_phase(phase: Any) -> None:
    *before, last = REPLY["output"]
    assert_same(FULL, make_context(), {**REPLY, "output": [*before, {**last, "phase": phase}]})


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, make_context(), *replies)


@pytest.mark.parametrize("context", COMMON_CONTEXTS)
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert MESSAGES_VIA_RESPONSES.fits(known)
    made = fast_translation(MESSAGES_VIA_RESPONSES, encode({**body, "max_tokens": 300}), known)
    assert made is not None
    for output in (REPLY["output"], [THOUGHT, *REPLY["output"]]):
        assert made.decode_reply(encode({**REPLY, "output": output})) is not None


@pytest.mark.parametrize(
    "odd",
    [
        *each("system", "", [], [TEXT], [TEXT, TEXT]),
        *each("messages.0.content", [TEXT, TEXT]),
        ("stream", True),
    ],
)
def test_so_do_instructions_and_messages_of_several_texts(odd: tuple[str, Any]) -> None:
    body = changed(FULL, [odd])
    assert fast_translation(MESSAGES_VIA_RESPONSES, encode(body), make_context()) is not None


def test_reasoning_that_can_be_brought_back_takes_the_generic_path() -> None:
    assert not MESSAGES_VIA_RESPONSES.fits(CONTEXTS["reasoning"])
    assert not MESSAGES_VIA_RESPONSES.fits(CONTEXTS["effort"])
    made = fast_translation(MESSAGES_VIA_RESPONSES, encode(FULL), make_context())
    assert made is not None
    output = [{**THOUGHT, "encrypted_content": "x"}, *REPLY["output"]]
    assert made.decode_reply(encode({**REPLY, "output": output})) is None
