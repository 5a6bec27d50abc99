"""Replies with a further field: handed over, or the same as the generic path makes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.fast.codec import FastCodec, fast_translation
from gateway.fast.codecs.chat_via_messages import CHAT_VIA_MESSAGES
from gateway.fast.codecs.chat_via_responses import CHAT_VIA_RESPONSES
from gateway.fast.codecs.completions_via_chat import COMPLETIONS_VIA_CHAT
from gateway.fast.codecs.messages_via_chat import MESSAGES_VIA_CHAT
from gateway.fast.codecs.messages_via_responses import MESSAGES_VIA_RESPONSES
from gateway.fast.codecs.responses_via_chat import RESPONSES_VIA_CHAT
from gateway.fast.codecs.responses_via_messages import RESPONSES_VIA_MESSAGES
from gateway.shapes import Json
from tests.fast import messages_replies
from tests.fast.both_paths import (
    WILD,
    answered,
    by_fast_path,
    by_generic_path,
    changed,
    one_of_the_names,
    with_each_field,
)
from tests.fast.codecs import test_chat_via_messages as chat_messages
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.codecs import test_completions_via_chat as completions_chat
from tests.fast.codecs import test_messages_via_chat as messages_chat
from tests.fast.codecs import test_messages_via_responses as messages_responses
from tests.fast.codecs import test_responses_via_chat as responses_chat
from tests.fast.codecs import test_responses_via_messages as responses_messages
from tests.fast.names import names_between

VALUES = [
    *(None, True, 0, 7, 1.5, "", "x", "error", [], ["u"], {}, {"a": "b"}),
    *([{"index": 0}], {"message": "No.", "type": "server_error"}, {"status_code": 1002}),
]
THOUGHT: Json = {"id": "rs_1", "type": "reasoning", "summary": [], "content": []}
THOUGHTFUL: Json = {
    **chat_responses.REPLY,
    "output": [THOUGHT, {"id": "m", "role": "assistant", **chat_responses.REPLY["output"][0]}],
}
CALLING: Json = {**THOUGHTFUL, "output": [THOUGHT, chat_responses.CALL]}
Case = tuple[FastCodec, Any, Json, Sequence[str]]
OF_RESPONSES = (
    *("", "output.0.", "output.1.", "output.1.content.0."),
    *("usage.", "usage.input_tokens_details.", "usage.output_tokens_details."),
)
OF_MESSAGES = (
    *("", "content.0.", "usage."),
    *("usage.cache_creation.", "usage.output_tokens_details."),
)
OF_CALLS = ("content.1.", "content.1.caller.")
CASES: list[Case] = [
    (
        COMPLETIONS_VIA_CHAT,
        completions_chat,
        completions_chat.REPLY,
        ("", "choices.0.", "choices.0.message.", "usage.", "usage.prompt_tokens_details."),
    ),
    (
        MESSAGES_VIA_CHAT,
        messages_chat,
        messages_chat.REPLY,
        (
            *("", "choices.0.", "choices.0.message."),
            *("usage.", "usage.prompt_tokens_details.", "usage.completion_tokens_details."),
        ),
    ),
    (CHAT_VIA_RESPONSES, chat_responses, THOUGHTFUL, OF_RESPONSES),
    (CHAT_VIA_RESPONSES, chat_responses, CALLING, ("output.1.",)),
    (MESSAGES_VIA_RESPONSES, messages_responses, THOUGHTFUL, OF_RESPONSES),
    (CHAT_VIA_MESSAGES, chat_messages, messages_replies.REPLY, OF_MESSAGES),
    (CHAT_VIA_MESSAGES, chat_messages, messages_replies.CALLING, OF_CALLS),
    (RESPONSES_VIA_MESSAGES, responses_messages, messages_replies.REPLY, OF_MESSAGES),
    (RESPONSES_VIA_MESSAGES, responses_messages, messages_replies.CALLING, OF_CALLS),
    (
        RESPONSES_VIA_CHAT,
        responses_chat,
        responses_chat.REPLY,
        ("", "choices.0.", "choices.0.message.", "usage.prompt_tokens_details."),
    ),
]
LEVELS = [(codec, pair, reply, level) for codec, pair, reply, levels in CASES for level in levels]
each_level = pytest.mark.parametrize(("codec", "pair", "reply", "level"), LEVELS)


def folding(codec: FastCodec, pair: Any) -> Callable[[bytes], bytes | None]:
    made = fast_translation(codec, encode(pair.FULL), pair.CONTEXTS["OpenAI"])
    assert made is not None
    return made.decode_reply


@pytest.mark.alone
@each_level
def test_every_field_that_a_translation_may_read_is_known_or_handed_over(
    codec: FastCodec, pair: Any, reply: Json, level: str
) -> None:
    fold = folding(codec, pair)
    assert fold(encode(reply)) is not None
    asked, context = pair.FULL, pair.CONTEXTS["OpenAI"]
    pair.assert_same(asked, context, reply)
    # A reply can change nothing of a translation but its report, which is compared.
    fast, generic = by_fast_path(codec)(asked, context), by_generic_path(codec)(asked, context)
    for odd in with_each_field(reply, level, VALUES, names_between(codec.source, codec.target)):
        if fold(odd) is not None:
            assert answered(fast, [decode(odd)]) == answered(generic, [decode(odd)])


@each_level
def test_a_field_that_nobody_knows_is_handed_over(
    codec: FastCodec, pair: Any, reply: Json, level: str
) -> None:
    fold = folding(codec, pair)
    for value in VALUES:
        handed_over = fold(encode(changed(reply, [(f"{level}own", value)]))) is None
        # Details of a usage are counts by name: all are passed on.
        assert handed_over or "usage." in level


@each_level
@given(
    name=one_of_the_names() | st.text(st.characters(codec="ascii", exclude_characters=".")),
    value=WILD,
    context=st.sampled_from(["OpenAI", "upstream's name"]),
)
def test_whatever_a_further_field_says_both_paths_are_the_same(
    codec: FastCodec, pair: Any, reply: Json, level: str, name: str, value: Any, context: str
) -> None:
    pair.assert_same(pair.FULL, pair.CONTEXTS[context], changed(reply, [(f"{level}{name}", value)]))
