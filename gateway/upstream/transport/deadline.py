"""When the wait for a peer is over. One timer serves all waits of a connection."""

import asyncio
from abc import abstractmethod
from math import inf


class WithDeadline:
    """Something of an event loop that is told when a time has passed.

    A later deadline costs an assignment, because the timer that runs looks at it only when it
    fires.
    """

    __slots__ = ("_timer", "_timer_at", "deadline", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._timer_at = inf
        self.deadline: float | None = None
        """In loop time; None: there is none. An assignment may lift it, or move it to later."""

    def set_deadline(self, when: float | None) -> None:
        """Set, move or lift the deadline (loop time)."""
        self.deadline = when
        if when is not None and when < self._timer_at:
            self._start_timer(when)

    def stop_timer(self) -> None:
        """Lift the deadline for good."""
        self.deadline = None
        self._cancel()
        self._timer_at = -inf  # no deadline is before that

    @abstractmethod
    def deadline_passed(self) -> None:
        """Note that the deadline has passed; it is lifted."""

    def _start_timer(self, when: float) -> None:
        self._cancel()
        self._timer = self.loop.call_at(when, self._look)
        self._timer_at = when

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        self._timer_at = inf
        when = self.deadline
        if when is None:
            return
        if self.loop.time() < when:
            self._start_timer(when)
        else:
            self.deadline = None
            self.deadline_passed()
