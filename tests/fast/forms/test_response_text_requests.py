"""Common responses requests, as they are read."""

from typing import Any

import pytest
from msgspec.json import encode

from gateway.fast.forms.response_text_requests import ResponseText, read_response_texts
from tests.fast.both_paths import changed
from tests.fast.responses_texts import FULL, LEAST, SAID, TEXT, USER


def test_a_text_is_the_users() -> None:
    read = read_response_texts(encode(LEAST))
    assert read is not None
    request, texts = read
    assert list(texts) == [ResponseText("user", "hello")]
    assert request.client == {}


def test_items_are_texts_in_turn_and_parameters_are_repeated() -> None:
    read = read_response_texts(encode(FULL))
    assert read is not None
    request, texts = read
    assert list(texts) == [
        ResponseText("user", "a"),
        ResponseText("assistant", "b"),
        ResponseText("user", "a"),
    ]
    assert request.client == {
        "instructions": "Be brief.",
        "max_output_tokens": 300,
        "user": "somebody",
        "temperature": 0.5,
        "top_p": 1,
    }


@pytest.mark.parametrize(
    "given", [[USER, USER], [SAID], [USER, SAID], [{**SAID, "content": [TEXT]}, USER]]
)
def test_other_turns_are_not_common(given: Any) -> None:
    assert read_response_texts(encode(changed(FULL, [("input", given)]))) is None
