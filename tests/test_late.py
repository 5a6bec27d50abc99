"""What is made late is made once, beside the event loop, and tried again after a failure."""

import asyncio
import threading

import pytest

from gateway.late import Late


def test_it_is_made_when_it_is_first_needed_in_another_thread() -> None:
    threads: list[int] = []

    def make() -> list[int]:
        threads.append(threading.get_ident())
        return threads

    async def scenario() -> None:
        late = Late(make)
        assert threads == []
        assert await late.get() is await late.get() is threads
        assert len(threads) == 1
        assert threads[0] != threading.get_ident()

    asyncio.run(scenario())


def test_who_needs_it_at_the_same_time_gets_the_same() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    async def scenario() -> None:
        late = Late(make)
        got = await asyncio.gather(*(late.get() for _ in range(3)))
        assert got == made * 3

    asyncio.run(scenario())


def test_after_a_failure_it_is_tried_again() -> None:
    failures = [ValueError("not yet")]

    def make() -> str:
        if failures:
            raise failures.pop()
        return "made"

    async def scenario() -> None:
        late = Late(make)
        with pytest.raises(ValueError, match="not yet"):
            await late.get()
        assert await late.get() == "made"

    asyncio.run(scenario())
