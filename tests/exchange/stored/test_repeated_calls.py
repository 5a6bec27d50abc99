"""Calls without an output are told apart from those with one."""

import pytest

from gateway.exchange.stored.repeated_calls import answered, called, unanswered


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call", "shell_call"])
def test_calls_and_outputs_are_known_by_their_types(kind: str) -> None:
    output = f"{kind}_output"
    assert (called(kind, "a"), answered(kind, "a")) == ("a", None)
    assert (called(output, "a"), answered(output, "a")) == (None, "a")


def test_searches_have_outputs_of_another_name() -> None:
    assert called("tool_search_call", "a") == answered("tool_search_output", "a") == "a"


@pytest.mark.parametrize(
    ("kind", "call_id"),
    [("message", "a"), (None, "a"), (5, "a"), ("function_call", None), ("function_call", 5)],
)
def test_other_items_are_neither(kind: object, call_id: object) -> None:
    assert called(kind, call_id) is answered(kind, call_id) is None


def test_an_id_can_be_used_again_once_its_call_has_an_output() -> None:
    call, output, other = ("a", None), (None, "a"), ("b", None)
    assert set(unanswered([call, other])) == {"a", "b"}
    assert set(unanswered([call, output, (None, None), other])) == {"b"}
    assert set(unanswered([call, output, call])) == {"a"}
    assert not unanswered([output])
