"""Who has the signals, when; the rest is seen from outside (`test_workers.py`)."""

import asyncio
import os
import signal
import threading

import pytest

from gateway.server.processes.channel import pair
from gateway.server.processes.signals import (
    ALL,
    HAND_OVER,
    IGNORED,
    RELOAD,
    STOP,
    Inbox,
    ends_on_signals,
    take_signals,
)
from tests.upstream.scripted import until
from tests.waiting import PATIENCE


def handlers() -> dict[signal.Signals, object]:
    return {number: signal.getsignal(number) for number in ALL}


@pytest.mark.parametrize("number", STOP)
def test_within_a_start_a_signal_to_stop_is_an_end_with_success_once(
    number: signal.Signals,
) -> None:
    before = handlers()
    asked: list[bool] = []

    def start() -> None:
        with ends_on_signals() as stop:
            asked.append(stop.requested)
            try:
                signal.raise_signal(number)
            finally:
                # Clean-up is not interrupted again.
                signal.raise_signal(number)
                asked.append(stop.requested)

    with pytest.raises(SystemExit) as ended:
        start()
    assert ended.value.code == 0
    assert asked == [False, True]
    assert handlers() == before


@pytest.mark.parametrize("number", [*HAND_OVER, *IGNORED])
def test_within_a_start_the_others_do_nothing(number: signal.Signals) -> None:
    with ends_on_signals() as stop:
        signal.raise_signal(number)
        assert not stop.requested
        assert not stop.take_reload()


@pytest.mark.parametrize("number", RELOAD)
def test_within_a_start_a_reload_is_noted(number: signal.Signals) -> None:
    with ends_on_signals() as stop:
        signal.raise_signal(number)
        assert not stop.requested
        assert stop.take_reload()
        assert not stop.take_reload()


def test_in_another_thread_signals_are_left_alone() -> None:
    seen: list[object] = []
    before = handlers()

    def start() -> None:
        with ends_on_signals():
            seen.append(handlers())

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert seen == [before]


def test_an_inbox_has_the_signals_in_order_and_gives_them_back() -> None:
    before = handlers()
    inbox = Inbox()
    try:
        assert list(inbox.wait(0)[0]) == []
        for number in ALL:
            os.kill(os.getpid(), number)
            assert list(inbox.wait(PATIENCE)[0]) == [number]
        assert list(inbox.wait(0)[0]) == []
    finally:
        inbox.close()
    assert handlers() == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("number", STOP)
def test_in_a_loop_a_signal_asks_for_the_end(number: signal.Signals) -> None:
    async def scenario() -> None:
        asked, reloads = asyncio.Event(), asyncio.Event()
        take_signals(asked.set, reloads.set)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(asked.wait(), PATIENCE)

    asyncio.run(scenario())


@pytest.mark.parametrize("number", RELOAD)
def test_in_a_loop_a_signal_asks_for_a_reload(number: signal.Signals) -> None:
    async def scenario() -> None:
        asked, reloads = asyncio.Event(), asyncio.Event()
        take_signals(asked.set, reloads.set)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(reloads.wait(), PATIENCE)
        assert not asked.is_set()

    asyncio.run(scenario())


def test_an_inbox_waits_for_channels_too() -> None:
    inbox = Inbox()
    one, other = pair()
    try:
        assert inbox.wait(0, [one]) == ((), [])
        other.send(hello=1)
        assert inbox.wait(10, [one]) == ((), [one])
    finally:
        inbox.close()
        one.close()
        other.close()


def test_in_a_loop_the_others_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        asked, reloads = asyncio.Event(), asyncio.Event()
        take_signals(asked.set, reloads.set)
        for number in (*HAND_OVER, *IGNORED):
            os.kill(os.getpid(), number)
        await until(lambda: len(caplog.messages) == 2)
        assert not asked.is_set()

    asyncio.run(scenario())
    assert sorted(caplog.messages) == [
        "SIGUSR1 is ignored: it has no meaning here",
        "SIGUSR2 is ignored: it has no meaning here",
    ]


def test_a_loop_in_another_thread_leaves_signals_alone() -> None:
    before = [signal.getsignal(number) for number in ALL]

    async def scenario() -> None:
        take_signals(lambda: None, lambda: None)

    thread = threading.Thread(target=asyncio.run, args=(scenario(),))
    thread.start()
    thread.join(PATIENCE)
    assert [signal.getsignal(number) for number in ALL] == before


@pytest.mark.parametrize("number", HAND_OVER)
def test_in_a_loop_a_signal_asks_for_a_hand_over(number: signal.Signals) -> None:
    async def scenario() -> None:
        asked = asyncio.Event()
        take_signals(lambda: None, lambda: None, asked.set)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(asked.wait(), PATIENCE)

    asyncio.run(scenario())
