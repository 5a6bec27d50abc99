"""A body in pieces is the body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.connection.partial_body import JOINED, PartialBody


@given(st.lists(st.binary()), st.lists(st.binary(), max_size=3))
def test_the_pieces_are_joined_and_forgotten(pieces: list[bytes], next_pieces: list[bytes]) -> None:
    body = PartialBody()
    for each in (pieces, next_pieces):
        for piece in each:
            body.append(piece)
        assert body.take() == b"".join(each)
    assert body.take() == b""


@pytest.mark.parametrize("sizes", [(JOINED - 1, 1, 1), (1, JOINED, JOINED), (3 * JOINED,), (1, 2)])
def test_large_bodies_are_whole_too(sizes: tuple[int, ...]) -> None:
    pieces = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    body = PartialBody()
    for _ in range(2):
        for piece in pieces:
            body.append(piece)
        assert body.take() == b"".join(pieces)


@pytest.mark.parametrize("size", [5, JOINED])
def test_what_is_given_up_is_forgotten(size: int) -> None:
    body = PartialBody()
    for _ in range(2):
        body.append(bytes(size))
        body.clear()
    body.append(b"next")
    assert body.take() == b"next"
