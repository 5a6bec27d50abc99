from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.missing_choices import (
    ChoicesSeen,
    are_missing,
    asked_choices,
    completed,
    single_calls,
)
from gateway.translate.schema.checks import INT64_MAX, INT64_MIN


def usage(prompt: int = 3, completion: int = 5) -> Json:
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def chunk(index: object = 0, finish: str | None = None, **more: Any) -> Json:
    return {"id": "x", "choices": [{"index": index, "delta": {}, "finish_reason": finish}], **more}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, 1),
        ({"n": 3}, 3),
        ({"n": None}, 1),
        ({"n": "3"}, 1),
        ({"n": True}, 1),
        ({"n": 2, "prompt": "a"}, 2),
        ({"n": 2, "prompt": [1, 2]}, 2),
        ({"n": 2, "prompt": ["a"]}, 1),
        ({"n": 2, "prompt": [[1], [2]]}, 1),
    ],
)
def test_choices_are_counted_for_one_prompt(body: Json, asked: int) -> None:
    assert asked_choices(body) == asked


def test_each_missing_choice_is_a_request_of_its_own() -> None:
    assert single_calls({"n": 3, "a": 1}, 1) == [{"a": 1}, {"a": 1}]
    assert single_calls({"n": 3, "seed": INT64_MAX}, 1) == [
        {"seed": INT64_MIN},
        {"seed": INT64_MIN + 1},
    ]
    assert single_calls({"n": 2}, 2) == []


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        ({"choices": [1]}, True),
        ({"choices": [1, 2]}, False),
        ({"choices": []}, False),
        ({"choices": None}, False),
        ([], False),
    ],
)
def test_a_reply_without_any_choice_lacks_none(reply: object, missing: bool) -> None:
    assert are_missing(reply, 2) is missing


def test_a_reply_is_completed_and_its_usage_with_it() -> None:
    reply: Json = {"id": "x", "choices": [{"index": 7, "text": "a"}], "usage": usage()}
    singles: list[Json] = [{"choices": [{"index": 0, "text": "b"}], "usage": usage(3, 2)}]
    assert completed(reply, singles) == {
        "id": "x",
        "choices": [{"index": 0, "text": "a"}, {"index": 1, "text": "b"}],
        "usage": usage(3, 7),
    }
    odds: tuple[object, ...] = (None, {}, {"choices": []}, {"choices": [5]})
    for odd in odds:
        assert completed(reply, [odd]) == {"id": "x", "choices": [{"index": 0, "text": "a"}]}
    assert completed({"choices": [5]}, [])["choices"] == [5]


def test_a_stream_is_complete_as_far_as_its_choices_have_ended() -> None:
    seen = ChoicesSeen()
    assert seen.complete == 0
    assert seen.take(chunk()) == chunk()
    assert seen.complete == 0
    seen.take(chunk(None, "stop"))
    assert seen.complete == 1
    seen.take(chunk(1, ""))
    assert seen.complete == 0
    seen.take(chunk(1, "stop"))
    assert seen.complete == 2


def test_indexes_may_be_strings_and_null_is_no_choice() -> None:
    seen = ChoicesSeen()
    assert seen.take(chunk("1", "stop")) == chunk(1, "stop")
    first: Json = chunk("0", "stop")
    assert seen.take({**first, "choices": [None, *first["choices"]]}) == chunk(0, "stop")
    assert seen.complete == 2
    reply: Json = {"choices": [None, {"index": 0, "text": "a"}]}
    assert are_missing(reply, 2)
    choices = completed(reply, [{"choices": [None, {"index": 0, "text": "b"}]}])["choices"]
    assert choices == [{"index": 0, "text": "a"}, {"index": 1, "text": "b"}]


@pytest.mark.parametrize("odd", [{"error": {"message": "no"}}, {"choices": [5]}])
def test_a_stream_with_something_odd_is_left_alone(odd: Json) -> None:
    seen = ChoicesSeen()
    seen.take(chunk(0, "stop"))
    assert seen.take(odd) == odd
    assert seen.complete == 0


def test_a_gap_is_not_complete() -> None:
    seen = ChoicesSeen()
    seen.take(chunk(1, "stop"))
    assert seen.complete == 0


def test_usage_is_sent_once_for_all_calls() -> None:
    seen = ChoicesSeen()
    assert seen.usage_event() is None
    assert seen.take(chunk(0, "stop", usage=usage())) == chunk(0, "stop")
    assert seen.take({"id": "x", "choices": [], "usage": usage()}) is None
    assert seen.usage_event() == {"id": "x", "choices": [], "usage": usage()}
    seen.next_call()
    assert seen.take(chunk(0, "stop", usage=usage(3, 1)), 1) == chunk(1, "stop")
    assert seen.usage_event() == {"id": "x", "choices": [], "usage": usage(3, 6)}
    seen.next_call()
    assert seen.usage_event() is None
    assert seen.take({"object": "ping"}) == {"object": "ping"}
