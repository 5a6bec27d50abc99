"""Common chat requests, as they are read."""

from typing import Any

import msgspec
import pytest
from msgspec.json import encode

from gateway.fast.forms.chat_text_requests import read_chat_texts
from tests.fast.codecs.test_chat_via_messages import LEAST


@pytest.mark.parametrize(
    ("given", "limit"),
    [({}, 0), ({"max_tokens": 3}, 3), ({"max_completion_tokens": 4}, 4)],
)
def test_a_limit_has_two_names(given: dict[str, Any], limit: int) -> None:
    request = read_chat_texts(encode({**LEAST, **given}))
    assert request is not None
    assert request.limit == limit


@pytest.mark.parametrize(
    "given", [{"max_tokens": 3, "max_completion_tokens": 3}, {"stream_options": {}}]
)
def test_two_limits_and_options_of_no_stream_are_not_common(given: dict[str, Any]) -> None:
    assert read_chat_texts(encode({**LEAST, **given})) is None


def test_other_contents_are_not_admitted() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_chat_texts(encode({**LEAST, "messages": [{"role": "user", "content": []}]}))
