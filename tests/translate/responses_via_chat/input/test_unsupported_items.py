"""Items without an equivalent are dropped or refused."""

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.plan import plan
from gateway.translate.responses_via_chat.input.unsupported_items import pass_over_names
from tests.translate.responses_via_chat.chat_backend import (
    asking,
    context,
    refused,
)
from tests.translate.responses_via_chat.input.items import CHAT_USER, USER
from tests.translate.responses_via_chat.next_turn import READER, sealing


def test_an_item_reference_needs_a_store() -> None:
    for item in ({"id": "msg_1"}, {"type": "item_reference", "id": "msg_1"}):
        error = refused(context(on_unsupported="drop"), input=[USER, item])
        assert error.param == "input[1]"
        assert "responses.store" in error.message


def test_records_of_hosted_tools_follow_hosted_tools() -> None:
    for record in ({"type": "web_search_call", "id": "ws_1"}, {"type": "tool_search_output"}):
        strict = context(on_unsupported="drop", hosted_tools="refuse")
        error = refused(strict, input=[record, USER])
        assert isinstance(error, UnsupportedParameter)
        assert (error.param, "(hosted_tools: drop)" in error.message) == ("input[0]", True)
        for setting in ("auto", "drop"):
            translation = asking(context(hosted_tools=setting), input=[record, USER])
            assert translation.report.dropped == ["input[0]"]
            assert translation.calls[0]["messages"] == [CHAT_USER]


def test_an_approval_demands_a_call_that_cannot_be_made() -> None:
    items = [USER, {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}]
    error = refused(context(on_unsupported="drop"), input=items)
    assert (error.param, "mcp_approval_response" in error.message) == ("input[1]", True)
    translation = asking(context(hosted_tools="drop"), input=items)
    assert translation.report.dropped == ["input[1]"]


@pytest.mark.parametrize("kind", ["computer_call_output", "program", "compaction"])
def test_items_of_the_responses_api_alone_are_refused_or_dropped(kind: str) -> None:
    items = [{"type": kind}, USER]
    assert refused(context(hosted_tools="drop"), input=items).param == "input[0]"
    translation = asking(context(on_unsupported="drop"), input=items)
    assert translation.report.dropped == ["input[0]"]


def test_a_compaction_that_is_asked_for_is_never_dropped() -> None:
    lenient = context(on_unsupported="drop", hosted_tools="drop", extra_params="drop")
    error = refused(lenient, input=[USER, {"type": "compaction_trigger"}])
    assert error.param == "input[1]"
    assert "'compaction_trigger'" in error.message
    assert "on_unsupported" not in error.message


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize(
    ("sealed", "why"),
    [
        ({"encrypted_content": "gAAAAABopenai"}, "only the service that made it"),
        ({}, "only the service that made it"),
        ({"encrypted_content": "other: {}"}, "under another secret"),
    ],
)
def test_a_compaction_that_cannot_be_read_is_refused_with_the_remedy(
    sealed: Json, why: str, target: Shape
) -> None:
    body = {"input": [{"type": "compaction", "id": "cmp_1", **sealed}, USER]}
    with pytest.raises(UnsupportedParameter) as raised:
        plan(Shape.RESPONSES, target, body, sealing())
    assert (raised.value.param, raised.value.status) == ("input[0]", 400)
    assert "it is a compaction of earlier messages" in raised.value.message
    assert why in raised.value.message
    assert "send those messages, or a summary of them" in raised.value.message
    lenient = plan(Shape.RESPONSES, target, body, sealing(on_unsupported="drop"))
    assert "input[0]" in lenient.report.dropped


def test_a_compaction_needs_a_seal() -> None:
    error = refused(context(READER), input=[USER, {"type": "compaction_trigger"}])
    assert error.param == "input[1]"


def test_the_names_of_an_output_are_reported_in_one_order() -> None:
    for given in ({"name": "f", "namespace": "n"}, {"namespace": "n", "name": "f"}):
        report = Report(Shape.RESPONSES, Shape.CHAT)
        pass_over_names({"type": "function_call_output", **given}, "input[1]", report)
        assert report.dropped == ["input[1].name", "input[1].namespace"]
    report = Report(Shape.RESPONSES, Shape.CHAT)
    pass_over_names({"type": "function_call_output", "call_id": "a"}, "input[1]", report)
    assert report.dropped == []
