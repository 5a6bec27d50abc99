from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.parts.to_messages.blocks import text_block
from gateway.translate.parts.to_messages.calls import (
    arguments_of,
    text_result,
    tool_result,
    tool_use,
)
from gateway.translate.parts.to_messages.conversation import Block

NOBODY = Report(Shape.CHAT, Shape.MESSAGES)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        (" \n", {}),
        ("{}", {}),
        ("null", {}),
        ('{"b": 1, "a": [2.50, null, "\\u00e4"]}', {"b": 1, "a": [2.5, None, "ä"]}),
        ('{"n": 123456789012345678901234567890}', {"n": 123456789012345678901234567890}),
        ('{"half": "\\ud83d", "n": 2.50}', {"half": "\ufffd", "n": 2.5}),
        ('{"\\udc00\\ud83d": ["\\ud83d\\ude00"]}', {"\ufffd\ufffd": ["😀"]}),
    ],
)
def test_arguments_become_an_object(arguments: str, given: Any) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    block = tool_use("toolu_1", "f", arguments, "p", report)
    assert block == {"type": "tool_use", "id": "toolu_1", "name": "f", "input": given}
    assert list(block["input"]) == list(given)
    assert not report.size


@pytest.mark.parametrize(
    "arguments",
    [
        *("{", '{"path": "a', "[1]", '"x"', "7", "{}{}", "ls -l", '{"half": "\\ud83d"'),
        *("[" * 100_000, '{"a": NaN}', '{"a": 1e999}', '{"half": "\\ud83d", "n": 1e999}'),
    ],
    ids=lambda text: text[:9],
)
def test_other_arguments_become_a_property(arguments: str) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    block = tool_use("c", "f", arguments, "messages[1].tool_calls[0].function.arguments", report)
    assert block["input"] == {"INVALID_JSON": arguments}
    assert report.changed == ["messages[1].tool_calls[0].function.arguments:text->object"]


def test_ids_with_other_letters_are_replaced_alike_in_calls_and_results() -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    call = tool_use("call_1|fc_2", "f", "", "p", report)
    result = tool_result("call_1|fc_2", [], "p", {})
    assert call["id"] == result.sent["tool_use_id"]
    assert call["id"].startswith("call_")
    assert tool_use("call_1|fc_3", "f", "", "p", report)["id"] != call["id"]


def test_results_are_a_text_or_blocks() -> None:
    one, two = (Block({"type": "text", "text": word}, f"p{word}") for word in ("1", "2"))
    assert tool_result("c", [], "p", {}).sent["content"] == ""
    assert tool_result("c", [one], "p", {}).sent["content"] == "1"
    several = tool_result("c", [one, two], "p", {"content": "content"})
    assert several.sent["content"] == [one.sent, two.sent]
    assert several.client_path(".content[1].text") == "p2"
    assert several.client_path(".content[7]") == "p.content"


@pytest.mark.parametrize(
    ("given", "text"),
    [(None, "{}"), ({}, "{}"), ({"b": 1, "a": "ä"}, '{"b":1,"a":"ä"}')],
)
def test_inputs_become_arguments(given: object, text: str) -> None:
    assert arguments_of(given) == text


@pytest.mark.parametrize("given", ['{"a":1}', ' {"a": "\\u00e4"}', "{}", "", " "])
def test_an_input_may_be_the_text_of_the_arguments(given: str) -> None:
    assert arguments_of(given) == (given if given.strip() else "{}")


@pytest.mark.parametrize("given", ["ls", "[1]", '"{}"', '{"a":', "null"])
def test_an_input_that_is_another_text_is_the_upstreams_fault(given: str) -> None:
    with pytest.raises(UpstreamError, match="not a JSON object"):
        arguments_of(given)


@pytest.mark.parametrize("text", ["a", "", " \n", "\u2028", " a "])
def test_a_text_as_a_result_is_the_result_with_its_block(text: str) -> None:
    fields = {"content": "output"}
    alone = text_result("call 1", text, "input[0]", fields)
    assert alone == tool_result("call 1", text_block(text, "input[0]"), "input[0]", fields)
