"""Waiting, in a thread, for what another thread brings about."""

import time
from collections.abc import Callable

PATIENCE = 10.0
"""Seconds until what should come is given up: a limit, not an expectation."""


def wait_until(happens: Callable[[], bool]) -> None:
    """Wait until it has happened; fails when it does not."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.005)
