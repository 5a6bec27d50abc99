"""The codec from messages to chat gives what the generic path gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.config.translation_settings import TranslationSettings
from gateway.fast.codec import fast_translation
from gateway.fast.codecs.messages_via_chat import MESSAGES_VIA_CHAT
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
from tests.fast.codecs import test_completions_via_chat as completions_chat
from tests.fast.messages_traffic import FULL, LEAST, ODD_PARAMETERS, TEXT, bodies, requests
from tests.translate.completions_via_chat.chat_backend import make_context

DETAILS: Json = {"cached_tokens": 1, "cache_write_tokens": 1, "audio_tokens": None}
REPLY = changed(
    completions_chat.REPLY,
    [
        ("usage.prompt_tokens", 5),
        ("usage.prompt_tokens_details", DETAILS),
        ("usage.completion_tokens_details", {"reasoning_tokens": 2}),
    ],
)
PARAMS = ["messages[0].content", "messages[1].role", "max_completion_tokens", "temperature", "n"]

CONTEXTS: dict[str, Context] = {
    **completions_chat.CONTEXTS,
    "no hints": make_context(Capabilities(hints=False)),
    "session": make_context(session="s"),
    "one system text": make_context(Capabilities(multi_system=False)),
    "no developers": make_context(Capabilities(reasoning=True, developer_role=False)),
    "roles alternate": make_context(Capabilities(roles_in_a_row=False)),
    "no usage in streams": make_context(Capabilities(stream_usage=False)),
    "hoisted": make_context(settings=TranslationSettings(late_system="hoist")),
    "continuing": make_context(Capabilities(continues_last=True, strict_params=False)),
}
COMMON_CONTEXTS = ["OpenAI", "o1", "reasoning with headroom", "upstream's name", "no hints"]

ODD_REPLIES: list[tuple[str, Any]] = [
    *completions_chat.ODD_REPLIES,
    *each("service_tier", ABSENT, None, "", "priority", "batch", "other", 3, ["flex"]),
    *each("usage.prompt_tokens_details.cached_tokens", None, 0, 9, -1, 1.0, True, "1", 2**60),
    *each("usage.prompt_tokens_details.cache_write_tokens", None, 0, 9, 2**54),
    *each("usage.completion_tokens_details", None, {}, 3, {"reasoning_tokens": None}),
    *each("usage.completion_tokens", 0, 2**53, 2**53 + 1, 1.0, None),
    *each("usage", {"prompt_tokens": 0, "completion_tokens": 0}),
    *each("choices.0.message.phase", None, "", "commentary", 3),
    *each("choices.0.message.reasoning", "", "Hm.", None, {}),
    *each("choices.0.message.reasoning_content", "", 3, []),
    *each("choices.0.message.reasoning_details", [], None, [{"type": "reasoning.text"}]),
]
faults = like(ODD_REPLIES)


def assert_same(body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    both_paths.assert_same(MESSAGES_VIA_CHAT, body, context, replies, PARAMS)


@given(
    requests,
    st.sampled_from(sorted(CONTEXTS.keys() - {"session"})),
    st.builds(changed, st.just(REPLY), st.lists(faults, max_size=2)) | WILD,
)
def test_both_paths_are_the_same(body: Json, context: str, reply: Any) -> None:
    assert_same(body, CONTEXTS[context], reply)


@pytest.mark.parametrize("context", [each for name, each in CONTEXTS.items() if name != "session"])
def test_both_paths_are_the_same_for_every_odd_parameter(context: Context) -> None:
    for odd in ODD_PARAMETERS:
        assert_same(changed(FULL, [odd]), context, REPLY)
        assert_same(changed(LEAST, [odd]), context, REPLY)


@pytest.mark.parametrize("context", ["OpenAI", "upstream's name"])
def test_both_paths_are_the_same_for_every_odd_reply(context: str) -> None:
    for odd in ODD_REPLIES:
        assert_same(FULL, CONTEXTS[context], changed(REPLY, [odd]))
    for reply in (None, 3, "x", [], [REPLY], [{"error": completions_chat.ERROR}]):
        assert_same(FULL, CONTEXTS[context], reply)


@pytest.mark.parametrize("replies", [(), (REPLY, REPLY)])
def test_both_paths_refuse_another_number_of_replies(replies: tuple[Json, ...]) -> None:
    assert_same(FULL, make_context(), *replies)


@pytest.mark.parametrize("context", COMMON_CONTEXTS)
@given(body=bodies)
def test_common_traffic_takes_the_fast_path(context: str, body: Json) -> None:
    known = CONTEXTS[context]
    assert MESSAGES_VIA_CHAT.fits(known)
    made = fast_translation(MESSAGES_VIA_CHAT, encode(body), known)
    assert made is not None
    assert made.decode_reply(encode(REPLY)) is not None


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
    assert fast_translation(MESSAGES_VIA_CHAT, encode(body), make_context()) is not None


@pytest.mark.parametrize(
    "server",
    [
        completions_chat.VLLM,
        completions_chat.LLAMACPP,
        completions_chat.SGLANG,
        {"choices": [{**completions_chat.CHOICE, "finish_reason": "length"}]},
        {"choices": [{**completions_chat.CHOICE, "finish_reason": "content_filter"}]},
    ],
)
def test_so_do_replies_of_other_servers(server: Json) -> None:
    made = fast_translation(MESSAGES_VIA_CHAT, encode(FULL), CONTEXTS["OpenAI"])
    assert made is not None
    assert made.decode_reply(encode({**REPLY, **server})) is not None
    assert_same(FULL, CONTEXTS["OpenAI"], {**REPLY, **server})


def test_an_effort_of_the_operators_takes_the_generic_path() -> None:
    assert not MESSAGES_VIA_CHAT.fits(CONTEXTS["effort"])
