"""Programs of the gateway that are forked instead of started: in tests, hundreds are.

To import a gateway takes half a second, and so do the processes that read its configuration. One
process for each that runs tests has imported all and forks itself for every program: what is run
is the same, from the command line on. Tests of the start itself, and the CI, which measures
coverage, start programs as users do (`processes.py`).
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, NoReturn, Self

ROOT = Path(__file__).parents[1]


class Program(NamedTuple):
    """What follows `python` on a command line, and where it runs."""

    arguments: Sequence[str]
    """`-m MODULE …` or `-c SCRIPT …`."""
    folder: str
    environment: Mapping[str, str]


class Forked:
    """A running program that was forked; as much of `subprocess.Popen` as is needed."""

    def __init__(self, program: Program) -> None:
        request, written = os.pipe()
        output, output_of_program = os.pipe()
        status, status_of_program = os.pipe()
        self.stdout = open(output, encoding="utf-8")  # noqa: SIM115 - closed in __exit__
        self._status = open(status, "rb", buffering=0)  # noqa: SIM115 - likewise
        passed = (request, output_of_program, status_of_program)
        socket.send_fds(_socket_of_forks(), [b"f"], passed)
        for descriptor in passed:
            os.close(descriptor)
        with open(written, "w", encoding="utf-8") as file:
            json.dump(program, file)
        self.pid = int(self._status.readline())
        self._code: int | None = None

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        if self._code is None:
            self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal.

        Raises `TimeoutExpired` after so many seconds.
        """
        if self._code is None:
            ready, _, _ = select.select([self._status], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self._code = int(self._status.readline())
        return self._code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.wait()
        self._status.close()


_forks: "subprocess.Popen[bytes] | None" = None
_asking: socket.socket | None = None


def _socket_of_forks() -> socket.socket:
    """Return where forks are asked for; start the process that makes them if there is none yet."""
    global _forks, _asking  # noqa: PLW0603 - one for this process
    if _asking is None:
        _asking, served = socket.socketpair()
        with served:
            _forks = subprocess.Popen(
                [sys.executable, "-m", __name__, str(served.fileno())],
                cwd=ROOT,
                pass_fds=[served.fileno()],
            )
    return _asking


def end() -> None:
    """End the process that makes forks, if there is one; a later program starts another one."""
    global _forks, _asking  # noqa: PLW0603 - one for this process
    if _forks is not None and _asking is not None:
        _asking.close()
        _forks.wait()
        _forks = _asking = None


def _serve(asked: socket.socket) -> Program:
    """Fork for each request; return the program in its process. Ends with who asks."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        data, passed, _, _ = socket.recv_fds(asked, 1, 3)
        if not data:
            raise SystemExit(0)
        if os.fork() == 0:
            asked.close()
            return _watched(*passed)
        for descriptor in passed:
            os.close(descriptor)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _watched(request: int, output: int, status: int) -> Program:
    """Fork once more; return the program in the new process, and report its end in this one."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if process:
        os.close(request)
        os.close(output)
        os.write(status, b"%d\n" % process)
        _, ended = os.waitpid(process, 0)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
        os._exit(0)
    os.close(status)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    with open(request, encoding="utf-8") as file:
        return Program(*json.load(file))


def _run(program: Program) -> None:
    """Run a program in this process as if it had been started."""
    os.chdir(program.folder)
    os.environ.clear()
    os.environ.update(program.environment)
    sys.orig_argv = [sys.executable, *program.arguments]
    kind, name, *arguments = program.arguments
    sys.argv = [kind, *arguments]
    sys.path[0] = program.folder if kind == "-m" else ""
    if kind == "-m":
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        exec(compile(name, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


class ForkedCall:
    """What `gateway.config.reading.child_process` starts, forked: it runs that module's `main`."""

    def __init__(self, command: Sequence[str], **_: object) -> None:
        from gateway.config.reading import child_process

        result, written = os.pipe()
        sys.stderr.flush()
        self.returncode = 0
        self._process = os.fork()
        if self._process == 0:
            os.setsid()
            os.dup2(written, 1)
            _close_what_is_not_inherited()
            sys.argv = list(command[-2:])
            with open(1, "w", closefd=False) as sys.stdout:
                _end_after(child_process.main)
        os.close(written)
        self._result = result

    def communicate(self) -> tuple[bytes, None]:
        with open(self._result, "rb") as file:
            result = file.read()
        _, ended = os.waitpid(self._process, 0)
        self.returncode = os.waitstatus_to_exitcode(ended)
        return result, None


def _close_what_is_not_inherited() -> None:
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            if not os.get_inheritable(int(name)):
                os.close(int(name))


def _end_after(function: Callable[[], None]) -> NoReturn:
    """Call a function and end this process, which another one goes on in."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        function()
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def _import_all() -> None:
    import gateway
    from gateway.config.reading import child_process

    for name in ("uvicorn.main", "uvloop", "asyncio.runners"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    vars(child_process)["subprocess"] = SimpleNamespace(Popen=ForkedCall, PIPE=subprocess.PIPE)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        program = _serve(asked)
    _run(program)
