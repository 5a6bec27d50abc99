"""Ids that two translations draw alike."""

from itertools import count

from gateway.fast.streams.drawn_ids import DrawnIds


def test_everybody_draws_the_same_ids() -> None:
    numbers = count()
    ids = DrawnIds(lambda: str(next(numbers)))
    first, second = ids.from_the_first(), ids.from_the_first()
    assert [first(), first()] == ["0", "1"]
    assert [second(), second(), second()] == ["0", "1", "2"]
    assert [first(), ids.from_the_first()()] == ["2", "0"]
