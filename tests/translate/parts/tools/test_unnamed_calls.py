"""Calls without ids, and their results."""

import pytest

from gateway.errors import InvalidRequest
from gateway.translate.parts.tools.unnamed_calls import UnnamedCalls


def test_calls_without_ids_are_answered_in_their_order() -> None:
    calls = UnnamedCalls()
    given = [calls.id_of(call, 3, k) for k, call in enumerate(({}, {"id": "c"}, {"id": ""}))]
    assert given == ["call_3_0", "c", "call_3_2"]
    results = [{"tool_call_id": known} for known in ("", "c", "")]
    assert [calls.answered_by_tool(each, "messages[4]") for each in results] == [
        *("call_3_0", "c", "call_3_2"),
    ]
    with pytest.raises(InvalidRequest) as raised:
        calls.answered_by_tool({"tool_call_id": ""}, "messages[7]")
    assert raised.value.param == "messages[7].tool_call_id"


def test_a_function_answers_the_last_call_of_one_once() -> None:
    calls = UnnamedCalls()
    assert calls.id_of_function_call(1) == "call_fn_1"
    assert calls.id_of_function_call(3) == "call_fn_3"
    assert calls.answered_by_function("messages[4]") == "call_fn_3"
    with pytest.raises(InvalidRequest, match="no assistant message with a 'function_call'"):
        calls.answered_by_function("messages[5]")
