"""Calls of a messages conversation."""

import sys
from dataclasses import replace

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.exact_inputs import ExactInputs
from gateway.translate.parts.from_messages.blocks.calls import arguments_of, report_unsent
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import use


def test_arguments_are_compact_json_with_keys_and_numbers_as_they_are() -> None:
    given = use("a", z=1, a=[1.50, 10**30, "é\u2028"], n=None)
    assert (
        arguments_of(given, "x", context())
        == '{"z":1,"a":[1.5,1000000000000000000000000000000,"é\u2028"],"n":null}'
    )
    assert arguments_of(use("a"), "x", context()) == "{}"


def test_other_callers_than_the_model_are_reported() -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    report_unsent({**use("a"), "caller": {"type": "direct"}}, "x", context(), report)
    assert report.size == 0
    programmed = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    report_unsent({**use("a"), "caller": programmed, "toolset_name": "t"}, "x", context(), report)
    assert report.dropped == ["x.caller", "x.toolset_name"]


def test_an_input_that_is_nested_too_deeply_is_refused() -> None:
    nested: Json = {}
    for _ in range(sys.getrecursionlimit()):
        nested = {"a": nested}
    for inputs in (None, ExactInputs(b"{}")):
        of = replace(context(), inputs=inputs)
        with pytest.raises(InvalidRequest) as caught:
            arguments_of({"input": nested}, "messages[1].content[0]", of)
        assert caught.value.param == "messages[1].content[0].input"


@pytest.mark.parametrize(
    "given",
    [{"a": '\x00\x1f\x7f\u2028é"\\/\n'}, {"é": [True, None, -(2**70), {}, []]}, {}],
    ids=str,
)
def test_the_text_is_the_same_whether_its_numbers_are_known_or_not(given: Json) -> None:
    call = use("a", **given)
    exact = replace(context(), inputs=ExactInputs(b"{}"))
    assert arguments_of(call, "x", exact) == arguments_of(call, "x", context())
