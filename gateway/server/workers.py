"""Several processes on the same port: started, restarted when one dies, drained together.

The sockets are bound once, before the first fork; the kernel gives each connection to one of the
processes. Nothing else is shared: each has its own connections, memory and counters.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("gateway")

RESTART_PAUSE = 1.0
"""Seconds between two starts of a worker that dies at once, so that it does not spin."""


class Workers:
    """`count` processes that each run `work`, which serves until SIGTERM and then returns."""

    def __init__(self, count: int, work: Callable[[], None]) -> None:
        self._count = count
        self._work = work
        self._started: dict[int, float] = {}
        self._stopping = False

    def run(self) -> int:
        """Keep them running until SIGTERM or SIGINT, then let them drain; return the exit code."""
        previous = {
            number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            for _ in range(self._count):
                self._start()
            while self._started:
                self._replace_next()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 0

    def _start(self) -> None:
        process = os.fork()
        if process == 0:
            self._be_a_worker()
        self._started[process] = time.monotonic()

    def _be_a_worker(self) -> None:
        """Run the work in the forked process, which ends here and nowhere else."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        code = 1
        try:
            self._work()
            code = 0
        except Exception:
            log.exception("a worker failed")
        finally:
            os._exit(code)

    def _replace_next(self) -> None:
        """Wait for a worker to end; start another in its place, unless all are to end."""
        process, status = os.wait()
        started = self._started.pop(process, None)
        if started is None or self._stopping:
            return
        log.error("worker %d ended (%s); starting another", process, _ending(status))
        if time.monotonic() - started < RESTART_PAUSE:
            time.sleep(RESTART_PAUSE)
        if not self._stopping:
            self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's form
        self._stopping = True
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit code {code}"
