"""Waiting, in a thread, for what another thread brings about."""

import inspect
import sys
import time
from collections.abc import Callable

import httpx2

PATIENCE = 25.0
"""Seconds until what should come is given up: a limit, not an expectation.

A busy machine stops a process for seconds; the gateway itself gives up later (30 s and more).
"""


def wait_until(happens: Callable[[], bool]) -> None:
    """Wait until it has happened; fails when it does not."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.005)


_LIMITS = (
    "gateway.system.host_name.RENEWAL",
    "gateway.checks.local_addresses.PATIENCE",
    "gateway.observe.tracing.export.FLUSH_SECONDS",
    "gateway.resolve.names.suggestions._PATIENCE",
    "gateway.server.processes.channel._PATIENCE",
    "gateway.server.processes.peers.PATIENCE",
    "gateway.stores.redis_findings.PATIENCE",
    "gateway.stores.redis_server.PATIENCE",
    "gateway.stores.redis_server._CONNECT_SECONDS",
    "gateway.stores.sharing._FAREWELL",
    "gateway.stores.sqlite_file._PATIENCE",
    "gateway.upstream.loading._PATIENCE",
)
"""After one to five seconds, the gateway goes on without what it waits for. A test that is about
one of them sets it; in all others, it would only be met because the machine is busy."""


def be_patient() -> None:
    """Let HTTP clients that no test gives a limit wait as long: by themselves, for five seconds.

    So do the parts of the gateway that have been imported in this process.
    """
    limits = inspect.signature(httpx2.get).parameters["timeout"].default
    limits.connect = limits.read = limits.write = limits.pool = PATIENCE
    for limit in _LIMITS:
        module, _, name = limit.rpartition(".")
        if module in sys.modules:
            setattr(sys.modules[module], name, PATIENCE)
