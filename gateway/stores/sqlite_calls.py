"""The calls of one SQLite connection: in a thread of their own, one at a time, each for a while."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

_Result = TypeVar("_Result")

_STEPS = 50_000
"""Instructions of SQLite's after which it is asked whether to go on: some milliseconds."""


class _Call:
    """A call and its outcome; `is_given_up`: nobody waits for it any more."""

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.outcome: asyncio.Future[Any] = loop.create_future()
        self.is_given_up = False

    def end(self, result: object, error: Exception | None) -> None:
        """Hand the outcome from the thread to the loop, unless that has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.settle, result, error)

    def settle(self, result: object, error: Exception | None) -> None:
        """Set the outcome, unless there is one already."""
        if self.outcome.done():
            return
        if error is None:
            self.outcome.set_result(result)
        else:
            self.outcome.set_exception(error)


class SqliteCalls:
    """Runs calls in a thread, because SQLite blocks.

    A call whose time is over is interrupted: nothing goes on after it, and its transaction is
    rolled back. The thread does not hold up the end of the process.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._waiting: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._is_stopped = False
        self._lock = Lock()
        """Guards `_running`, so that no other call is interrupted."""
        self._running: _Call | None = None
        # An interrupt has no effect between two statements, of which a call can have many.
        database.set_progress_handler(self._is_over, _STEPS)

    async def run(self, work: Callable[[], _Result], patience: float) -> _Result:
        """Return what the work returns, and raise what it raises.

        Raises `TimeoutError` after `patience` seconds, with the wait for the calls before it. A
        cancelled call is not begun; if it has begun, it ends within its time.
        """
        if self._is_stopped:
            raise sqlite3.ProgrammingError("the file is closed")
        loop = asyncio.get_running_loop()
        call = _Call(work, loop)
        timer = loop.call_later(patience, self._give_up, call)

        def ended(outcome: asyncio.Future[Any]) -> None:
            timer.cancel()
            outcome.exception()  # marks it as seen: a caller that was cancelled does not look

        call.outcome.add_done_callback(ended)
        self._waiting.put(call)
        if self._thread is None:
            self._thread = Thread(target=self._perform_all, name="sqlite", daemon=True)
            self._thread.start()
        try:
            result: _Result = await asyncio.shield(call.outcome)
        except asyncio.CancelledError:
            with self._lock:
                call.is_given_up = self._running is not call
            raise
        return result

    def stop(self) -> None:
        """End the thread after the calls that it has."""
        self._is_stopped = True
        self._waiting.put(None)

    def _give_up(self, call: _Call) -> None:
        with self._lock:
            call.is_given_up = True
            if self._running is call:
                with contextlib.suppress(sqlite3.ProgrammingError):  # it is being closed
                    self._database.interrupt()
        call.settle(None, TimeoutError())

    def _is_over(self) -> bool:
        running = self._running
        return running is not None and running.is_given_up

    def _perform_all(self) -> None:
        while (call := self._waiting.get()) is not None:
            with self._lock:
                if call.is_given_up:
                    continue
                self._running = call
            try:
                result, failure = call.work(), None
            except Exception as error:  # noqa: BLE001 - the caller raises it
                result, failure = None, error
            with self._lock:
                self._running = None
            call.end(result, failure)
            # What it has worked on is not kept until the next call.
            del call, result, failure
