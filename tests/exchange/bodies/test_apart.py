"""Work beside the event loop: one piece at a time, and nothing is left of what was given up."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.apart import Apart, Held
from gateway.exchange.bodies.body_pieces import HUGE_BYTES

PATIENCE = 60.0


def run(scenario: Callable[[Apart], Awaitable[None]]) -> None:
    async def within() -> None:
        await scenario(Apart())

    asyncio.run(within())


def refuse() -> None:
    raise InvalidRequest("no", param="a")


def fail() -> None:
    raise ValueError("odd")


def test_it_runs_in_a_thread_of_its_own() -> None:
    async def scenario(apart: Apart) -> None:
        names = [(await apart.run(threading.current_thread)).name for _ in range(2)]
        assert names == ["large-bodies_0"] * 2

    run(scenario)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
@pytest.mark.parametrize("forbidden", [False, True])
def test_it_gives_way_to_the_event_loop(
    *, forbidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    async def scenario(apart: Apart) -> None:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        if forbidden:
            monkeypatch.setattr(os, "setpriority", refuse)
        niceness = await apart.run(lambda: os.getpriority(os.PRIO_PROCESS, 0))
        assert niceness == (own if forbidden else own + 5)

    run(scenario)


def test_a_system_without_niceness_of_threads_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(apart: Apart) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert await apart.run(lambda: os.getpriority(os.PRIO_PROCESS, 0)) == own

    run(scenario)


def test_errors_are_raised_without_the_frames_of_the_work() -> None:
    async def scenario(apart: Apart) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await apart.run(refuse)
        frames = [entry.name for entry in refused.traceback]
        assert "refuse" not in frames
        with pytest.raises(ValueError, match="odd"):
            await apart.run(fail)

    run(scenario)


def test_garbage_is_looked_for_meanwhile_and_not_among_all_objects_afterwards() -> None:
    looked: list[str] = []

    def note(phase: str, _: object) -> None:
        if phase == "start":
            looked.append(threading.current_thread().name)

    async def scenario(apart: Apart) -> None:
        gc.callbacks.append(note)
        try:
            many = await apart.run(
                lambda: [[number] for number in range(10 * gc.get_threshold()[0])]
            )
        finally:
            gc.callbacks.remove(note)
        assert len(looked) >= 9
        assert set(looked) == {"large-bodies_0"}
        assert len(many) > len(looked)

    run(scenario)


def test_one_piece_of_work_is_done_at_a_time_and_the_loop_goes_on() -> None:
    steps: list[str] = []
    turns_made = threading.Event()

    def first() -> None:
        steps.append("begun")
        assert turns_made.wait(PATIENCE)
        steps.append("ended")

    async def scenario(apart: Apart) -> None:
        works = asyncio.gather(apart.run(first), apart.run(lambda: steps.append("second")))
        for _ in range(100):
            await asyncio.sleep(0)
        turns_made.set()
        await works
        assert steps == ["begun", "ended", "second"]

    run(scenario)


def test_what_is_cancelled_is_not_begun_or_thrown_away() -> None:
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        done.append("first")

    async def scenario(apart: Apart) -> None:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(apart.run(first))
        waiting = asyncio.create_task(apart.run(lambda: done.append("waiting")))
        assert await loop.run_in_executor(None, begun.wait, PATIENCE)
        for task in (running, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        go_on.set()
        await apart.run(lambda: done.append("next"))
        assert done == ["first", "next"]

    run(scenario)


class Item(dict[str, Any]):
    """An item that says which thread frees it."""

    freed_by: list[str] = []  # noqa: RUF012 - set by each test

    def __del__(self) -> None:
        self.freed_by.append(threading.current_thread().name)


def held(apart: Apart, items: int, size: int = HUGE_BYTES) -> tuple[Held, dict[str, Any]]:
    Item.freed_by = []
    schema = {str(number): Item() for number in range(items)}
    tools = [{"parameters": {"properties": schema}}]
    body = {"messages": [Item() for _ in range(items)], "tools": tools, "model": "m"}
    return Held(apart, (body,), size), body


def test_what_long_values_have_in_them_is_freed_in_the_thread_once_all_else_is_gone() -> None:
    async def scenario(apart: Apart) -> None:
        await apart.run(gc.isenabled)
        keeping, body = held(apart, 1_001)
        keeping.keep([{"more": [Item()]}])
        body.clear()
        assert Item.freed_by == []
        del keeping
        await apart.run(gc.isenabled)
        assert Item.freed_by == ["large-bodies_0"] * 2_003

    run(scenario)


def test_of_requests_that_are_not_huge_only_long_lists_are() -> None:
    async def scenario(apart: Apart) -> None:
        await apart.run(gc.isenabled)
        keeping, body = held(apart, 101, HUGE_BYTES - 1)
        body.clear()
        assert Item.freed_by == [threading.current_thread().name] * 101
        del keeping
        await apart.run(gc.isenabled)
        assert Item.freed_by[101:] == ["large-bodies_0"] * 101

    run(scenario)


def test_what_is_short_is_not_kept() -> None:
    keeping, body = held(Apart(), 100, HUGE_BYTES - 1)
    body.clear()
    assert len(Item.freed_by) == 200
    del keeping


def test_those_of_a_thread_that_never_was_are_freed_at_once() -> None:
    keeping, body = held(Apart(), 101)
    body.clear()
    del keeping
    assert len(Item.freed_by) == 202


def test_a_thread_that_has_ended_frees_nothing_more() -> None:
    async def scenario(apart: Apart) -> None:
        await apart.run(gc.isenabled)
        keeping, body = held(apart, 200)
        body.clear()
        assert apart._thread is not None
        apart._thread.shutdown()
        del keeping
        assert set(Item.freed_by) == {threading.current_thread().name}

    run(scenario)
