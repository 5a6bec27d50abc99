"""Waiting, in a thread, for what another thread brings about."""

import inspect
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


def be_patient() -> None:
    """Let HTTP clients that no test gives a limit wait as long: by themselves, for five seconds."""
    limits = inspect.signature(httpx2.get).parameters["timeout"].default
    limits.connect = limits.read = limits.write = limits.pool = PATIENCE
