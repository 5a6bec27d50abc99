"""Streamed bodies that are iterated over, where nothing can be pushed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.bodies import BodyOf
from tests.waiting import PATIENCE


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(in_a_task())


def test_a_body_is_had_piece_by_piece_and_read_no_faster() -> None:
    async def scenario() -> None:
        body = BodyOf([b"a", b"b", b"c"])
        pieces = aiter(body)
        for number, piece in enumerate((b"a", b"b", b"c"), 1):
            assert await anext(pieces) == piece
            assert body.delivered == number
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
        await body.aclose()
        assert body.released == 1
        assert body.tokens is None

    run(scenario)


def test_what_breaks_a_body_is_raised_after_what_came_before() -> None:
    async def scenario() -> None:
        body = BodyOf([b"a"], LookupError("gone"))
        pieces = aiter(body)
        assert await anext(pieces) == b"a"
        with pytest.raises(LookupError):
            await anext(pieces)
        await body.aclose()

    run(scenario)


@pytest.mark.parametrize("begun", [False, True])
def test_a_body_that_is_given_up_leaves_nothing_running(*, begun: bool) -> None:
    async def scenario() -> None:
        body = BodyOf([b"a", b"b"])
        pieces = aiter(body)
        if begun:
            assert await anext(pieces) == b"a"
        await body.aclose()
        assert (body.delivered, body.released) == (int(begun), 1)

    run(scenario)
