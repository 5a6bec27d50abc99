"""How far the JSON of streamed arguments has come."""

from typing import Any

import pytest

from gateway.fast.deltas.open_arguments import OpenArguments
from gateway.shapes import Json, Shape


def fragment(text: object, call_id: str = "", name: str = "", index: object = 0) -> Json:
    call = {"index": index, "id": call_id, "function": {"name": name, "arguments": text}}
    return {"choices": [{"delta": {"tool_calls": [call]}}]}


def following(*events: Json, home: Shape = Shape.CHAT) -> OpenArguments:
    arguments = OpenArguments(home)
    for event in events:
        arguments.note(event)
    return arguments


BEGUN = fragment('{"a": "b', "call_1", "f")


@pytest.mark.parametrize(
    "text", ["{", '{"a": [{}', '[1, "}"', '  {"a": "}', '{"a": "\\"}', '{"a": "\\\\", "b": "']
)
def test_json_is_open_until_its_last_bracket(text: str) -> None:
    assert following(fragment(text, "call_1", "f")).is_open
    pieces = [fragment(piece) for piece in text]
    known = following(fragment("", "call_1", "f"), *pieces)
    assert known.is_open
    assert known.length == len(text.lstrip()) if text.startswith(" ") else len(text)


@pytest.mark.parametrize(
    ("pieces", "is_open"),
    [(('{"a": "\\', '"}'), True), (('{"a": "\\', '\\"}'), False)],
)
def test_an_empty_piece_changes_nothing(pieces: tuple[str, str], *, is_open: bool) -> None:
    begun, rest = pieces
    events = (fragment(begun, "call_1", "f"), fragment(""), fragment(rest))
    assert following(*events).is_open is is_open


@pytest.mark.parametrize("text", ["", " ", "x", "{}", '{"a": "\\\\"}', "[1]x", '"{'])
def test_anything_else_is_not_open(text: str) -> None:
    assert not following(fragment(text, "call_1", "f")).is_open


@pytest.mark.parametrize(
    "event",
    [
        fragment("x", "call_1", "f"),
        fragment("x", "call_2"),
        fragment("x", "", "f"),
        fragment("x", index=1),
        fragment("x", index=None),
        fragment({"a": 1}),
        {"choices": [{"delta": {"tool_calls": [3]}}]},
        {"choices": [{"delta": {"tool_calls": "x"}}]},
        {"choices": [{"delta": {"tool_calls": [{}, {}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": 3}]}}, {}]},
    ],
)
def test_a_piece_that_may_be_another_calls_ends_the_certainty(event: Json) -> None:
    known = following(BEGUN, event)
    assert not known.is_open or event["choices"][1:]


@pytest.mark.parametrize("begun", ['{"a": "', '{"a": "' + "b" * 200, "["])
def test_a_piece_that_may_repeat_what_came_ends_the_certainty(begun: str) -> None:
    first = fragment(begun, "call_1", "f")
    assert not following(first, fragment(begun + "c")).is_open
    assert not following(first, fragment("1"), fragment(begun + "1c")).is_open


def test_a_long_piece_that_repeats_nothing_is_followed() -> None:
    known = following(fragment("{", "call_1", "f"), fragment('"a": "b'), fragment("{" * 7))
    assert known.is_open
    assert known.length == len('{"a": "b{{{{{{{')


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"choices": []},
        {"choices": [{"delta": {"content": "x"}}]},
        {"choices": [{"delta": None}]},
        {"choices": "x"},
        fragment("c"),
        fragment(None),
    ],
)
def test_other_events_change_nothing(event: Json) -> None:
    assert following(BEGUN, event).is_open


def test_a_call_without_an_id_makes_all_uncertain() -> None:
    assert not following(fragment("{", "", "f"), fragment("{", "call_2", "f", 1)).is_open
    assert following(BEGUN, fragment("{", "call_2", "f", 1)).is_open


def test_pieces_are_taken_until_the_json_ends() -> None:
    known = following(BEGUN)
    assert known.takes(["c", '"', ', "d": ', "}", "x"]) == 3
    assert known.length == len('{"a": "bc", "d": ')
    assert known.takes(["1"]) == 1
    assert known.takes(["x}"]) == 0


def test_a_piece_as_long_as_all_before_may_be_a_repetition() -> None:
    known = following(fragment('{"a', "call_1", "f"))
    assert known.takes(["bc", "abcdef"]) == 1


def added(item_id: object, arguments: str = "") -> Json:
    item = {"type": "function_call", "id": item_id, "arguments": arguments}
    return {"type": "response.output_item.added", "item": item}


def delta(text: Any, item_id: str = "fc_1") -> Json:
    return {"type": "response.function_call_arguments.delta", "item_id": item_id, "delta": text}


@pytest.mark.parametrize(
    ("events", "is_open"),
    [
        ([added("fc_1"), delta('{"a')], True),
        ([added("fc_1"), delta('{"a'), {"type": "response.output_text.delta"}], True),
        ([added("fc_1"), delta('{"a'), added("fc_2")], False),
        ([added("fc_1"), delta('{"a'), added("fc_1"), delta("{")], False),
        ([added("fc_1", "{"), delta('{"a')], False),
        ([added(None), delta('{"a')], False),
        ([delta('{"a')], False),
        ([added("fc_1"), delta('{"a', "fc_2")], False),
        ([added("fc_1"), delta(3)], False),
        ([added("fc_1"), delta('{"a'), {"type": "response.output_item.added", "item": 3}], True),
    ],
)
def test_items_of_responses_are_followed_by_their_id(events: list[Json], is_open: bool) -> None:
    assert following(*events, home=Shape.RESPONSES).is_open is is_open
