"""Several processes on the same port: started, restarted when one dies, drained together.

The sockets are bound once, before the first fork; the kernel gives each connection to one of the
processes. Each has its own connections, memory and counters; they ask one another (`peers.py`).

The workers hold one end of a pipe, the parent the other. However the parent ends, SIGKILL included,
its end closes; the workers see that and drain, as on SIGTERM, so none is left with an old
configuration and the port. (`PR_SET_PDEATHSIG`, on Linux, would only add the moments before a new
worker has an event loop.)
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from gateway.server.processes import channel
from gateway.server.processes.channel import Channel
from gateway.server.processes.hand_over import HandOver
from gateway.server.processes.reloads import Reloads
from gateway.server.processes.shares import Share, Shares
from gateway.server.processes.signals import (
    ALL,
    HAND_OVER,
    IGNORED,
    RELOAD,
    STOP,
    Inbox,
    log_ignored,
)

log = logging.getLogger("gateway")

RESTART_PAUSE = 1.0
"""Seconds before a worker that died at once is restarted, so that restarts do not spin."""


class _Started(NamedTuple):
    """A worker, and when it was started, or is to be (monotonic seconds)."""

    at: float
    number: int


class Ties(NamedTuple):
    """The ties between a worker and its parent."""

    gone: int
    """A file descriptor that reads as closed when the parent has ended."""
    channel: Channel
    """The messages of reloads, in both directions."""
    number: int
    """The worker's number, from 0; that of its predecessor if the worker replaces one."""
    share: Share
    """The worker's share of the connections."""


class Workers:
    """`count` processes that each run `work`, and the parent that supervises them.

    `work` serves until SIGTERM, or until the parent is gone, and returns. `release` closes the
    parent's listening sockets at shutdown: an open one would accept connections that nothing
    serves.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Ties], None],
        release: Callable[[], None],
        reloads: Reloads,
        hand_over: HandOver,
    ) -> None:
        self._count = count
        self._work = work
        self._release = release
        self._reloads = reloads
        self._hand_over = hand_over
        self._shares = Shares(count)
        self._started: dict[int, _Started] = {}
        """The running workers, by process id."""
        self._due: list[_Started] = []
        """The workers that are to be started, and from when on."""
        self._stopping = False

    def run(self) -> int:
        """Keep the workers running until a signal, then let them drain; return the exit code.

        Signals are handled between steps, none of which blocks for long.
        """
        self._due = [_Started(time.monotonic(), number) for number in range(self._count)]
        parent_gone, parent_lives = os.pipe()
        inbox = Inbox()
        try:
            while self._started or not self._stopping:
                self._take(inbox)
                self._reap()
                if not self._stopping:
                    self._reloads.look()
                if not self._stopping and self._until_start() == 0:
                    self._start(inbox, parent_gone, parent_lives)
        finally:
            inbox.close()
            self._reloads.close()
            os.close(parent_gone)
            os.close(parent_lives)
        return 0

    def _take(self, inbox: Inbox) -> None:
        """Wait for signals, workers and a new program; handle what has arrived."""
        waiting: list[Channel | HandOver] = [*self._reloads.channels]
        if self._hand_over.is_waiting:
            waiting.append(self._hand_over)
        numbers, arrived = inbox.wait(self._until_due(), waiting)
        for each in arrived:
            if isinstance(each, Channel):
                self._reloads.receive(each)
            elif each.ended():
                self._stopping = True
                self._release()
                self._reloads.hand_over()
        for number in numbers:
            self._handle(number)

    def _until_due(self) -> float | None:
        """Return the seconds until there is something to do; None if nothing is due."""
        if self._stopping:
            return None
        seconds = [self._until_start(), self._reloads.until_due()]
        return min((each for each in seconds if each is not None), default=None)

    def _until_start(self) -> float | None:
        """Return the seconds until the next start of a process; None if none is due."""
        if self._stopping or not self._due:
            return None
        return max(0.0, min(self._due).at - time.monotonic())

    def _start(self, inbox: Inbox, parent_gone: int, parent_lives: int) -> None:
        due = min(self._due)
        self._due.remove(due)
        # A signal must reach the new process with either the old handlers or its own.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ALL)
        mine, theirs = channel.pair()
        try:
            process = os.fork()
            if process == 0:
                mine.close()
                share = self._shares.of(due.number)
                ties = Ties(parent_gone, theirs, due.number, share)
                self._run_worker(ties, inbox, parent_lives, mask)
            self._started[process] = _Started(time.monotonic(), due.number)
            self._reloads.add(process, mine)
        except OSError as error:
            log.warning("a worker could not be started (%s); trying again", error.strerror)
            self._due.append(_Started(time.monotonic() + RESTART_PAUSE, due.number))
            mine.close()
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _run_worker(
        self, ties: Ties, inbox: Inbox, parent_lives: int, mask: set[int | signal.Signals]
    ) -> None:
        """Run `work` in the forked process, which ends here and nowhere else."""
        code = 1
        try:
            inbox.close()
            self._reloads.close()
            os.close(parent_lives)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._work(ties)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except Exception:
            log.exception("a worker failed")
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Collect processes that have ended, and schedule replacements unless stopping."""
        for process, started in list(self._started.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended == 0:
                continue
            del self._started[process]
            self._reloads.remove(process)
            self._shares.leave(started.number)
            if self._stopping:
                continue
            level = logging.ERROR if status else logging.WARNING  # 0: it ended on request
            log.log(level, "worker %d ended (%s); starting another", process, _ending(status))
            now = time.monotonic()
            pause = RESTART_PAUSE if now - started.at < RESTART_PAUSE else 0.0
            self._due.append(_Started(now + pause, started.number))

    def _handle(self, number: int) -> None:
        if number in IGNORED:
            log_ignored(number)
        elif number in RELOAD:
            self._reloads.begin()
        elif number in HAND_OVER:
            self._hand_over.begin()
        elif number in STOP:
            self._stopping = True
            self._release()
            for process in self._started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGTERM)


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit code {code}"
