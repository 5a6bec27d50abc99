"""Names the modules of tests that failed, for a second try (`make suite SECOND_TRY=1`).

Thousands of tests with processes and sockets run side by side. One that loses a race there says
more of itself than of a change, so the CI runs its module again, alone: what fails for a reason
fails again. pytest's own `--last-failed` does not know rows that are one test (`tests/rows.py`).
"""

from pathlib import Path

import pytest

MODULES = 3
"""How many modules may fail and be tried again: more are not an accident."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--failed-modules", type=Path, metavar="FILE", help="where to write which modules failed"
    )


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--failed-modules")
    # A process of pytest-xdist reports to the one that has the terminal.
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailedModules(file))


class FailedModules:
    """Writes the paths of modules with failures, a line each, if a second try makes sense."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._failed: dict[str, None] = {}
        self._readable = True
        file.unlink(missing_ok=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the module of a test that failed."""
        if report.failed:
            self._failed[report.nodeid.partition("::")[0]] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that a module cannot be read, which is not an accident."""
        self._readable &= not report.failed

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the file after a session in which tests failed, and nothing else did."""
        failures_only = self._readable and exitstatus == pytest.ExitCode.TESTS_FAILED
        if failures_only and len(self._failed) <= MODULES:
            self._file.write_text("".join(f"{module}\n" for module in self._failed))
