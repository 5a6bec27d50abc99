"""Indexes of parts, as servers count them."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.part_indexes import PartIndexes


def event(name: str, index: object, **more: Any) -> Json:
    where = {"item_id": "a", "output_index": 0, "content_index": index}
    return {"type": f"response.{name}", **where, **more}


def indexes(*events: Json) -> list[object]:
    placed = PartIndexes().placed
    return [placed(each)["content_index"] for each in events]


def test_pieces_that_are_counted_belong_to_the_part_that_was_announced() -> None:
    text = (event("content_part.added", 4), *(event("output_text.delta", n) for n in (5, 6)))
    ended = event("output_text.done", 7), event("content_part.done", 7)
    assert indexes(*text, *ended) == [4, 4, 4, 4, 4]
    thought = event("reasoning_part.added", 0), event("reasoning_text.delta", 1)
    assert indexes(*thought, event("reasoning_part.done", 1)) == [0, 0, 0]


def test_announced_indexes_stay() -> None:
    parts = [
        each
        for n in (0, 1)
        for each in (
            event("content_part.added", n),
            event("output_text.delta", n),
            event("output_text.annotation.added", n),
            event("content_part.done", n),
        )
    ]
    assert indexes(*parts, event("refusal.delta", 2)) == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_each_item_has_its_own() -> None:
    other = event("output_text.delta", 3, output_index=1)
    assert indexes(event("content_part.added", 0), other) == [0, 3]


@pytest.mark.parametrize(("first", "last"), [(0, 2), (0, 3), (1, 4), (0, 0)])
@pytest.mark.parametrize("kind", ["output_text", "reasoning_text", "refusal"])
def test_pieces_of_a_part_that_was_not_announced_are_its_own_up_to_its_end(
    kind: str, first: int, last: int
) -> None:
    pieces = [event(f"{kind}.delta", first + n) for n in range(3)]
    ends = event(f"{kind}.done", last), event("content_part.done", last, part={"type": kind})
    assert indexes(*pieces, *ends) == [first] * 5
    more = event(f"{kind}.delta", last), event(f"{kind}.delta", 9), event(f"{kind}.done", 10)
    assert indexes(*pieces, *ends, *more) == [*[first] * 5, *[last] * 3]


def test_parts_that_were_not_announced_are_told_apart_by_their_ends() -> None:
    whole = [
        each
        for n in (0, 1, 2)
        for each in (event("output_text.done", n), event("content_part.done", n))
    ]
    assert indexes(*whole) == [0, 0, 1, 1, 2, 2]
    pieces = [
        each
        for n in (0, 1)
        for each in (
            event("output_text.delta", n),
            event("output_text.delta", n),
            event("output_text.annotation.added", n),
            event("output_text.done", n),
        )
    ]
    assert indexes(*pieces, *whole[4:]) == [0] * 4 + [1] * 4 + [2, 2]
    assert indexes(event("output_text.annotation.added", 3), *pieces[4:]) == [3, 1, 1, 1, 1]


def test_a_refusal_that_was_not_announced_is_no_part_of_the_text() -> None:
    part = {"type": "refusal", "refusal": "No."}
    said = event("refusal.delta", 1), event("output_text.delta", 0), event("refusal.delta", 2)
    ends = event("content_part.done", 3, part=part), event("output_text.done", 0)
    assert indexes(*said, *ends) == [1, 0, 1, 1, 0]


@pytest.mark.parametrize("index", [None, "1", 1.0])
def test_what_is_not_an_index_stays(index: object) -> None:
    added = event("content_part.added", 0)
    assert indexes(added, event("output_text.delta", index)) == [0, index]
    assert indexes(added, {"type": 5, "content_index": 9}, event("other", 9)) == [0, 9, 9]
