"""Which tools may be called, read alike for every endpoint that a chat request is sent to."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.tool_choice import (
    refuse_choice_of_nothing,
    requested_choice,
)
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.parts.tools.choices import ToolChoice, ToolName
from tests.translate.messages_upstreams import context


def draft(**client: Any) -> Draft:
    body: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **client}
    return Draft(body, context(), Report(Shape.CHAT, Shape.RESPONSES))


@pytest.mark.parametrize(
    ("client", "legacy", "choice"),
    [
        ({}, False, None),
        ({}, True, None),
        ({"tool_choice": "auto"}, False, ToolChoice("auto")),
        ({"tool_choice": "required", "function_call": "none"}, False, ToolChoice("required")),
        ({"function_call": None}, False, None),
        ({"function_call": "none"}, True, ToolChoice("none")),
        (
            {"function_call": {"name": "weather"}},
            True,
            ToolChoice("required", named=ToolName("function", "weather")),
        ),
    ],
)
def test_the_choice_is_read_from_the_generation_of_the_request(
    client: Json, legacy: bool, choice: ToolChoice | None
) -> None:
    assert requested_choice(draft(**client), legacy=legacy) == choice


def test_what_nobody_knows_of_a_choice_is_reported() -> None:
    choice = draft(function_call={"name": "weather", "zzz": 1})
    assert requested_choice(choice, legacy=True) is not None
    assert choice.report.dropped == ["function_call.zzz"]


def test_a_function_call_without_functions_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        requested_choice(draft(function_call={"name": "weather"}), legacy=False)
    assert refused.value.param == "function_call"


def test_a_call_of_nothing_cannot_be_required() -> None:
    required = ToolChoice("required")
    refuse_choice_of_nothing(draft(), ToolChoice("auto"), "tool_choice", "tools")
    with pytest.raises(InvalidRequest, match="only allowed when 'tools' are specified"):
        refuse_choice_of_nothing(draft(), required, "tool_choice", "tools")
    hosted = draft(tools=[{"type": "web_search"}])
    with pytest.raises(UnsupportedParameter, match="no declared tool can be sent"):
        refuse_choice_of_nothing(hosted, required, "tool_choice", "tools")
