"""What one coroutine of a test leaves behind meets no other one."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from tests import loops


@pytest.fixture(autouse=True)
def _a_new_one() -> None:
    loops.end()


async def loop_of() -> asyncio.AbstractEventLoop:
    await asyncio.sleep(0)
    return asyncio.get_running_loop()


async def fail() -> None:
    await asyncio.sleep(0)
    raise ValueError("it failed")


async def in_time() -> None:
    async with asyncio.timeout(60):
        await asyncio.sleep(0)


async def ended_generator() -> None:
    generator = numbers()
    kept.append(generator)
    assert [number async for number in generator] == [1]


def test_what_leaves_nothing_shares_a_loop() -> None:
    first = loops.run(loop_of())
    loops.run(in_time())
    loops.run(ended_generator())
    kept.clear()
    with pytest.raises(ValueError, match="it failed"):
        loops.run(fail())
    assert loops.run(loop_of()) is first
    assert not first.is_closed()
    loops.end()
    assert first.is_closed()
    assert loops.run(loop_of()) is not first


async def numbers() -> AsyncIterator[int]:
    yield 1


async def task() -> None:
    kept.append(asyncio.create_task(asyncio.Event().wait()))
    await asyncio.sleep(0)


async def call() -> None:
    loop = asyncio.get_running_loop()

    def again() -> None:
        loop.call_soon(again)

    again()


async def timer() -> None:
    asyncio.get_running_loop().call_later(60, print)


async def generator() -> None:
    generator = numbers()
    kept.append(generator)
    await anext(generator)


async def thread() -> None:
    await asyncio.to_thread(int)


async def descriptor() -> None:
    reader, writer = socket.socketpair()
    kept.extend((reader, writer))
    asyncio.get_running_loop().add_reader(reader, print)


async def handler() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)


kept: list[object] = []


@pytest.mark.parametrize("left", [task, call, timer, generator, thread, descriptor, handler])
def test_a_loop_with_anything_left_is_closed(left: Callable[[], Awaitable[None]]) -> None:
    loops_used: list[asyncio.AbstractEventLoop] = []

    async def leave() -> None:
        loops_used.append(asyncio.get_running_loop())
        await left()

    try:
        loops.run(leave())
        assert loops_used[0].is_closed()
        assert loops.run(loop_of()) is not loops_used[0]
    finally:
        for each in kept:
            if isinstance(each, socket.socket):
                each.close()
        kept.clear()


def test_a_task_that_is_left_is_cancelled() -> None:
    ended: list[str] = []

    async def wait() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        ended.append("cancelled")

    async def leave() -> None:
        kept.append(asyncio.create_task(wait()))
        await asyncio.sleep(0)

    loops.run(leave())
    kept.clear()
    assert ended == ["cancelled"]
