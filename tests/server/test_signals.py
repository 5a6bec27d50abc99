"""Who has the signals, when; the rest is seen from outside (`test_workers.py`)."""

import os
import signal
import threading

import pytest

from gateway.server.signals import ALL, IGNORED, STOP, Inbox, ends_on_signals


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
            asked.append(stop.asked)
            try:
                signal.raise_signal(number)
            finally:
                # Clean-up is not interrupted again.
                signal.raise_signal(number)
                asked.append(stop.asked)

    with pytest.raises(SystemExit) as ended:
        start()
    assert ended.value.code == 0
    assert asked == [False, True]
    assert handlers() == before


@pytest.mark.parametrize("number", IGNORED)
def test_within_a_start_the_others_do_nothing(number: signal.Signals) -> None:
    with ends_on_signals() as stop:
        signal.raise_signal(number)
        assert not stop.asked


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
        assert list(inbox.wait(0)) == []
        for number in ALL:
            os.kill(os.getpid(), number)
            assert list(inbox.wait(10)) == [number]
        assert list(inbox.wait(0)) == []
    finally:
        inbox.close()
    assert handlers() == before
    assert signal.set_wakeup_fd(-1) == -1
