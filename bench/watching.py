"""A gateway under observation: what it reports of itself, and what the system knows of it."""

import contextlib
import json
import os
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.observed import COLLECT, LOOK
from bench.processes import CONTENDER_CPU, Memory, Process, free_port

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of gateway and source at one moment."""

    tasks: int
    in_flight: int
    queued: int
    idle: int
    """Connections to the source that wait for a request."""
    open_files: int
    memory: Memory
    under_way_at_source: int
    objects: dict[str, int] = field(default_factory=dict)
    """How many that the collector knows, by the names of their types; only after a collection."""
    after_collection: int = 0
    """Resident bytes after it."""
    after_trim: int = 0
    """The same, after the allocator gave back what it held free."""

    @property
    def busy_files(self) -> int:
        """Descriptors without those of idle connections to the source."""
        return self.open_files - self.idle

    @property
    def quiet(self) -> bool:
        """Whether no request is under way."""
        return not (self.in_flight or self.queued or self.under_way_at_source)


class Observed:
    """A gateway in a process of its own, before a source that reports on itself at GET /stats."""

    def __init__(self, folder: Path, config: Path, source_port: int, stack: ExitStack) -> None:
        """Start it; raises `SystemExit` if it does not answer in time."""
        self.port = free_port()
        self.source_port = source_port
        self._told = folder / "observed.json"
        arguments = [str(config), str(self.port), str(self._told)]
        command = [sys.executable, "-m", "bench.observed", *arguments]
        self.process = Process(command, CONTENDER_CPU, folder / "observed.log")
        stack.callback(self.process.stop)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if time.monotonic() > until or not self.process.alive:
                raise SystemExit(f"bench: the gateway does not start:\n{self.log}")
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """All that it has written."""
        return self.process.log.read_text(errors="replace")

    def look(self, *, collect: bool = False) -> Seen:
        """Return what is the case now; with `collect` after its garbage was collected.

        Its memory is looked at before: what only a collection frees has been kept until then.
        Raises `SystemExit` when its event loop does not come round to an answer.
        """
        memory = self.process.memory()
        self._told.unlink(missing_ok=True)
        os.kill(self.process.pid, COLLECT if collect else LOOK)
        until = time.monotonic() + _PATIENCE
        while not self._told.exists():
            if time.monotonic() > until or not self.process.alive:
                raise SystemExit(f"bench: the gateway tells nothing; its log:\n{self.log[-5000:]}")
            time.sleep(0.005)
        return Seen(
            **json.loads(self._told.read_text()),
            open_files=self.process.open_files(),
            memory=memory,
            under_way_at_source=self.source_stats()["under_way"],
        )

    def source_stats(self) -> dict[str, int]:
        """Return what the source tells."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.source_port}/stats") as reply:
            stats: dict[str, int] = json.load(reply)
            return stats

    def settle(self, base: Seen | None, patience: float) -> tuple[float, Seen]:
        """Wait until all is back as in `base` (None: nothing is under way); return the seconds.

        In the end, after `patience`, look all the same.
        """
        began = time.monotonic()
        while True:
            seen = self.look()
            back = seen.quiet and (
                base is None or (seen.tasks <= base.tasks and seen.busy_files <= base.busy_files)
            )
            took = time.monotonic() - began
            if back or took > patience:
                return took, seen
            time.sleep(0.02)

    def rest(self, patience: float) -> Seen:
        """Wait until the idle connections to the source are closed too; look."""
        until = time.monotonic() + patience
        while (seen := self.look()).idle and time.monotonic() < until:
            time.sleep(0.2)
        return seen

    def _answers(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/healthz"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as reply:
            return bool(reply.status == 200)
        return False
