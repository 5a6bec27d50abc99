"""What fills in earlier messages that lack a field, and what is left out of them."""

from gateway.resolve.refusals.history.lost_fields import (
    REASONING,
    SIGNATURE,
    with_reasoning,
    with_signatures,
    without_empty,
)
from gateway.servers.presets import NO_REASONING
from gateway.shapes import Json

CALLING: Json = {"role": "assistant", "content": "", "tool_calls": [{"id": "a"}, {"id": "b"}]}


def test_reasoning_is_put_where_calls_have_none() -> None:
    thought = {**CALLING, "reasoning": "x"}
    assert list(with_reasoning([CALLING, thought, 3])) == [
        {**CALLING, REASONING: NO_REASONING},
        {**thought, REASONING: "x"},
        3,
    ]


def test_the_first_call_of_a_message_is_signed() -> None:
    (signed,) = with_signatures([CALLING])
    assert isinstance(signed, dict)
    first, second = signed["tool_calls"]
    assert SIGNATURE in first["extra_content"]["google"]
    assert second == {"id": "b"}


def test_messages_that_neither_say_nor_call_anything_are_left_out() -> None:
    empty: Json = {"role": "assistant", "content": " "}
    assert list(without_empty([empty, CALLING, {"role": "user", "content": ""}])) == [
        CALLING,
        {"role": "user", "content": ""},
    ]
