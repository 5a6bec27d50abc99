"""The types of common messages."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.fast.codec import NOT_ADMITTED
from gateway.fast.forms.message_replies import counts_of, read_message, text_and_calls, written
from gateway.shapes import Json
from gateway.translate.parts.messages.usage import chat_usage_of
from gateway.translate.parts.tokens.usage import chat_counts
from gateway.translate.stream.messages.block_deltas import written_input
from tests.fast.both_paths import changed
from tests.fast.messages_replies import CALL, CALLING, OTHER, REPLY, TEXT


def test_texts_are_joined_and_calls_are_after_them() -> None:
    found = text_and_calls(read_message(encode({**CALLING, "content": [TEXT, TEXT, CALL, OTHER]})))
    assert found is not None
    text, calls = found
    assert text == "Hi.Hi."
    assert written(calls) == [
        (CALL["id"], CALL["name"], '{"a":"b","é":[1.5]}'),
        (OTHER["id"], OTHER["name"], "{}"),
    ]
    assert not written(())


NUMBERS = ["1.10", "1e5", "-0.0", "-0", "1E-7", "1e16", "0.1e1", "123456789012345678901234567890"]


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.text(), st.lists)))
def test_arguments_are_written_as_on_the_generic_path(value: Json) -> None:
    assert inputs_of(encode(value), b"{}") == [written_input(value), "{}"]


def inputs_of(*inputs: bytes) -> list[str]:
    blocks = [{**CALL, "id": f"toolu_{number}"} for number in range(len(inputs))]
    for block, value in zip(blocks, inputs, strict=True):
        block["input"] = msgspec.Raw(value)
    found = text_and_calls(read_message(encode({**CALLING, "content": blocks})))
    assert found is not None
    return [arguments for _, _, arguments in written(found[1])]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_inputs_are_written_as_by_the_generic_path(number: str) -> None:
    given = b'{"a":[%b]}' % number.encode()
    assert inputs_of(given) == [written_input(msgspec.json.decode(given))]


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1.5e"])
def test_what_is_not_a_number_is_not_admitted(number: bytes) -> None:
    with pytest.raises(NOT_ADMITTED):
        inputs_of(b'{"a":%b}' % number)


@pytest.mark.parametrize(
    "content",
    [
        *([CALL, TEXT], [{**TEXT, "text": ""}], [{**TEXT, "text": ""}] * 2),
        *([CALL, CALL], [{**CALL, "id": ""}]),
    ],
)
def test_other_contents_are_not_common(content: list[Json]) -> None:
    assert text_and_calls(read_message(encode({**REPLY, "content": content}))) is None


def test_a_limit_that_ends_a_message_with_calls_may_have_cut_them_off() -> None:
    assert text_and_calls(read_message(encode({**CALLING, "stop_reason": "max_tokens"}))) is None
    assert text_and_calls(read_message(encode({**REPLY, "stop_reason": "max_tokens"}))) == (
        "Hi.",
        [],
    )


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


def test_a_prompt_that_is_not_a_count_is_unknown() -> None:
    large = changed(REPLY, [("usage.input_tokens", 2**53)])
    assert counts_of(read_message(encode(large)).usage) is None


def test_what_is_not_known_is_not_admitted() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_message(encode({**REPLY, "own": 1}))
