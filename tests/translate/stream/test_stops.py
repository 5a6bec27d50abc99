from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.translate.stream.stops import StopScanner, cut


def brute_force(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The first match to end, the longest of those that end there."""
    matches = [
        (start + len(stop), start, stop)
        for stop in stops
        if stop
        for start in range(len(text))
        if text.startswith(stop, start)
    ]
    if not matches:
        return text, None
    _, start, stop = min(matches)
    return text[:start], stop


def scan(pieces: list[str], stops: list[str]) -> tuple[str, str | None]:
    scanner = StopScanner(stops)
    emitted = "".join(scanner.feed(piece) for piece in pieces)
    return emitted + scanner.flush(), scanner.found


CASES: list[tuple[str, list[str], tuple[str, str | None]]] = [
    ("", ["a"], ("", None)),
    ("abc", [], ("abc", None)),
    ("abc", ["", "b"], ("a", "b")),
    ("abc", ["x"], ("abc", None)),
    ("hello\nUser: hi", ["\nUser:"], ("hello", "\nUser:")),
    ("hello\nUse", ["\nUser:"], ("hello\nUse", None)),
    ("abcd", ["bcd", "c"], ("ab", "c")),
    ("abcd", ["bc", "c"], ("a", "bc")),
    ("abcd", ["abcdx", "cd"], ("ab", "cd")),
    ("aaab", ["aab"], ("a", "aab")),
    ("ababac", ["abac"], ("ab", "abac")),
    ("aabaabaaab", ["aabaaab"], ("aab", "aabaaab")),
    ("xx🙂\u200dyy", ["🙂\u200d"], ("xx", "🙂\u200d")),
]


@pytest.mark.parametrize(("text", "stops", "expected"), CASES)
def test_the_text_is_cut_before_the_first_stop_sequence(
    text: str, stops: list[str], expected: tuple[str, str | None]
) -> None:
    assert cut(text, stops) == expected
    assert scan(list(text), stops) == expected


@given(
    st.text("ab", max_size=30),
    st.lists(st.text("ab", max_size=6), max_size=4),
    st.lists(st.integers(0, 30), max_size=6),
)
@example("aabaaabaaaab", ["aaaab", "abaaab"], [3, 7])
def test_any_pieces_give_what_brute_force_finds(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    expected = brute_force(text, stops)
    edges = sorted({0, len(text), *(min(edge, len(text)) for edge in cuts)})
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert scan(pieces, stops) == expected
    assert scan(list(text), stops) == expected
    assert cut(text, stops) == expected


@given(st.text("ab", max_size=30), st.lists(st.text("ab", max_size=6), max_size=4))
def test_no_more_is_held_back_than_could_begin_a_stop_sequence(text: str, stops: list[str]) -> None:
    scanner = StopScanner(stops)
    emitted = ""
    for i, character in enumerate(text):
        emitted += scanner.feed(character)
        if scanner.found is not None:
            break
        held = text[len(emitted) : i + 1]
        assert held == "" or any(stop.startswith(held) for stop in stops)
        assert text.startswith(emitted)


def test_nothing_is_emitted_after_a_stop_sequence() -> None:
    scanner = StopScanner(["END"])
    assert scanner.feed("a EN") == "a "
    assert scanner.feed("D b") == ""
    assert scanner.found == "END"
    assert scanner.feed("more END") == ""
    assert scanner.flush() == ""


def test_held_text_comes_out_when_it_was_no_stop_sequence_after_all() -> None:
    scanner = StopScanner(["END"])
    assert scanner.feed("EN") == ""
    assert scanner.feed("C") == "ENC"
    assert scanner.feed("E") == ""
    assert scanner.flush() == "E"
    assert scanner.flush() == ""


def test_a_long_repetitive_stop_sequence_is_matched_in_small_pieces() -> None:
    stop = "a" * 20_000 + "b"
    assert scan(["a"] * 30_000 + ["b"], [stop]) == ("a" * 10_000, stop)
