"""The check of a responses request's input items."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.responses_input import (
    Item,
    is_record,
)


def test_an_object_without_a_type_is_a_message_or_a_reference() -> None:
    for item, kind in (
        ({"id": "x", "type": None}, "item_reference"),
        ({"role": "user", "content": ""}, "message"),
    ):
        assert Item().accept(item, "input[0]")["type"] == kind


def test_text_of_any_kind_is_text_in_any_role() -> None:
    parts = [{"type": kind, "text": "a"} for kind in ("input_text", "output_text", "text")]
    for role in ("user", "assistant", "system", "developer"):
        item = {"type": "message", "role": role, "content": parts}
        assert Item().accept(item, "input[0]") == item


def test_arguments_that_are_an_object_become_text() -> None:
    for value, text in (({"city": "Zürich"}, '{"city": "Zürich"}'), ({}, "{}")):
        item = {"type": "function_call", "call_id": "a", "name": "f", "arguments": value}
        assert Item().accept(item, "input[0]") == {**item, "arguments": text}


MESSAGE = {"type": "message", "role": "user"}


CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        ("a", "input[0]", "invalid_type"),
        ({}, "input[0].type", "missing_required_parameter"),
        ({"type": "novel"}, "input[0].type", "invalid_value"),
        ({"type": 1}, "input[0].type", "invalid_type"),
        ({"role": "tool", "content": "a"}, "input[0].role", "invalid_value"),
        (MESSAGE, "input[0].content", "missing_required_parameter"),
        ({**MESSAGE, "content": 1}, "input[0].content", "invalid_type"),
        (
            {**MESSAGE, "content": [{"type": "refusal", "refusal": "a"}]},
            "input[0].content[0].type",
            "invalid_value",
        ),
        (
            {**MESSAGE, "content": [{"type": "input_text"}]},
            "input[0].content[0].text",
            "missing_required_parameter",
        ),
        (
            {**MESSAGE, "content": [{"type": "input_image", "image_url": {}}]},
            "input[0].content[0].image_url",
            "invalid_type",
        ),
        (
            {**MESSAGE, "role": "assistant", "content": [{"type": "input_image"}]},
            "input[0].content[0].type",
            "invalid_value",
        ),
        ({**CALL, "arguments": [1]}, "input[0].arguments", "invalid_type"),
        ({**CALL, "call_id": None}, "input[0].call_id", "missing_required_parameter"),
        (
            {"type": "function_call_output", "call_id": "a"},
            "input[0].output",
            "missing_required_parameter",
        ),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text"}]},
            "input[0].summary[0].text",
            "missing_required_parameter",
        ),
    ],
)
def test_a_fault_is_named_by_its_path(item: object, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Item().accept(item, "input[0]")
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("item", "record"),
    [
        ({"type": "web_search_call"}, True),
        ({"type": "function_call"}, False),
        ({"type": "tool_search_call"}, True),
        ({"type": "tool_search_call", "call_id": "a"}, False),
        ({"type": "tool_search_call", "call_id": "a", "execution": "server"}, True),
        ({"type": "tool_search_output", "execution": "client"}, False),
    ],
)
def test_items_of_hosted_tools_are_records(item: Json, record: bool) -> None:
    assert is_record(item) is record


def test_of_what_a_hosted_tool_did_only_the_type_is_checked() -> None:
    item = {"type": "tool_search_call", "execution": "server", "arguments": None, "x": 1}
    kept = {name: value for name, value in item.items() if value is not None}
    assert Item().accept(item, "input[0]") == kept
    with pytest.raises(InvalidRequest) as caught:
        Item().accept({**item, "execution": "client"}, "input[0]")
    assert caught.value.param == "input[0].arguments"
