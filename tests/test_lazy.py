"""What is made lazily is made once, beside the event loop, and tried again after a failure."""

import asyncio
import math
import threading
import time

import pytest

from gateway.lazy import LOADING, Lazy, LazyInBackground
from tests.waiting import wait_until


def test_it_is_made_when_it_is_first_needed_in_another_thread() -> None:
    threads: list[int] = []

    def make() -> list[int]:
        threads.append(threading.get_ident())
        return threads

    async def scenario() -> None:
        lazy = Lazy(make)
        assert threads == []
        assert await lazy.get() is await lazy.get() is threads
        assert len(threads) == 1
        assert threads[0] != threading.get_ident()

    asyncio.run(scenario())


def test_who_needs_it_at_the_same_time_gets_the_same() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    async def scenario() -> None:
        lazy = Lazy(make)
        got = await asyncio.gather(*(lazy.get() for _ in range(3)))
        assert got == made * 3

    asyncio.run(scenario())


def test_one_is_made_after_the_other_and_within_another() -> None:
    """Two threads that import modules of one package at once can get one that is not complete."""
    under_way: list[int] = []
    most: list[int] = []

    def make() -> int:
        with LOADING:  # as a part does that another part needs
            under_way.append(1)
            most.append(len(under_way))
            time.sleep(0)
            under_way.pop()
        return len(most)

    async def scenario() -> None:
        await asyncio.gather(*(Lazy(make).get() for _ in range(20)))

    asyncio.run(scenario())
    assert most == [1] * 20


def test_after_a_failure_it_is_tried_again() -> None:
    failures = [ValueError("not yet")]

    def make() -> str:
        if failures:
            raise failures.pop()
        return "made"

    async def scenario() -> None:
        lazy = Lazy(make)
        with pytest.raises(ValueError, match="not yet"):
            await lazy.get()
        assert await lazy.get() == "made"

    asyncio.run(scenario())


def test_what_others_do_without_is_made_once_meanwhile() -> None:
    may_make, threads = threading.Event(), list[threading.Thread]()

    def make() -> int:
        assert may_make.wait(60)
        threads.append(threading.current_thread())
        return len(threads)

    lazy = LazyInBackground(make)
    lazy.ask()
    lazy.ask()
    assert [lazy.made] == [None]
    may_make.set()
    wait_until(lambda: lazy.made == 1)
    lazy.ask()
    assert [thread.name for thread in threads] == ["lazy"]
    lazy.now()
    assert lazy.made == len(threads) == 2
    assert threads[1] is threading.current_thread()


def test_what_cannot_be_made_is_tried_again_after_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    failures = [ImportError("no such module"), ImportError("no such module")]

    def make() -> str:
        if failures:
            raise failures.pop()
        return "made"

    impatient, patient = LazyInBackground(make, pause=0), LazyInBackground(make)
    patient.ask()
    wait_until(lambda: len(caplog.records) == 1)
    wait_until(lambda: patient._not_before < math.inf)
    patient.ask()
    impatient.ask()
    wait_until(lambda: len(caplog.records) == 2)
    wait_until(lambda: impatient._not_before < math.inf)
    impatient.ask()
    wait_until(lambda: impatient.made == "made")
    assert patient.made is None
    why = "a part of the gateway could not be loaded, and is not used: ImportError: no such module"
    assert caplog.messages == [why, why]


def test_without_a_thread_it_is_not_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lazy = LazyInBackground(object)
    monkeypatch.setattr(threading.Thread, "start", start)
    lazy.ask()
    lazy.ask()
    assert [lazy.made] == [None]
    assert [message.rpartition(": ")[2] for message in caplog.messages] == [
        "no thread can be started for it"
    ]
