"""The codec from chat to messages gives what the generic path gives."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.codec import fast_translation
from gateway.fast.codecs.chat_via_messages import CHAT_VIA_MESSAGES
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast import both_paths
from tests.fast.agents import messages_contexts
from tests.fast.both_paths import (
    ABSENT,
    WILD,
    changed,
    each,
    like,
    some_of,
    with_each_field,
)
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.messages_replies import CALLING, ERROR, ODD_REPLIES, REPLY, faults
from tests.fast.names import names_between
from tests.translate.messages_upstreams import CLAUDE, context

FULL: Json = {
    "model": "asked",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hi."},
        {"content": "go on", "role": "user"},
    ],
    "temperature": 0.5,
    "top_p": 1,
    "max_tokens": 300,
    "n": 1,
    "store": False,
    "stream": False,
    "user": "somebody",
}
LEAST: Json = {"model": "asked", "messages": [{"role": "user", "content": "hello"}]}
PARAMS = ["messages[0].content", "system", "max_tokens", "temperature", "metadata.user_id"]
SYSTEM: Json = {"role": "system", "content": "Be."}
USER: Json = {"role": "user", "content": "a"}
SAID: Json = {"role": "assistant", "content": "b"}


def _able(**known: Any) -> Context:
    return replace(context(replace(CLAUDE, **known)), new_id=lambda: "f" * 32)


CONTEXTS: dict[str, Context] = {
    "OpenAI": messages_contexts.CONTEXTS["Claude"],
    **messages_contexts.CONTEXTS,
    "upstream's name": replace(
        context(CLAUDE, echo_model="upstream"), new_id=lambda: "f" * 32, now=7
    ),
    "little": _able(max_output_tokens=100, max_temperature=1.0),
    "large": _able(max_output_tokens=64_000),
    "may stream unasked": _able(may_stream_unasked=True),
    "no temperature": _able(temperature=False),
    "no top_p": _able(top_p=False),
}
COMMON_CONTEXTS = ["Claude", "unknown", "cached", "hoisted", "little", "large", "upstream's name"]
ODD_PARAMETERS: list[tuple[str, Any]] = [
    *chat_responses.ODD_PARAMETERS,
    *each("messages", [SYSTEM], [SYSTEM, USER], [SYSTEM, SYSTEM, USER, SAID], [USER, SYSTEM]),
    *each("messages", [USER, USER], [SAID, SAID, USER], [USER, SAID], [USER, SYSTEM, SAID]),
    *each("messages", [{**SYSTEM, "content": " "}, USER], [{**SYSTEM, "role": "developer"}, USER]),
    *each("messages.1.content", "", " \n", "\u2003", "\u200b"),
    *each("messages.2.content", "", " ", "x"),
    *each("messages.0.cache_control", None, {"type": "ephemeral"}),
    *each("max_completion_tokens", 100, 101, 64_000, 64_001),
    *each("temperature", 1, 1.0, 1.5),
    *[("cache_control", {"type": "ephemeral"}), ("thinking", {"type": "disabled"})],
    *[("safety_identifier", "x"), ("service_tier", "auto"), ("prompt_cache_key", "x")],
    *each("stream_options", None, {}, {"include_usage": False}),
]
bodies = some_of(FULL, LEAST)
parameters = like(ODD_PARAMETERS)


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(CHAT_VIA_MESSAGES, body, context, replies, PARAMS)


@given(
    st.builds(changed, bodies, st.lists(parameters, max_size=2)),
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


@pytest.mark.parametrize("context", ["Claude", "unknown", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        for reply in (REPLY, CALLING):
            assert_same(FULL, CONTEXTS[context], changed(reply, [odd]))
    for received in (None, 3, "x", [], [REPLY], ERROR):
        assert_same(FULL, CONTEXTS[context], received)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, CONTEXTS["Claude"], *replies)


@pytest.mark.parametrize("context", COMMON_CONTEXTS)
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert CHAT_VIA_MESSAGES.fits(known)
    for change in ((), [("max_tokens", ABSENT), ("max_completion_tokens", 50)]):
        made = fast_translation(CHAT_VIA_MESSAGES, encode(changed(body, change)), known)
        assert made is not None
        for reply in (REPLY, CALLING, {**REPLY, "stop_reason": "max_tokens"}):
            assert made.decode_reply(encode(reply)) is not None


def test_a_limit_that_the_gateway_sets_is_reported() -> None:
    made = fast_translation(CHAT_VIA_MESSAGES, encode(LEAST), CONTEXTS["large"])
    assert made is not None
    assert made.header == "from=chat; to=messages; changed=max_completion_tokens:none->64000"
    assert not made.fell_back
    assert made.report.header() == made.header


def test_a_limit_above_the_models_is_cut_under_the_clients_name() -> None:
    made = fast_translation(CHAT_VIA_MESSAGES, encode(FULL), CONTEXTS["little"])
    assert made is not None
    assert made.header == "from=chat; to=messages; changed=max_tokens:300->100"


def test_a_configured_effort_takes_the_generic_path() -> None:
    assert not CHAT_VIA_MESSAGES.fits(CONTEXTS["effort"])


@pytest.mark.parametrize("level", ["", "messages.1.", "stream_options."])
def test_every_field_of_a_request_is_known_or_handed_over(level: str) -> None:
    body = {**FULL, "stream": True, "stream_options": {"include_usage": True}}
    for written in with_each_field(
        body, level, [None, 7, "x", {"type": "x"}], names_between(Shape.CHAT, Shape.MESSAGES)
    ):
        if fast_translation(CHAT_VIA_MESSAGES, written, CONTEXTS["Claude"]) is not None:
            assert_same(decode(written), CONTEXTS["Claude"])
