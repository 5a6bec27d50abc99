import asyncio
import threading
from collections.abc import Callable, Coroutine

from gateway.demo.generation.barrier import Barrier


def in_a_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(test())


async def wait_at(barrier: Barrier) -> asyncio.Task[None]:
    task = asyncio.create_task(barrier.wait())
    await asyncio.sleep(0)  # the task runs until it waits
    assert not task.done()
    return task


@in_a_loop
async def test_a_release_frees_those_that_wait_and_nobody_else() -> None:
    barrier = Barrier()
    first = [await wait_at(barrier) for _ in range(2)]
    barrier.release()
    await asyncio.gather(*first)
    later = await wait_at(barrier)
    barrier.release()
    await later


@in_a_loop
async def test_a_release_may_come_from_another_thread() -> None:
    barrier = Barrier()
    task = await wait_at(barrier)
    thread = threading.Thread(target=barrier.release)
    thread.start()
    await task
    thread.join()


@in_a_loop
async def test_nobody_waits_at_a_lifted_barrier() -> None:
    barrier = Barrier()
    task = await wait_at(barrier)
    barrier.lift()
    await task
    assert barrier.lifted
    await barrier.wait()


def test_a_cancelled_wait_is_forgotten_with_its_loop() -> None:
    barrier = Barrier()

    async def cancelled() -> None:
        task = await wait_at(barrier)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(cancelled())
    barrier.release()  # would raise: the loop is closed
