"""A request's body, read ahead or whole, is the same bytes, and never more than it may be."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PayloadTooLarge
from gateway.exchange.passthrough.request_body import (
    READ_AHEAD_BYTES,
    Ahead,
    pieces_of,
    read_ahead,
    read_body,
)
from gateway.request import Body


async def arriving(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def ahead_and_again(body: Body) -> tuple[bytes, bytes]:
    """Return what is read ahead, and all of the body."""
    beginning, rest = await read_ahead(body)
    whole = beginning if rest is None else await read_body(rest, 10**9, beginning)
    return beginning, whole


@given(st.lists(st.sampled_from([b"", b"a", b"bc" * 50, b"d" * READ_AHEAD_BYTES]), max_size=6))
def test_what_is_read_ahead_is_not_lost(pieces: list[bytes]) -> None:
    async def scenario() -> None:
        whole = b"".join(pieces)
        for body in (whole, arriving(*pieces)):
            beginning, again = await ahead_and_again(body)
            assert whole.startswith(beginning)
            assert again == whole
        streamed = [piece async for piece in pieces_of(arriving(*pieces), b"begun")]
        assert b"".join(streamed) == b"begun" + whole
        assert all(streamed)

    asyncio.run(scenario())


@pytest.mark.parametrize("body", [b"x" * 11, (b"x" * 5, b"x" * 6)])
def test_a_body_beyond_its_limit_is_refused_before_it_is_whole(
    body: bytes | tuple[bytes, ...],
) -> None:
    async def scenario() -> None:
        made = body if isinstance(body, bytes) else arriving(*body)
        with pytest.raises(PayloadTooLarge):
            await read_body(made, 10)

    asyncio.run(scenario())


def test_what_was_read_before_counts() -> None:
    async def scenario() -> None:
        assert await read_body(arriving(b"c"), 3, b"ab") == b"abc"
        with pytest.raises(PayloadTooLarge):
            await read_body(arriving(b"cd"), 3, b"ab")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ahead", "declared", "whole", "length"),
    [
        (Ahead(b"abc", None, 1), None, b"abc", 3),
        (Ahead(b"b", None, 3, b"a", b"c"), 3, b"abc", 3),
        (Ahead(b"bb", None, 3, b"a", b"c"), None, b"abbc", 4),
        (Ahead(b"bb", arriving(b"d"), 3, b"a", b"c"), 4, b"abbcd", 5),
        (Ahead(b"", arriving(b"d"), 3), 4, b"d", 1),
        (Ahead(b"a", arriving(b"d"), 1), None, b"ad", None),
    ],
)
def test_what_is_sent_again_has_the_length_of_what_has_changed(
    ahead: Ahead, declared: int | None, whole: bytes, length: int | None
) -> None:
    assert ahead.length(declared) == length
    assert asyncio.run(read_body(ahead.again(), 10)) == whole


def test_what_was_read_ahead_counts_for_the_limit() -> None:
    with pytest.raises(PayloadTooLarge):
        asyncio.run(read_body(arriving(), 4, b"begun"))
    assert asyncio.run(read_body(arriving(), 5, b"begun")) == b"begun"


def test_more_can_be_read_ahead() -> None:
    async def scenario() -> None:
        beginning, rest = await read_ahead(arriving(b"abc", b"de", b"f"), 4)
        assert (beginning, rest is None) == (b"abcde", False)

    asyncio.run(scenario())
