"""Writes to sockets that become ready in the same turn of the event loop, made one after the other.

A write wakes its reader. One on the same machine falls asleep between two writes, while the
interpreter works on the next request, and if its processor has nothing else to do, it takes an
interrupt to wake that. In a row, only the first write does. Where the processor has other work, or
the reader is elsewhere, writes in a row cost as much as others.

This pays where a turn of the loop does several things one after the other: the calls that it was
asked for (`call`), and tasks. Who wakes a task that is going to write adds to `expected`. The last
one, or the first that follows too late, makes the writes of all. What nobody follows is written at
once.
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

_BETWEEN_LOOKS: Final = 4
"""Writes of calls, which are short, between two looks at the time."""

Write = Callable[[Any], None]


class Outbox:
    """The writes that wait for others of their turn, to all sockets of one event loop.

    They keep their order. What else is done to a socket on which one may wait, such as closing it,
    comes after a `flush()`; a task that is started after `put()` runs after the write.
    """

    __slots__ = ("_began", "_calls", "_due", "_left", "_scheduled", "_waiting", "expected")

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
        self._left: list[Callable[[], None]] | None = None
        """Those of the present turn that are still to be made; None: none is being made."""

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
        self._left, self._began = calls, perf_counter()
        try:
            while calls:
                calls.pop()()
        finally:
            self._left = None
            for function in reversed(calls):  # one has failed: the others are not lost with it
                self.call(function)
            self.flush()

    def put(self, write: Write, data: Any) -> None:
        """Call `write(data)`: now, or by the beginning of the loop's next turn."""
        waiting, left = self._waiting, self._left
        if left is not None:
            waiting.append((write, data))
            if not left or (len(waiting) % _BETWEEN_LOOKS == 0 and self._is_time()):
                self.flush()
            return
        expected = self.expected
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

    def _is_time(self) -> bool:
        """Whether the writes of calls have waited for long enough, or are enough."""
        now = perf_counter()
        if len(self._waiting) < MOST and now - self._began < LONGEST:
            return False
        self._began = now
        return True

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
