"""Choices as servers count them."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.reply_choices import (
    ChoiceEnds,
    ChoicePlaces,
    choices_of,
    delta_of,
    in_order,
    index_in,
    message_of,
)


def test_choices_are_objects_and_nulls_are_none() -> None:
    assert choices_of({}) == choices_of({"choices": None}) == choices_of({"choices": [None]}) == []
    assert choices_of({"choices": [None, {"index": 0}]}) == [{"index": 0}]
    odd: list[object] = [5, "x", {}, [5], [{}, "x"], [[]]]
    for given in odd:
        with pytest.raises(UpstreamError):
            choices_of({"choices": given})


@pytest.mark.parametrize(
    ("value", "index"),
    [
        *((0, 0), (7, 7), (-1, -1), ("0", 0), ("12", 12)),
        *((None, None), (True, None), (1.0, None), ("", None), ("-1", None), ("²", None)),
        *(("1" * 10, None), ([0], None)),
    ],
)
def test_an_index_may_be_a_string(value: object, index: int | None) -> None:
    assert index_in({"index": value}) == index


def test_the_order_of_the_list_counts_unless_the_indexes_are_one() -> None:
    def order(*indexes: object) -> list[str]:
        given = [
            {"index": index, "name": name} for name, index in zip("abc", indexes, strict=False)
        ]
        made = in_order(given)
        assert [choice["index"] for choice in made] == list(range(len(given)))
        return [choice["name"] for choice in made]

    assert order(2, "0", 1) == ["b", "c", "a"]
    for indexes in ((0, 0, 0), (3, 2, 1), (2, 1), (5,), (None, None), (1, 1, 0)):
        assert order(*indexes) == ["a", "b", "c"][: len(indexes)]


def test_the_places_of_a_stream() -> None:
    def places(asked: int, *indexes: object) -> list[int | None]:
        seen = ChoicePlaces(asked)
        return [seen.place({"index": index}) for index in indexes]

    assert places(1, 5, None, 5, 0, "5") == [0, 0, 0, None, 0]
    assert places(2, 1, "0", None, 2, -1) == [1, 0, 0, None, None]


def test_a_delta_may_be_absent_but_nothing_may_stand_in_its_place() -> None:
    absent: list[Json] = [{}, {"delta": None}, {"delta": {}, "text": "x"}, {"text": ""}]
    absent.append({"delta": []})
    assert [delta_of(choice) for choice in absent] == [{}, {}, {}, {}, {}]
    odd: list[Json] = [{"delta": "x"}, {"delta": ["x"]}, {"text": "x"}, {"message": "x"}]
    for choice in odd:
        with pytest.raises(UpstreamError):
            delta_of(choice)


def test_the_message_of_a_whole_choice_may_be_in_its_delta() -> None:
    said, other = {"content": "a"}, {"content": "b"}
    assert message_of({"message": said, "delta": other}) == said
    assert message_of({"message": None, "delta": other}) == other
    assert message_of({"message": {}, "delta": other}) == {}
    assert message_of({"message": [], "delta": {}}) is None
    assert message_of({}) is None


def test_a_stream_that_passes_ends_with_each_of_its_choices() -> None:
    ends = ChoiceEnds()
    odd: list[Json] = [{}, {"choices": "x"}, {"choices": [5, {"index": -1}]}]
    for event in [*odd, {"choices": [{"index": 1, "finish_reason": "null"}]}]:
        ends.take(event)
    states = [(ends.has_any, ends.are_all)]
    for ended in ({"index": "1", "finish_reason": "stop"}, {"finish_reason": "length"}):
        ends.take({"choices": [ended]})
        states.append((ends.has_any, ends.are_all))
    assert states == [(False, False), (True, False), (True, True)]
