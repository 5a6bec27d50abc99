"""Calls that were made at once are told one by one."""

from typing import Any

import pytest

from gateway.resolve.refusals.history.single_uses import with_single_items, with_single_uses
from gateway.shapes import Json

TEXT: Json = {"type": "text", "text": "x"}


def use(call_id: Any) -> Json:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def result(call_id: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "r"}


def said(*blocks: Any) -> Json:
    return {"role": "assistant", "content": [*blocks]}


def heard(*blocks: Any) -> Json:
    return {"role": "user", "content": [*blocks]}


def test_each_has_a_message_of_its_own_before_its_result() -> None:
    messages: list[object] = [
        heard(TEXT),
        said(TEXT, use("a"), use("b"), TEXT, use("c"), TEXT),
        heard(result("c"), result("a"), result("b"), TEXT),
        said(use("d"), use("e")),
        heard(TEXT, result("d"), result("e")),
        said(TEXT),
    ]
    before = str(messages)
    assert list(with_single_uses(messages)) == [
        heard(TEXT),
        *(said(TEXT, use("a")), heard(result("a"))),
        *(said(use("b"), TEXT), heard(result("b"))),
        *(said(use("c"), TEXT), heard(result("c"), TEXT)),
        *(said(use("d")), heard(result("d"))),
        *(said(use("e")), heard(result("e"), TEXT)),
        said(TEXT),
    ]
    assert str(messages) == before


@pytest.mark.parametrize(
    "messages",
    [
        [said(use("a")), heard(result("a"))],
        [said(use("a"), use("b")), heard(result("a"))],
        [said(use("a"), use("b"))],
        [said(use("a"), use("b")), 3],
        [said(use("a"), use("b")), said(result("a"), result("b"))],
        [said({"type": "tool_use"}, use("b")), heard(result("b"))],
        [{"role": "assistant", "content": "x"}, heard(TEXT)],
        [heard(use("a"), use("b")), heard(result("a"), result("b"))],
        [3, None],
    ],
)
def test_others_stay(messages: list[object]) -> None:
    assert list(with_single_uses(messages)) == messages


def call(call_id: Any, kind: str = "function_call") -> Json:
    return {"type": kind, "call_id": call_id}


def output(call_id: Any, kind: str = "function_call_output") -> Json:
    return {"type": kind, "call_id": call_id}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            [call("a"), call("b", "custom_tool_call"), output("a"), output("b"), 3],
            [call("a"), output("a"), call("b", "custom_tool_call"), output("b"), 3],
        ),
        ([call("a"), output("b"), output(3)], [call("a"), output("b"), output(3)]),
        ("Hi", "Hi"),
    ],
)
def test_outputs_stand_behind_their_calls(given: Any, expected: Any) -> None:
    body = {"input": given}
    with_single_items(body)
    assert body == {"input": expected}
