"""Which code counts for coverage: what tests do that do the same each time, one part at a time.

Tracing makes Python two to three times as slow. What pytest and the test modules do themselves is
run without, and so is random input, which may not cover tomorrow what it covers today, and whole
programs, which cover all and judge little of it. Imports are traced: definitions are in them.
"""

import importlib
import os
import pkgutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import coverage
import pytest

import gateway

WHOLE_PROGRAMS = frozenset({"clients", "door", "faults", "round_trips"})
"""Folders of tests."""
_IN_PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""What lets processes that are started trace themselves."""


class Tracing:
    """Coverage's trace function where coverage is measured with one; it is off to begin with.

    Python 3.14 measures without, at little cost: there, everything counts.
    """

    def __init__(self) -> None:
        self._traces = coverage.Coverage.current() is not None and sys.gettrace() is not None
        if self._traces:
            _import_all()
            self._function = sys.gettrace()
            self._function_of_threads = threading.gettrace()
            self._processes = os.environ.get(_IN_PROCESSES, "")
            self._turn_off()

    @contextmanager
    def on(self, node: pytest.Item | pytest.Collector) -> Iterator[None]:
        """Trace what runs in the block if this test counts."""
        if not self._traces or not _counts(node):
            yield
            return
        if self._processes:
            os.environ[_IN_PROCESSES] = self._processes
        threading.settrace(self._function_of_threads)
        sys.settrace(self._function)
        try:
            yield
        finally:
            self._turn_off()

    @staticmethod
    def _turn_off() -> None:
        sys.settrace(None)
        threading.settrace(None)
        os.environ.pop(_IN_PROCESSES, None)


def _import_all() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _counts(node: pytest.Item | pytest.Collector) -> bool:
    is_random = getattr(getattr(node, "obj", None), "is_hypothesis_test", False)
    return not is_random and WHOLE_PROGRAMS.isdisjoint(node.path.parts)
