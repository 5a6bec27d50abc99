"""The codec from responses to chat gives what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.codec import fast_translation
from gateway.fast.codecs.responses_via_chat import RESPONSES_VIA_CHAT
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast import both_paths
from tests.fast.agents.from_responses import test_responses_via_chat as agents
from tests.fast.both_paths import (
    WILD,
    changed,
    with_each_field,
)
from tests.fast.codecs import test_messages_via_chat as messages_chat
from tests.fast.names import names_between
from tests.fast.responses_texts import FULL, LEAST, ODD_PARAMETERS, bodies, requests

PARAMS = ["messages[0].content", "messages[2].content", "max_completion_tokens", "temperature"]
CONTEXTS: dict[str, Context] = {**messages_chat.CONTEXTS, **agents.CONTEXTS}
REPLY, CALLING = messages_chat.REPLY, agents.ANSWER
ODD_REPLIES = [*messages_chat.ODD_REPLIES, *agents.ODD_REPLIES]
faults = messages_chat.faults | st.sampled_from(agents.ODD_REPLIES)


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(RESPONSES_VIA_CHAT, body, context, replies, PARAMS)


@given(
    requests,
    st.sampled_from(sorted(CONTEXTS)),
    st.builds(changed, st.sampled_from([REPLY, CALLING]), st.lists(faults, max_size=2)) | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, received: Any) -> None:
    assert_same(body, CONTEXTS[context], received)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_both_paths_are_the_same_for_every_odd_parameter(context: Context) -> None:
    for odd in ODD_PARAMETERS:
        assert_same(changed(FULL, [odd]), context, REPLY)
        assert_same(changed({**FULL, "stream": True}, [odd]), context, REPLY)
        assert_same(changed(LEAST, [odd]), context, REPLY)


@pytest.mark.parametrize("context", ["OpenAI", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        for reply in (REPLY, CALLING):
            assert_same(FULL, CONTEXTS[context], changed(reply, [odd]))
    for received in (None, 3, "x", [], [REPLY], {"error": {"message": "No."}}):
        assert_same(FULL, CONTEXTS[context], received)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, CONTEXTS["OpenAI"], *replies)


@pytest.mark.parametrize("context", ["OpenAI", "o1", "upstream's name", "no hints", "no seal"])
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert RESPONSES_VIA_CHAT.fits(known)
    made = fast_translation(RESPONSES_VIA_CHAT, encode(body), known)
    assert made is not None
    for reply in (REPLY, CALLING):
        assert made.decode_reply(encode(reply)) is not None


def test_a_configured_effort_takes_the_generic_path() -> None:
    assert not RESPONSES_VIA_CHAT.fits(CONTEXTS["effort"])


@pytest.mark.parametrize("level", ["", "input.0.", "input.2.content.0."])
def test_every_field_of_a_request_is_known_or_handed_over(level: str) -> None:
    context = CONTEXTS["OpenAI"]
    for written in with_each_field(
        FULL, level, [None, 7, "x", {"type": "x"}], names_between(Shape.RESPONSES, Shape.CHAT)
    ):
        if fast_translation(RESPONSES_VIA_CHAT, written, context) is not None:
            assert_same(decode(written), context)
