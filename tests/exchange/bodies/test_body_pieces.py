"""Bodies in pieces are what they are as a whole, faults included."""

import json
from collections.abc import Callable
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.bodies import body_pieces
from gateway.exchange.bodies.body_pieces import (
    HUGE_BYTES,
    decode_in_pieces,
    encode_in_pieces,
    free_in_pieces,
)
from gateway.shapes import Json

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_pieces, "PIECE_BYTES", 8)
    monkeypatch.setattr(body_pieces, "_LONGEST_PIECE", 16)
    monkeypatch.setattr(body_pieces, "_FEW_COMMAS", 0)
    monkeypatch.setattr(body_pieces, "_LONGEST_TEXT", 0)
    monkeypatch.setattr(body_pieces, "_PIECE_ITEMS", 2)
    monkeypatch.setattr(body_pieces, "_PIECE_PARTS", 3)
    monkeypatch.setattr(body_pieces, "_STRETCH", 4)


def without_blanks(body: bytes) -> bytes:
    return body


def with_blanks(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=1)


@pytest.mark.parametrize("written", [without_blanks, with_blanks])
@given(st.dictionaries(st.text(), VALUES))
def test_objects_are_decoded_and_encoded_alike(
    written: Callable[[bytes], bytes], value: Json
) -> None:
    body = msgspec.json.encode(value)
    assert encode_in_pieces(value) == encode_in_pieces(value, HUGE_BYTES) == body
    assert msgspec.json.encode(decode_in_pieces(written(body))) == body


SCHEMA = {f"p{number}": {"type": "string", "enum": ["a,b", "},"]} for number in range(500)}
LONG = {
    "an object": {"properties": SCHEMA},
    "a list": [SCHEMA] * 3,
    "numbers": [*range(10_000)],
    "one of many": [{"role": "user"}] * 500 + [SCHEMA] + [[1.5]] * 500,
    "a text": "a\nb\u00e9\U0001f600" * 5_000,
    "a text of escapes": '\n"\\' * 5_000,
    "a text without escapes": "x" + "\u00e9" * 5_000,
    "texts": ["x" * 2_000] * 50,
    "deep": [[[{"a": {"b": SCHEMA}}]]],
}


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_whatever_is_long_is_decoded_and_encoded_in_short_calls(
    long: Any, *, escaped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("PIECE_BYTES", 1024), ("_LONGEST_PIECE", 2048), ("_PIECE_PARTS", 64)):
        monkeypatch.setattr(body_pieces, name, size)
    value = {"model": "m", "tools": [{"parameters": long}]}
    body = json.dumps(value, ensure_ascii=escaped, separators=(",", ":")).encode()
    read, written = Spied(len), Spied(lambda _: 0)
    monkeypatch.setattr(msgspec.json, "decode", read.around(msgspec.json.decode))
    monkeypatch.setattr(msgspec.json, "encode", written.around(msgspec.json.encode))
    assert decode_in_pieces(body) == value
    assert (
        encode_in_pieces(value, HUGE_BYTES)
        == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    )
    assert read.most <= 2100
    assert written.most <= 4100


class Spied:
    """Notes the longest that a function got or returned."""

    def __init__(self, size: Callable[[Any], int]) -> None:
        self._size, self.most = size, 0

    def around(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def noted(value: Any) -> Any:
            result = function(value)
            size = self._size(value) or len(result)
            self.most = max(self.most, size)
            return result

        return noted


@pytest.mark.parametrize("items", [("x" * 40,) * 5000, tuple({"a": (n, "b")} for n in range(5000))])
def test_tuples_are_encoded_as_lists(items: tuple[object, ...]) -> None:
    body = {"a": items, "b": {"c": items}}
    assert encode_in_pieces(body, HUGE_BYTES) == msgspec.json.encode(body)


@pytest.mark.parametrize("body", [{}, {"model": "m"}, {"model": "m", "input": [*range(9)], "n": 1}])
def test_of_bodies_that_are_not_huge_only_long_lists_are_encoded_in_pieces(
    body: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, written = msgspec.json.encode(body), Spied(lambda _: 0)
    monkeypatch.setattr(msgspec.json, "encode", written.around(msgspec.json.encode))
    assert encode_in_pieces(body) == whole
    assert written.most <= len(b'"model"')


def test_long_texts_among_few_values_are_decoded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 700_000}}
    body = msgspec.json.encode({"messages": [{"role": "user", "content": [image]}]})
    read = Spied(len)
    monkeypatch.setattr(msgspec.json, "decode", read.around(msgspec.json.decode))
    assert decode_in_pieces(body)["messages"][0]["content"] == [image]
    assert read.most > 700_000


def test_what_is_nested_very_deep_is_decoded_at_once() -> None:
    body = b'{"a":' * 40 + b'"0123456789abcdefghij"' + b"}" * 40
    assert decode_in_pieces(body) == msgspec.json.decode(body)


FAULTS = [
    b'{"a": [1, 2, 3, 4, 5',
    b'{"a": [1, 2, 3, 4, 1e400, 5]}',
    b'{"a": ["x", "yyyyyyyy", "\\ud800"]}',
    b'{"a": "0123456789abcdefghijklmnopqrst\\ud83dx\\ude00"}',
    b'{"a": "0123456789abcdefghijklmnopqrst\xff"}',
    b'{"a": {"b": 1, "c": 2, "d": 3, "e": 4, "f": 5, }}',
    b'{"a": [1, 2, 3, 4, 5,]}',
    b'{"a": 1} 2',
    b'{"a": 12345678901234567890.5}',
    b"[1, 2, 3]",
    b'"abcdefghij"',
    b"",
]


@pytest.mark.parametrize("body", FAULTS, ids=repr)
def test_faults_are_said_as_of_the_whole(body: bytes) -> None:
    said = []
    for decode in (msgspec.json.decode, decode_in_pieces):
        try:
            said.append(decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            said.append(str(error))
    assert said[0] == said[1]


def test_spaces_and_repeated_names_make_no_difference() -> None:
    body = b' { "b" : [ 1 , [ 2 , 3 ] , "x,]" ] , "a" : 1 , "b" : [ { "c" : [ ] } , 4 , 5 ] } '
    decoded = decode_in_pieces(body)
    assert decoded == msgspec.json.decode(body)
    assert list(decoded) == list(msgspec.json.decode(body))


class Freed(dict[str, Any]):
    """An object that notes that it is freed."""

    noted: list[str] = []  # noqa: RUF012 - set by the test

    def __del__(self) -> None:
        self.noted.append("freed")


class Watched(list[Any]):
    """A list that notes when items are taken away."""

    def __delitem__(self, place: Any) -> None:
        Freed.noted.append("next")
        super().__delitem__(place)


@pytest.mark.parametrize("deep", [True, False])
def test_a_few_things_are_freed_at_a_time(*, deep: bool) -> None:
    Freed.noted = []
    items = Watched([Freed() for _ in range(1_000)])
    if deep:
        items += [{"properties": {str(n): Freed() for n in range(1_000)}}, ([Freed()] * 2,)]
    free_in_pieces(items, deep=deep)
    in_a_row = [len([*row]) for what, row in groupby(Freed.noted) if what == "freed"]
    assert items == []
    assert sum(in_a_row) == (2_001 if deep else 1_000)
    assert max(in_a_row) <= 100
