"""Inputs of tools with their numbers as the client has written them."""

import json
from dataclasses import replace

import msgspec
import pytest

from gateway.shapes import Json, Shape
from gateway.translate.exact_inputs import ExactInputs
from tests.translate.messages_prepared import TARGETS, context, prepared
from tests.translate.messages_requests import asked, assistant, result, use, user

WRITTEN = '{"z":123456789012345678901234567890.10,"e":[1e5,{"n":1.10}],"i":7,"s":"1.10 é\\n"}'


def body_of(*inputs: str) -> bytes:
    """Return a request with calls, each with an input that is written so."""
    uses = [use(f"call_{index}") for index in range(len(inputs))]
    results = [result(each["id"]) for each in uses]
    text = json.dumps(asked(user("x"), assistant("a", *uses), user(*results)))
    for written in inputs:
        text = text.replace('"input": {}', f'"input": {written}', 1)
    return text.encode()


def arguments(body: bytes, target: Shape) -> list[str]:
    of = replace(context(target), inputs=ExactInputs(body))
    call = prepared(msgspec.json.decode(body), of, target).call
    if target is Shape.CHAT:
        return [each["function"]["arguments"] for each in call["messages"][1]["tool_calls"]]
    return [each["arguments"] for each in call["input"] if each["type"] == "function_call"]


@pytest.mark.parametrize("target", TARGETS)
def test_numbers_are_sent_as_they_are_written(target: Shape) -> None:
    spaced = WRITTEN.replace(":", " : ").replace(",", " , ")
    sent = arguments(body_of(WRITTEN, '{"b":2}', spaced, '{"m":-0.0}'), target)
    assert sent == [WRITTEN, '{"b":2}', WRITTEN, '{"m":-0.0}']


@pytest.mark.parametrize("given", [{}, {"a": 1, "b": ["1.5", None, True]}, {"a": 10**30}])
def test_a_request_without_such_numbers_is_read_once(given: Json) -> None:
    unread = ExactInputs(b"no JSON")
    assert unread.text_of({"input": given}, "messages[0].content[0]") is None


def test_the_second_reading_serves_all_inputs() -> None:
    inputs = ExactInputs(body_of(WRITTEN))
    path, given = "messages[1].content[1]", json.loads(WRITTEN)
    assert inputs.text_of({"input": given}, path) == WRITTEN
    assert inputs.text_of({"input": given}, path) == WRITTEN
