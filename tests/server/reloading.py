"""Reloads without files, and parents without processes."""

from gateway.config.changes import ReloadResult
from gateway.config.reading.source import Source
from gateway.config.reading.watch import Watch
from gateway.server.processes.reloads import Reloads


def no_reloads() -> Reloads:
    """Reloads for workers that never get one."""
    watch = Watch(Source(None, {}), on=False)
    return Reloads(lambda: ("", ReloadResult(done=False, text="")), watch, lambda _: None)
