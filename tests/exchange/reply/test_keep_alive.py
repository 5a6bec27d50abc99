"""Comments in silent streams: when they are due, by a clock in the test's hand."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.exchange.reply.keep_alive import KeepAlive


def test_a_comment_is_due_whenever_nothing_was_sent_for_an_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        now = [0.0]
        timers: list[tuple[float, asyncio.TimerHandle]] = []

        def call_at(when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
            timers.append((when, asyncio.TimerHandle(when, callback, (), loop)))
            return timers[-1][1]

        def until(time: float) -> None:
            now[0] = time
            while timers and timers[0][0] <= time:
                _, timer = timers.pop(0)
                if not timer.cancelled():
                    timer._run()

        monkeypatch.setattr(loop, "time", lambda: now[0])
        monkeypatch.setattr(loop, "call_at", call_at)
        comments: list[float] = []
        keep_alive = KeepAlive(10, lambda: comments.append(now[0]))
        until(9)
        keep_alive.note()
        until(12)
        assert comments == []
        until(19)
        until(29)
        assert comments == [19, 29]
        keep_alive.stop()
        until(100)
        assert comments == [19, 29]

    asyncio.run(scenario())
