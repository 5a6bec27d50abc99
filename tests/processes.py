"""Real processes of the command line, whose output is read as it comes.

Most are forked (`forked.py`), unless coverage is measured: the CI starts each.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import coverage

from tests.forked import Forked, Program
from tests.without_fast_paths import VARIABLES

PATIENCE = 120.0
"""Seconds until a process that should have ended is given up: a limit, not an expectation."""

MEASURED = coverage.Coverage.current() is not None


def surroundings(**variables: str) -> dict[str, str]:
    """Return this process's environment without what would configure a gateway, and with more."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GATEWAY_") and name != "OPENAI_API_KEY"
    }
    return {**kept, **VARIABLES, **variables}


class GatewayProcess:
    """A running `gateway …`; both of its outputs are one."""

    def __init__(self, process: "subprocess.Popen[str] | Forked") -> None:
        self._process = process
        self.lines: list[str] = []

    def line_with(self, text: str) -> str:
        """Read on until a line has the text; return it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return self.lines[-1]
        raise AssertionError(f"no line with {text!r} in {self.lines}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> set[int]:
        """Return the ids of the processes that it has started."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)],
            check=False,
            capture_output=True,
            text=True,
        )
        return {int(pid) for pid in listed.stdout.split()}

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        assert self._process.stdout is not None
        self.lines += self._process.stdout.read().splitlines()
        return self._process.wait(PATIENCE)


@contextmanager
def gateway_process(*arguments: str, folder: Path, **variables: str) -> Iterator[GatewayProcess]:
    """Run `python -m gateway ARGUMENTS` in `folder` until the block ends."""
    program = Program(("-m", "gateway", *arguments), str(folder), surroundings(**variables))
    with _running(program, starts=MEASURED) as process:
        yield process


_LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
runpy.run_module("gateway", run_name="__main__", alter_sys=True)
"""


@contextmanager
def gateway_with_files(limit: int, *arguments: str, folder: Path) -> Iterator[GatewayProcess]:
    """Run it with a hard limit of open files, never forked."""
    program = Program(("-c", _LIMITED, str(limit), *arguments), str(folder), surroundings())
    with _running(program, starts=True) as process:
        yield process


@contextmanager
def started_gateway(*arguments: str, folder: Path, **variables: str) -> Iterator[GatewayProcess]:
    """Run it, and never fork it: for tests of what a start takes, or a process has for itself."""
    program = Program(("-m", "gateway", *arguments), str(folder), surroundings(**variables))
    with _running(program, starts=True) as process:
        yield process


@contextmanager
def uvicorn_process(*arguments: str, folder: Path, **variables: str) -> Iterator[GatewayProcess]:
    """Run `uvicorn ARGUMENTS` on a free port of 127.0.0.1, in `folder`, until the block ends."""
    at = ("--host", "127.0.0.1", "--port", "0", "--no-access-log", "--no-use-colors")
    program = Program(("-m", "uvicorn", *at, *arguments), str(folder), surroundings(**variables))
    with _running(program, starts=MEASURED) as process:
        yield process


@contextmanager
def script_process(script: str, *, folder: Path) -> Iterator[GatewayProcess]:
    """Run a script that runs parts of the gateway in `folder` until the block ends."""
    with _running(Program(("-c", script), str(folder), surroundings()), starts=MEASURED) as process:
        yield process


@contextmanager
def _running(program: Program, *, starts: bool) -> Iterator[GatewayProcess]:
    with _started(program) if starts else Forked(program) as process:
        try:
            yield GatewayProcess(process)
        finally:
            process.kill()


def _started(program: Program) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *program.arguments],
        cwd=program.folder,
        env=program.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
