"""Ids of calls, and answers to their results, as Mistral demands them."""

import json
import re
from typing import Any

import pytest

from gateway.resolve.refusals.history.earlier_calls import (
    with_answers,
    with_short_ids,
    with_single_calls,
    with_valid_arguments,
)
from gateway.shapes import Json

USER: Json = {"role": "user", "content": "x"}
DONE: Json = {"role": "assistant", "content": "Done."}


def said(*ids: Any) -> Json:
    return {"role": "assistant", "content": None, "tool_calls": [{"id": each} for each in ids]}


def result(call_id: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": "r"}


@pytest.mark.parametrize(
    "given",
    ["call_1", "", "a" * 80, "toolu_01", "functions.f:0", "\ud83d", "abcdefgh_", "12345678"],
)
def test_an_id_becomes_nine_letters_and_a_call_still_has_its_result(given: str) -> None:
    call, answer = with_short_ids([said(given, "other-id"), result(given)])
    assert isinstance(call, dict)
    assert isinstance(answer, dict)
    first, second = (each["id"] for each in call["tool_calls"])
    assert answer["tool_call_id"] == first != second
    assert re.fullmatch("[a-zA-Z0-9]{9}", first)
    assert list(with_short_ids([said(given)])) == [said(first)]


def test_an_id_of_mistral_stays() -> None:
    messages: list[object] = [USER, said("D681PevKs"), result("D681PevKs")]
    assert list(with_short_ids(messages)) == messages


@pytest.mark.parametrize(
    "odd", [3, None, {"tool_calls": 3}, {"tool_calls": [3, {"id": 4}]}, {"tool_call_id": None}]
)
def test_what_has_no_ids_stays(odd: Any) -> None:
    assert list(with_short_ids([odd])) == [odd]


def test_the_given_messages_are_not_changed() -> None:
    messages: list[object] = [said("call_1"), result("call_1")]
    assert list(with_short_ids(messages)) != messages
    assert messages == [said("call_1"), result("call_1")]


def calling(arguments: Any) -> Json:
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}


@pytest.mark.parametrize("given", ["{", '{"a": "b', "[1]", "nul", "7", "[" * 100_000, "ä"])
def test_arguments_that_are_not_an_object_become_a_property(given: str) -> None:
    (sent,) = with_valid_arguments([calling(given)])
    assert isinstance(sent, dict)
    written = sent["tool_calls"][0]["function"]["arguments"]
    assert json.loads(written) == {"INVALID_JSON": given}
    assert list(with_valid_arguments([sent])) == [sent]


@pytest.mark.parametrize("given", ["", " \n", "null", " null "])
def test_where_there_are_none_the_object_is_empty(given: str) -> None:
    (sent,) = with_valid_arguments([calling(given)])
    assert isinstance(sent, dict)
    assert sent["tool_calls"][0]["function"]["arguments"] == "{}"
    old: Json = {"role": "assistant", "function_call": {"name": "f", "arguments": given}}
    assert list(with_valid_arguments([old])) == [
        {**old, "function_call": {"name": "f", "arguments": "{}"}}
    ]


def test_so_do_those_of_a_call_in_the_old_form() -> None:
    function = {"name": "f", "arguments": '{"a": "b'}
    message: Json = {"role": "assistant", "content": None, "function_call": function}
    (sent,) = with_valid_arguments([message])
    written = {"name": "f", "arguments": json.dumps({"INVALID_JSON": '{"a": "b'})}
    assert sent == {**message, "function_call": written}
    assert list(with_valid_arguments([sent])) == [sent]


@pytest.mark.parametrize(
    "message",
    [
        *(calling("{}"), calling('{"a": [1]}'), calling(None), calling({"a": 1})),
        *(USER, 3, {"tool_calls": 3}, {"tool_calls": [3, {}, {"function": 4}]}),
    ],
)
def test_other_messages_stay(message: Any) -> None:
    assert list(with_valid_arguments([message])) == [message]


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        ([result("a"), USER], [result("a"), DONE, USER]),
        ([result("a"), result("b"), USER], [result("a"), result("b"), DONE, USER]),
        (
            [result("a"), USER, USER, result("b"), USER],
            [result("a"), DONE, USER, USER, result("b"), DONE, USER],
        ),
        ([result("a"), said("b")], [result("a"), said("b")]),
        ([result("a"), 3, USER], [result("a"), 3, USER]),
        ([result("a")], [result("a")]),
        ([], []),
    ],
)
def test_the_assistant_answers_before_the_user_goes_on(
    messages: list[object], sent: list[object]
) -> None:
    assert list(with_answers(messages)) == sent


def saying(*ids: Any) -> Json:
    return {**said(*ids), "content": "So", "reasoning_content": "Hm"}


def alone(call_id: Any) -> Json:
    return {**said(call_id), "content": ""}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            [USER, saying("a", "b"), result("a"), result("b"), USER],
            [USER, saying("a"), result("a"), alone("b"), result("b"), USER],
        ),
        # In another order, without a result, with one of no call, and twice the same id
        (
            [saying("a", "b", "c"), result("b"), result("a"), DONE],
            [saying("a"), result("a"), alone("b"), result("b"), alone("c"), DONE],
        ),
        (
            [saying("a", "b"), result("x"), result("b")],
            [saying("a"), alone("b"), result("b"), result("x")],
        ),
        (
            [saying("a", "a"), result("a"), result("a")],
            [saying("a"), result("a"), alone("a"), result("a")],
        ),
        # Two turns of them
        (
            [saying("a", "b"), result("a"), result("b"), saying("c", "d"), result("c")],
            [
                *(saying("a"), result("a"), alone("b"), result("b")),
                *(saying("c"), result("c"), alone("d")),
            ],
        ),
    ],
)
def test_calls_that_were_made_at_once_come_one_by_one(
    given: list[object], expected: list[object]
) -> None:
    assert list(with_single_calls(given)) == expected


@pytest.mark.parametrize(
    "given",
    [
        [USER, saying("a"), result("a"), saying("b"), result("b"), DONE],
        [saying(), result("a"), 3, None, {"role": "assistant", "tool_calls": 3}],
    ],
)
def test_calls_that_were_made_alone_stay(given: list[object]) -> None:
    assert list(with_single_calls(given)) == given


def test_calls_of_no_form_are_single_too() -> None:
    odd: Json = {"role": "assistant", "tool_calls": [3, None]}
    assert list(with_single_calls([odd])) == [
        {"role": "assistant", "tool_calls": [3]},
        {"role": "assistant", "content": "", "tool_calls": [None]},
    ]
