"""The marks of the gateways that a request has passed; through real gateways: `test_loops.py`."""

import re
import subprocess
import sys

import pytest

from gateway import hops
from gateway.errors import LoopDetected
from gateway.hops import HEADER, MARK, MOST_HOPS, marks_in, passing_on, refuse_loops
from gateway.shapes import RawHeaders

OTHER = b"0123456789abcdef"


def passed(*values: bytes) -> RawHeaders:
    return ((b"accept", b"*/*"), *((HEADER, value) for value in values))


@pytest.mark.parametrize(
    "values",
    [(), (OTHER,), (OTHER + b", " + OTHER[::-1],), (b"",), (MARK[:-1],), (MARK.upper() + b"0",)],
)
def test_a_request_that_has_passed_others_only_is_served(values: tuple[bytes, ...]) -> None:
    refuse_loops(passed(*values))


@pytest.mark.parametrize(
    "values",
    [(MARK,), (OTHER + b"," + MARK,), (OTHER, MARK), (MARK + b" ,\t" + OTHER,), (b"?, " + MARK,)],
)
def test_a_request_that_has_passed_this_gateway_is_a_loop(values: tuple[bytes, ...]) -> None:
    with pytest.raises(LoopDetected, match="base_url") as caught:
        refuse_loops(passed(*values))
    assert caught.value.status == 508
    assert caught.value.envelope()["error"]["code"] == "loop_detected"
    assert MARK.decode() not in caught.value.message


def test_more_gateways_than_anybody_has_are_a_loop_of_unknown_ones() -> None:
    refuse_loops(passed(b",".join([OTHER] * (MOST_HOPS - 1))))
    with pytest.raises(LoopDetected, match=f"passed {MOST_HOPS} gateways"):
        refuse_loops(passed(b",".join([OTHER] * MOST_HOPS)))


def test_what_is_sent_on_is_what_came_and_the_own_mark() -> None:
    came = passed(OTHER, b"no mark", OTHER[::-1])
    assert marks_in(came) == [OTHER, OTHER[::-1]]
    assert passing_on(came) == OTHER + b", " + OTHER[::-1] + b", " + MARK
    assert passing_on(()) == MARK
    assert marks_in(((HEADER, passing_on(passed(b",".join([OTHER] * 99)))),))[-1] == MARK


def test_a_mark_is_drawn_at_each_start() -> None:
    assert re.fullmatch(rb"[0-9a-f]{16}", MARK)
    shown = subprocess.run(
        [sys.executable, "-c", f"import {hops.__name__} as h; print(h.MARK.decode())"],
        capture_output=True,
        check=True,
    )
    assert shown.stdout.strip() != MARK
