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
from typing import TYPE_CHECKING

import coverage
import pytest

import gateway

if TYPE_CHECKING:
    from _typeshed import TraceFunction

WHOLE_PROGRAMS = frozenset({"clients", "door", "faults", "round_trips"})
"""Folders of tests."""
_IN_PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""What lets processes that are started trace themselves."""


class Tracing:
    """Coverage's trace function where coverage is measured with one; it is off to begin with.

    Python 3.14 measures without, at little cost: there, everything counts.
    """

    def __init__(self) -> None:
        self._function = sys.gettrace() if coverage.Coverage.current() is not None else None
        self._function_of_threads = threading.gettrace()
        if self._function is not None:
            _import_all()
            _trace(None, None)

    @contextmanager
    def on(self, node: pytest.Item | pytest.Collector) -> Iterator[None]:
        """Trace what runs in the block, and processes that it starts, if this test counts."""
        if self._function is None:
            yield
        elif _counts(node):
            before = sys.gettrace(), threading.gettrace()
            _trace(self._function, self._function_of_threads)
            try:
                yield
            finally:
                _trace(*before)
        else:
            processes = os.environ.pop(_IN_PROCESSES, None)
            try:
                yield
            finally:
                if processes is not None:
                    os.environ[_IN_PROCESSES] = processes


def _trace(function: "TraceFunction | None", of_threads: "TraceFunction | None") -> None:
    sys.settrace(function)
    threading.settrace(of_threads)


def _import_all() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _counts(node: pytest.Item | pytest.Collector) -> bool:
    is_random = getattr(getattr(node, "obj", None), "is_hypothesis_test", False)
    return not is_random and WHOLE_PROGRAMS.isdisjoint(node.path.parts)
