"""Has all workers apply a changed configuration: the parent's part.

The parent reads the configuration first, so that an unusable one never reaches a worker. Then each
worker reads it, which must give the same, and replies; the result is reported to all. Processes
that replace a worker meanwhile begin with the configuration that the parent has read.
"""

import time
from collections.abc import Callable
from typing import Any

from gateway.config.changes import ReloadResult
from gateway.config.reading.watch import INTERVAL, Watch
from gateway.server.processes.channel import Channel
from gateway.system.tcp import is_readable

PATIENCE = 60.0
"""Seconds until a worker that does not reply is reported; its tokenizers may be downloaded."""

Check = Callable[[], tuple[str, ReloadResult]]
"""Reads the configuration; returns its digest, and what to report when all workers have it.

The digest is empty if the configuration cannot be used.
"""


class Reloads:
    """The workers of a parent, by process id, and the reload that is going on in them."""

    def __init__(self, check: Check, watch: Watch, report: Callable[[ReloadResult], None]) -> None:
        self._check = check
        self._report = report
        self._watch = watch
        self._next_look = time.monotonic() + INTERVAL
        self._channels: dict[int, Channel] = {}
        self._asked: list[tuple[int, int]] = []
        """Questions that wait for the end of this reload: their process, and number there."""
        self._asked_since: list[tuple[int, int]] = []
        self._again = False
        self._is_checking = False
        self._waiting: set[int] = set()
        self._deadline = 0.0
        self._failures: list[str] = []
        self._result = ReloadResult(done=False, text="")

    @property
    def channels(self) -> list[Channel]:
        """The channels to all workers."""
        return [channel for channel in self._channels.values() if not channel.ended]

    def add(self, process: int, channel: Channel) -> None:
        """Note a worker that has just been started."""
        self._channels[process] = channel

    def remove(self, process: int) -> None:
        """Note a worker that has ended."""
        self._channels.pop(process).close()
        self._took(process)

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()

    def hand_over(self) -> None:
        """Tell the workers that another program has taken over."""
        for channel in self._channels.values():
            channel.send(handed_over=True)

    def begin_soon(self) -> None:
        """Reload at the next `look`."""
        self._again = True

    def begin(self) -> None:
        """Reload, or once more after the reload that is going on."""
        if self._waiting or self._is_checking:
            self._again = True
            return
        self._failures = []
        self._is_checking = True
        digest, self._result = self._check()
        for channel in self.channels:
            self.receive(channel)  # questions that came while the files were read
        self._is_checking = False
        if digest:
            self._waiting = set(self._channels)
            self._deadline = time.monotonic() + PATIENCE
            for channel in self._channels.values():
                channel.send(reload=digest)
        if not self._waiting:
            self._end()

    def receive(self, channel: Channel) -> None:
        """Take the messages of a worker, if there are any."""
        if not is_readable(channel.fileno()):
            return
        process = next(number for number, each in self._channels.items() if each is channel)
        for message in channel.receive():
            self._take(process, message)

    def until_due(self) -> float | None:
        """Return the seconds until `look` has something to do; None if it never has."""
        due = [self._deadline] * bool(self._waiting) + [self._next_look] * self._watch.on
        return max(0.0, min(due) - time.monotonic()) if due else None

    def look(self) -> None:
        """Go on without workers that have not replied in time; reload if that is due."""
        now = time.monotonic()
        if self._waiting and now >= self._deadline:
            for process in sorted(self._waiting):
                self._took(process, f"it has not replied within {PATIENCE:g} s")
        if self._again and not self._waiting:
            self._again = False
            self.begin()
        if self._watch.on and now >= self._next_look:
            self._next_look = now + INTERVAL
            if self._watch.changed() and not self._waiting:
                self.begin()

    def _take(self, process: int, message: dict[str, Any]) -> None:
        if "asks" in message:
            is_busy = self._waiting or self._is_checking
            waiting = self._asked_since if is_busy else self._asked
            waiting.append((process, message["asks"]))
            self.begin()
        else:
            self._took(process, message["failure"])

    def _took(self, process: int, failure: str = "") -> None:
        if process not in self._waiting:
            return
        self._waiting.remove(process)
        if failure:
            self._failures.append(f"worker {process}: {failure}")
        if not self._waiting:
            self._end()

    def _end(self) -> None:
        """Tell all workers how the reload ended; one of them counts it.

        Workers that have asked meanwhile are told, too, if another reload would read the same
        files.
        """
        if self._watch.finds_nothing:
            self._asked, self._asked_since = self._asked + self._asked_since, []
            self._again = False
        done, text = self._result
        if self._failures:
            done, text = False, "\n".join([f"{text}; but not in all workers:", *self._failures])
        self._report(ReloadResult(done=done, text=text))
        counting = min(self._channels, default=0)
        for process, channel in self._channels.items():
            answers = [number for asking, number in self._asked if asking == process]
            channel.send(done=done, text=text, counts=process == counting, answers=answers)
        self._asked, self._asked_since = self._asked_since, []
        if self._again:
            self._again = False
            self.begin()
