"""Bodies in pieces are what they are as a whole, faults included."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.bodies import body_pieces
from gateway.exchange.bodies.body_pieces import decode_in_pieces, encode_in_pieces
from gateway.shapes import Json

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_pieces, "PIECE_BYTES", 8)
    monkeypatch.setattr(body_pieces, "_PIECE_ITEMS", 2)


@given(st.dictionaries(st.text(), VALUES))
def test_objects_are_decoded_and_encoded_alike(value: Json) -> None:
    body = msgspec.json.encode(value)
    assert encode_in_pieces(value) == body
    assert msgspec.json.encode(decode_in_pieces(body)) == body


FAULTS = [
    b'{"a": [1, 2, 3, 4, 5',
    b'{"a": [1, 2, 3, 4, 1e400, 5]}',
    b'{"a": ["x", "yyyyyyyy", "\\ud800"]}',
    b'{"a": [1, 2, 3, 4, 5,]}',
    b'{"a": 1} 2',
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
        except msgspec.DecodeError as error:
            said.append(str(error))
    assert said[0] == said[1]


def test_spaces_and_repeated_names_make_no_difference() -> None:
    body = b' { "b" : [ 1 , [ 2 , 3 ] , "x,]" ] , "a" : 1 , "b" : [ { "c" : [ ] } , 4 , 5 ] } '
    decoded = decode_in_pieces(body)
    assert decoded == msgspec.json.decode(body)
    assert list(decoded) == list(msgspec.json.decode(body))
