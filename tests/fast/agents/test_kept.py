"""What is made of bytes is made once."""

from itertools import count

import pytest
from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.kept import EACH, LARGEST_KEPT, MOST_KEPT, Kept
from gateway.fast.agents.uncommon import Uncommon


class Made:
    """What is made of bytes, and how often that was."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, written: Raw, *how: object) -> tuple[object, ...]:
        self.times += 1
        return (decode(written), *how)


def text(size: int, first: str = "a") -> Raw:
    return Raw(encode(first + "b" * (size - 3)))


def test_the_same_bytes_are_known_again() -> None:
    kept = Kept(made := Made())
    for _ in range(3):
        assert kept(text(5), None) == ("abb",)
    assert made.times == 1


def test_other_bytes_are_others() -> None:
    kept = Kept(made := Made())
    for written in (text(300), text(300, "c"), text(301), text(300)):
        assert kept(written, None) == (decode(written),)
    assert made.times == 4, "two of one length and with one end take the place of each other"


def test_so_is_what_is_made_otherwise() -> None:
    kept = Kept(made := Made())
    for how in (True, False, None, True):
        assert kept(text(9), None, how)[1] is how
    assert made.times == 3


def test_and_what_another_credential_has_sent() -> None:
    kept = Kept(made := Made())
    for scope in ("key", "other", None, "key"):
        assert kept(text(9), scope) == ("abbbbbb",)
    assert made.times == 3


def test_what_is_kept_is_not_a_part_of_a_request() -> None:
    given: list[Raw] = []
    kept = Kept(given.append)
    body = bytearray(b'"abc"')
    kept(Raw(memoryview(body)), None)
    body[1:4] = b"xyz"
    assert decode(given[0]) == "abc"


def test_what_fails_is_not_kept() -> None:
    numbers = count()

    def fail_first(written: Raw) -> int:
        if next(numbers) == 0:
            raise Uncommon
        return len(written)

    kept = Kept(fail_first)
    with pytest.raises(Uncommon):
        kept(text(9), None)
    assert kept(text(9), None) == 9


def test_few_bytes_are_kept() -> None:
    kept = Kept(made := Made())
    for _ in range(2):
        kept(text(LARGEST_KEPT + 1), None)
    assert made.times == 2
    fitting = MOST_KEPT // (LARGEST_KEPT + EACH)
    for number in range(fitting):
        kept(text(LARGEST_KEPT), number)
    before = made.times
    for number in range(fitting):
        kept(text(LARGEST_KEPT), number)
    assert made.times == before
    kept(text(LARGEST_KEPT), None)
    kept(text(LARGEST_KEPT), None)
    assert made.times == before + 1
    kept(text(LARGEST_KEPT), 0)
    assert made.times == before + 2


def test_and_few_parts_however_short() -> None:
    kept = Kept(made := Made())
    for scope in range(MOST_KEPT // EACH + 1):
        kept(text(5), scope)
    before = made.times
    kept(text(5), 0)
    assert made.times == before + 1


def test_what_takes_the_place_of_another_takes_no_more_room() -> None:
    kept = Kept(made := Made())
    kept(text(9), "scope")
    for number in range(MOST_KEPT // LARGEST_KEPT + 1):
        kept(text(LARGEST_KEPT, "ab"[number % 2]), None)
    before = made.times
    kept(text(9), "scope")
    assert made.times == before
