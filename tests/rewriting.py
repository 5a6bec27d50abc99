"""Lets each process begin with other test modules, if all are collected.

pytest rewrites the assertions of a module once and keeps the result. On a fresh clone, each process
would do that for all modules by itself, at the same time as the others: 15 seconds of a core each.
"""

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def pytest_collectstart(collector: pytest.Collector) -> None:
    process = os.environ.get("PYTEST_XDIST_WORKER")
    if process is None or not isinstance(collector, pytest.Session):
        return
    if collector.config.args != collector.config.getini("testpaths"):
        return
    modules = sorted(TESTS.rglob("test_*.py"))
    number, of = int(process.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in modules[len(modules) * number // of :]:
        # One that cannot be imported is reported when its turn comes.
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))
