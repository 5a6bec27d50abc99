import asyncio
import threading
from collections.abc import Callable, Coroutine

from gateway.demo.gate import Gate


def in_a_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(test())


async def let_wait(gate: Gate, number: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(gate.wait()) for _ in range(number)]
    await asyncio.sleep(0)  # each task runs until it waits
    assert gate.waiters() == number
    return tasks


@in_a_loop
async def test_a_release_lets_everyone_go_who_waits_and_nobody_else() -> None:
    gate = Gate()
    first = await let_wait(gate, 2)
    gate.release()
    await asyncio.gather(*first)
    (later,) = await let_wait(gate, 1)
    assert not later.done()
    gate.release()
    await later


@in_a_loop
async def test_a_release_may_come_from_another_thread() -> None:
    gate = Gate()
    (task,) = await let_wait(gate, 1)
    thread = threading.Thread(target=gate.release)
    thread.start()
    await task
    thread.join()


@in_a_loop
async def test_nobody_waits_at_a_gate_that_is_open_for_good() -> None:
    gate = Gate()
    (task,) = await let_wait(gate, 1)
    gate.open_for_good()
    await task
    assert gate.is_open
    await gate.wait()


@in_a_loop
async def test_who_gives_up_is_forgotten() -> None:
    gate = Gate()
    (task,) = await let_wait(gate, 1)
    task.cancel()
    await asyncio.wait({task})
    assert gate.waiters() == 0
