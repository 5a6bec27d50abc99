"""A gateway that tells what goes on in it, in one line of JSON in a file, when it gets a signal.

    python -m bench.observed CONFIG PORT FILE

`LOOK`: its tasks and slots. `COLLECT`: after a collection of garbage, its objects too, and how much
memory that gave back, and how much the allocator held free. All else is as in `gateway serve`. Run
by the abort bench and the soak, which see sockets and memory from outside, but not tasks and slots.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from gateway import app
from gateway.app import Application
from gateway.config.reading.source import Source
from gateway.config.settings import Settings
from gateway.lifecycle.running import run
from gateway.server.processes.peers import Peers

LOOK, COLLECT = signal.SIGRTMIN, signal.SIGRTMIN + 1
"""Signals that mean nothing to a gateway."""


class _Teller:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._application: Application | None = None

    def build(
        self, settings: Settings, peers: Peers | None = None, before: Application | None = None
    ) -> Application:
        self._application = app.build(settings, peers, before)
        return self._application

    def signalled(self, number: int, _frame: object) -> None:
        """Tell from within the loop: a signal comes between any two steps of anything."""
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._tell, number == COLLECT)

    def _tell(self, collected: bool) -> None:
        assert self._application is not None
        stats = self._application.upstreams.stats().values()
        known: dict[str, object] = {
            "tasks": len(asyncio.all_tasks()),
            "in_flight": sum(each.in_flight for each in stats),
            "queued": sum(each.queued for each in stats),
            "idle": sum(each.idle or 0 for each in stats),
        }
        if collected:
            gc.collect()
            known["after_collection"] = _resident_bytes()
            _trim()
            known["after_trim"] = _resident_bytes()
            known["objects"] = Counter(type(each).__qualname__ for each in gc.get_objects())
        # Written beside and renamed: a reader that waits for the file never reads half of it.
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(known))
        os.replace(beside, self._file)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _trim() -> None:
    """Give back what the allocator holds free, where it knows how (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def main(config: Path, port: int, file: Path) -> int:
    teller = _Teller(file)
    signal.signal(COLLECT, teller.signalled)
    signal.signal(LOOK, teller.signalled)
    source = Source(config, os.environ, {"server.port": port, "server.host": "127.0.0.1"})
    settings, _ = source.begin()()
    return run(source, settings, teller.build)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
