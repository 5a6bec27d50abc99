"""Writes to sockets that become ready in the same turn of the event loop, made one after the other.

A write wakes its reader. One on the same machine falls asleep between two writes, while the
interpreter works on the next request, and if its processor has nothing else to do, it takes an
interrupt to wake that. In a row, only the first write does. Where the processor has other work, or
the reader is elsewhere, writes in a row cost as much as others.

This pays for tasks only, which a turn of the loop runs one after the other: who wakes one that is
going to write adds to `expected`, and the last of them, or the first that follows too late, makes
the writes of all. What nobody follows is written at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from gateway.system.per_loop import PerLoop

MOST: Final = 32
"""Writes that wait, at most; more in a row are no cheaper."""
LONGEST: Final = 0.002
"""Seconds after which no further write is awaited."""

Write = Callable[[Any], None]


class Outbox:
    """The writes that wait for others of their turn, to all sockets of one event loop.

    They keep their order. What else is done to a socket on which one may wait, such as closing it,
    comes after a `flush()`; a task that is started after `put()` runs after the write.
    """

    __slots__ = ("_began", "_calls", "_due", "_scheduled", "_waiting", "expected")

    def __init__(self) -> None:
        self.expected = 0
        """How many tasks were woken that are going to write, since the last write."""
        self._due = 0
        """How many of those that the present turn runs have not yet written."""
        self._waiting: deque[tuple[Write, Any]] = deque()
        self._began = 0.0
        """When the first of those that wait came."""
        self._scheduled = False
        self._calls: list[Callable[[], None]] = []

    def call(self, function: Callable[[], None]) -> None:
        """Call a function that is going to write, after all reads of this turn, as a task would be.

        Reads in a row and calls in a row are a tenth faster than in turn: the kernel and the
        interpreter drive each other out of the processor's caches.
        """
        calls = self._calls
        if not calls:
            asyncio.get_running_loop().call_soon(self._make_calls)
        calls.append(function)

    def _make_calls(self) -> None:
        calls, self._calls = self._calls, []
        calls.reverse()
        try:
            while calls:
                calls.pop()()
        finally:
            if calls:  # one has failed: the others are not lost with it
                for function in reversed(calls):
                    self.call(function)

    def put(self, write: Write, data: Any) -> None:
        """Call `write(data)`: now, or by the beginning of the loop's next turn."""
        waiting, expected = self._waiting, self.expected
        if expected:
            self.expected = 0
            self._due = self._due + expected if waiting else expected
        self._due -= 1
        if waiting:
            waiting.append((write, data))
            is_late = perf_counter() - self._began >= LONGEST
            if self._due <= 0 or len(waiting) >= MOST or is_late:
                self.flush()
        elif self._due <= 0:
            write(data)
        else:
            self._began = perf_counter()
            waiting.append((write, data))
            self._schedule()

    def flush(self) -> None:
        """Make the writes that wait."""
        waiting = self._waiting
        try:
            while waiting:
                write, data = waiting.popleft()
                write(data)
        finally:
            if waiting:  # one has failed: the others are not lost with it
                self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        """Write what still waits: some tasks have not written, or were never going to."""
        self._scheduled = False
        self._due = 0
        self.flush()


OUTBOXES: PerLoop[Outbox] = PerLoop(Outbox)
