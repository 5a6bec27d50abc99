"""The types of common messages."""

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.message_replies import counts_of, read_message, said
from gateway.shapes import Json
from gateway.translate.parts.messages.usage import chat_usage_of
from gateway.translate.parts.tokens.usage import chat_counts
from tests.fast.both_paths import changed
from tests.fast.messages_replies import CALL, CALLING, OTHER, REPLY, TEXT


def test_texts_are_joined_and_calls_are_behind_them() -> None:
    found = said(read_message(encode({**CALLING, "content": [TEXT, TEXT, CALL, OTHER]})))
    assert found is not None
    text, calls = found
    assert text == "Hi.Hi."
    assert [call.arguments for call in calls] == ['{"a":"b","é":[1.5]}', "{}"]


@pytest.mark.parametrize(
    "content",
    [
        *([CALL, TEXT], [{**TEXT, "text": ""}], [{**TEXT, "text": ""}] * 2),
        *([CALL, CALL], [{**CALL, "id": ""}]),
    ],
)
def test_other_contents_are_not_common(content: list[Json]) -> None:
    assert said(read_message(encode({**REPLY, "content": content}))) is None


def test_a_limit_that_ends_a_message_with_calls_may_have_cut_them_off() -> None:
    assert said(read_message(encode({**CALLING, "stop_reason": "max_tokens"}))) is None
    assert said(read_message(encode({**REPLY, "stop_reason": "max_tokens"}))) == ("Hi.", [])


@pytest.mark.parametrize("thinking", [None, {}, {"thinking_tokens": None}, {"thinking_tokens": 3}])
@pytest.mark.parametrize("written", [None, 0, 3])
@pytest.mark.parametrize("lasting", [None, {}, {"ephemeral_5m_input_tokens": 2, "other": 3}])
def test_the_counts_are_those_of_the_generic_path(
    thinking: Json | None, written: int | None, lasting: Json | None
) -> None:
    counted = {
        **REPLY["usage"],
        "output_tokens_details": thinking,
        "cache_creation_input_tokens": written,
        "cache_creation": lasting,
    }
    counts = counts_of(read_message(encode({**REPLY, "usage": counted})).usage)
    assert counts is not None
    assert chat_counts(*counts) == chat_usage_of(counted)


def test_a_prompt_that_is_no_count_is_unknown() -> None:
    large = changed(REPLY, [("usage.input_tokens", 2**53)])
    assert counts_of(read_message(encode(large)).usage) is None


def test_what_is_not_known_is_not_admitted() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_message(encode({**REPLY, "own": 1}))
