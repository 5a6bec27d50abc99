"""Parameters that need data stored by a server are refused."""

from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from tests.translate.responses_via_chat.chat_backend import (
    call_of,
    context,
    refused,
)


def test_previous_response_id_says_how_to_switch_the_store_on() -> None:
    error = refused(context(on_unsupported="drop"), previous_response_id="resp_1")
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "previous_response_id"
    assert "responses.store" in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("conversation", "conv_1"), ("prompt", {"id": "pmpt_1"}), ("background", True)],
)
def test_conversation_prompt_and_background_are_refused(name: str, value: Any) -> None:
    error = refused(context(on_unsupported="drop"), **{name: value})
    assert isinstance(error, UnsupportedParameter)
    assert error.param == name


def test_background_false_is_the_default() -> None:
    assert call_of(background=False).keys() == {"model", "messages"}
