"""Where the JSON text of a call's arguments ends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.tools.arguments import (
    ArgumentText,
    comparable,
    is_empty_object,
    is_json,
    opens_json,
    same_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('a{}[]"\\ \ud83d', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('a{}[]"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
TEXTS = (
    st.lists(VALUES, max_size=3) | st.dictionaries(st.text('{}"\\', max_size=3), VALUES)
).flatmap(lambda value: st.booleans().map(lambda escaped: json.dumps(value, ensure_ascii=escaped)))


def read(pieces: list[str]) -> tuple[ArgumentText, str]:
    text = ArgumentText()
    return text, "".join(text.add(piece) for piece in pieces)


@given(TEXTS, TEXTS, st.integers(1, 4), st.sampled_from(["", " ", "\n "]))
def test_a_text_ends_with_its_last_bracket(one: str, other: str, size: int, space: str) -> None:
    both = space + one + other
    text, rest = read([both[start : start + size] for start in range(0, len(both), size)])
    assert (text.text, rest) == (space + one, other)
    assert text.ended
    assert text.whole


def test_blanks_are_not_a_beginning() -> None:
    text, rest = read([" ", "\n", "{", "}"])
    assert (text.text, rest, text.ended) == (" \n{}", "", True)


@pytest.mark.parametrize("word", ["", " ", "x{}", '"{}"', "1", '{"a":', '{"a":"}', '{"a":"\\"}'])
def test_what_has_no_last_bracket_does_not_end(word: str) -> None:
    text, rest = read([*word, ""])
    assert (text.text, rest, text.ended, text.whole) == (word, "", False, False)
    assert text.is_blank == (not word.strip())


def test_brackets_that_are_not_json_end_but_are_not_whole() -> None:
    text, rest = read(["{a: 1", "}", "{"])
    assert (text.text, rest, text.ended, text.whole) == ("{a: 1}", "{", True, False)


def test_what_is_appended_is_a_part_whatever_came_before() -> None:
    text, _ = read(["{}"])
    assert text.whole
    assert text.is_placeholder
    text.append("}")
    assert (text.text, text.whole, text.is_placeholder) == ("{}}", False, False)
    fresh = ArgumentText()
    fresh.append("raw")
    assert (fresh.text, fresh.is_blank, fresh.whole) == ("raw", False, False)


@pytest.mark.parametrize(
    ("text", "empty"), [("{}", True), (" { \n} ", True), ("", False), ('{"', False)]
)
def test_an_empty_object_is_one_however_it_is_spaced(text: str, empty: bool) -> None:
    assert is_empty_object(text) is empty


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a":1,"b":2}', '{ "b": 2, "a": 1 }', True),
        ('{"a":"é"}', '{"a":"\\u00e9"}', True),
        ('{"a":"\\ud83d"}', '{"a": "\\ud83d"}', True),
        ('{"a":1}', '{"a":true}', False),
        ('{"a":1}', '{"a":1.0}', False),
        ("", "{}", True),
        ("raw", "raw", True),
        ("raw", " raw", False),
        ("{", "{}", False),
    ],
)
def test_texts_are_compared_as_json_where_they_are(one: str, other: str, same: bool) -> None:
    assert same_json(one, other) is same
    assert (comparable(one) == comparable(other)) is same


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a":Infinity}', "[" * 100_000])
def test_what_rfc_8259_does_not_know_is_not_json(text: str) -> None:
    assert not is_json(text)


def test_only_objects_and_lists_open_a_text() -> None:
    opened: list[Any] = [opens_json(text) for text in (' {"', "[", "", "a{", '"{')]
    assert opened == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("said", "piece", "news"),
    [
        ("", '{"a', '{"a'),
        (" ", "{", "{"),
        ("{", "{", ""),
        ("{", '{"', '"'),
        ('{"', '{"', '{"'),
        ('{"', '{"a', "a"),
        ('{"a', '{"a"', '"'),
        ('{"a\\', '{"a\\n', "n"),
        ('{"a":1', '{"a":12}', "2}"),
        ('{"a":1}', '{"a":1}', '{"a":1}'),
        ('{":', '{":":1}', ""),
        ('{"a":', '{"a":', '{"a":'),
        ('{"a":', '{"a":1', ""),
        ("x", "xy", "xy"),
        ('{"a":1', '{"a', '{"a'),
    ],
)
def test_a_piece_that_begins_with_all_before_it_repeats_it(
    said: str, piece: str, news: str
) -> None:
    text = ArgumentText()
    text.add(said)
    assert text.news_in(piece) == news


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (['{"a":', '{"a":1', '{"a":12', '{"a":12}'], '{"a":12}'),
        (['{"a":', '{"a":1}'], '{"a":1}'),
        (['{"a":', '{"a":1}', "}"], '{"a":{"a":1}}'),
        (['{"a":', '{"a":1', '{"a":1'], '{"a":{"a":1{"a":1'),
        (['{"a":', '{"a":1'], '{"a":{"a":1'),
    ],
)
def test_a_piece_in_doubt_waits_for_the_next_one(pieces: list[str], whole: str) -> None:
    text = ArgumentText()
    for piece in pieces:
        text.add(text.news_in(piece))
    text.add(text.flush())
    assert text.text == whole
    assert text.flush() == ""
