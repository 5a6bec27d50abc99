"""Counts what work takes: how it grows can be judged without timing anything."""

import sys
from collections.abc import Callable


def steps_of(work: Callable[[], object]) -> int:
    """Return how many functions are called, Python's own among them."""
    steps = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return steps


class Counted(str):
    """A text of which each comparison is a step."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    __hash__ = str.__hash__
