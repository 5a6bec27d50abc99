"""Calls a function in a process of its own, whose memory is given back at its end.

Checking a configuration takes pydantic, which takes a fifth of the memory of a gateway that has
started, and which nothing needs afterwards. The function and its arguments go to the other process
by `pickle`, and its result or its `ConfigError` comes back; both processes are this program.
"""

import contextlib
import io
import os
import pickle  # noqa: TID251 - only between this program and its own child
import subprocess
import sys
from collections.abc import Callable
from enum import Enum, EnumType
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar, cast

from gateway import servers
from gateway.config.checks.problems import ConfigError
from gateway.servers import Profile

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Call(Generic[Result]):
    """A call in another process, which runs while this one does something else.

    `function` must be found in its module by its name. Raises `OSError` if there can be no other
    process.
    """

    def __init__(
        self,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **more: Arguments.kwargs,
    ) -> None:
        sent = _dumped((function, arguments, more))
        paths = os.pathsep.join(filter(None, sys.path))
        received, sending = os.pipe()
        os.set_inheritable(received, True)
        with contextlib.suppress(BrokenPipeError), open(sending, "wb") as to_process:
            try:
                # -P: no module comes from the current folder. Standard input and open files are
                # inherited, since the configuration may be one of them: --config <(...).
                self._process = subprocess.Popen(  # noqa: S603 - this program itself
                    [sys.executable, "-P", "-m", __name__, str(received)],
                    stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": paths},
                    close_fds=False,
                    start_new_session=True,  # Ctrl-C is for this process, which reports it
                )
            finally:
                os.close(received)
            to_process.write(sent)

    def result(self) -> Result:
        """Wait for the result, and return it.

        Raises the function's `ConfigError`, and `RuntimeError` if it failed otherwise: standard
        error has the traceback.
        """
        written, _ = self._process.communicate()
        code = self._process.returncode
        if code != 0:
            raise RuntimeError(f"the process that reads the configuration ended with code {code}")
        result = _loaded(written)
        if isinstance(result, ConfigError):
            raise result
        return cast("Result", result)


def start_call(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **more: Arguments.kwargs
) -> Callable[[], Result]:
    """Begin a `Call`; return a function that waits for its result.

    If there can be no other process, that function makes the call in this one.
    """
    try:
        return Call(function, *arguments, **more).result
    except OSError:
        return partial(function, *arguments, **more)


def main() -> None:
    """Serve one call, from the file whose descriptor is the argument to standard output.

    If the caller is gone, perhaps killed, it ends silently.
    """
    out, sys.stdout = sys.stdout.buffer, sys.stderr
    with open(int(sys.argv[1]), "rb") as call:
        sent = call.read()
    if not sent.endswith(pickle.STOP):
        return
    function, arguments, more = _loaded(sent)
    try:
        result = function(*arguments, **more)
    except ConfigError as error:
        result = error
    try:
        out.write(_dumped(result))
        out.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


class _Pickler(pickle.Pickler):
    """Writes profiles by their names: they have functions, and every process has them."""

    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if isinstance(obj, Profile) else None


class _Unpickler(pickle.Unpickler):
    """Reads what this program has written: its own objects, paths, dates, and what JSON has."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _member
        is_own = module.startswith("gateway.") or module.partition(".")[0] == "pathlib"
        if is_own or (module, name) == ("datetime", "date"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a configuration")

    def persistent_load(self, pid: str) -> Profile:
        return servers.profile(pid)


def _member(kind: object, name: str) -> Enum:
    """Return a member of an enumeration: Python before 3.11.4 writes it as an attribute."""
    if isinstance(kind, EnumType) and name in kind.__members__:
        return cast("Enum", kind[name])
    raise pickle.UnpicklingError(f"{name} is not a member of a configuration's enumeration")


def _dumped(value: Any) -> bytes:
    written = io.BytesIO()
    _Pickler(written).dump(value)
    return written.getvalue()


def _loaded(data: bytes) -> Any:
    return _Unpickler(io.BytesIO(data)).load()


if __name__ == "__main__":
    main()
