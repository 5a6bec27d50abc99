"""The codec from responses to messages gives what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.codec import fast_translation
from gateway.fast.codecs.responses_via_messages import RESPONSES_VIA_MESSAGES
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast import both_paths
from tests.fast.agents.from_responses.test_responses_via_messages import KNOWN
from tests.fast.both_paths import (
    WILD,
    changed,
    with_each_field,
)
from tests.fast.codecs import test_chat_via_messages as chat_messages
from tests.fast.messages_replies import CALLING, ERROR, ODD_REPLIES, REPLY, faults
from tests.fast.names import names_between
from tests.fast.responses_texts import FULL, LEAST, ODD_PARAMETERS, bodies, requests

PARAMS = ["messages[0].content", "messages[2].content", "system", "max_tokens", "metadata.user_id"]
CONTEXTS: dict[str, Context] = {**KNOWN, **chat_messages.CONTEXTS}


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(RESPONSES_VIA_MESSAGES, body, context, replies, PARAMS)


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


@pytest.mark.parametrize("context", ["Claude", "unknown", "sealing", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        for reply in (REPLY, CALLING):
            assert_same(FULL, CONTEXTS[context], changed(reply, [odd]))
    for received in (None, 3, "x", [], [REPLY], ERROR):
        assert_same(FULL, CONTEXTS[context], received)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, CONTEXTS["Claude"], *replies)


@pytest.mark.parametrize("context", [*chat_messages.COMMON_CONTEXTS, "sealing", "keeping"])
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert RESPONSES_VIA_MESSAGES.fits(known)
    made = fast_translation(RESPONSES_VIA_MESSAGES, encode(body), known)
    assert made is not None
    for reply in (REPLY, CALLING):
        assert made.decode_reply(encode(reply)) is not None


def test_a_limit_that_the_gateway_sets_is_reported() -> None:
    made = fast_translation(RESPONSES_VIA_MESSAGES, encode(LEAST), CONTEXTS["large"])
    assert made is not None
    assert made.header == "from=responses; to=messages; changed=max_output_tokens:none->64000"


def test_a_configured_effort_takes_the_generic_path() -> None:
    assert not RESPONSES_VIA_MESSAGES.fits(CONTEXTS["effort"])


@pytest.mark.parametrize("level", ["", "input.0.", "input.2.content.0."])
def test_every_field_of_a_request_is_known_or_handed_over(level: str) -> None:
    context = CONTEXTS["Claude"]
    for written in with_each_field(
        FULL, level, [None, 7, "x", {"type": "x"}], names_between(Shape.RESPONSES, Shape.MESSAGES)
    ):
        if fast_translation(RESPONSES_VIA_MESSAGES, written, context) is not None:
            assert_same(decode(written), context)
