"""Hands the listening sockets over to a new program, as nginx does at SIGUSR2.

The new program inherits the sockets, so no connection is refused: whichever process accepts a
connection from the queue serves it. Once the new program serves, it says so through a pipe, and the
old one stops accepting. If the new program ends before that, nothing has changed.
"""

import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import NamedTuple

log = logging.getLogger("gateway")

VARIABLE = "ENDPOINT_GATEWAY_HANDED_OVER"
"""Names the inherited descriptors to the new program."""


Listening = tuple[str, str, int]
"""A listener's name, and its host and port as configured."""


class Inherited(NamedTuple):
    """The sockets and the pipe that a program got from its predecessor."""

    sockets: Mapping[Listening, socket.socket]
    pipe: int | None
    """The pipe that the first serving process writes to; None without a predecessor."""

    def serves(self) -> None:
        """Tell the predecessor that this program serves."""
        if self.pipe is not None:
            # Another process may have told it already, and it may have ended.
            with contextlib.suppress(OSError):
                os.write(self.pipe, b"1")


def inherited(environ: MutableMapping[str, str]) -> Inherited:
    """Take the sockets and the pipe of a predecessor from the environment, if there is one."""
    text = environ.pop(VARIABLE, "")
    if not text:
        return Inherited({}, None)
    written = json.loads(text)
    found: dict[Listening, socket.socket] = {}
    for name, host, port, descriptor in written["sockets"]:
        found[name, host, port] = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)
    os.set_inheritable(written["pipe"], False)
    return Inherited(found, written["pipe"])


class HandOver:
    """Starts new programs with these sockets, one at a time."""

    def __init__(self, listeners: Sequence[Listening], listening: Sequence[socket.socket]) -> None:
        self._listening = list(zip(listeners, listening, strict=True))
        self._process = 0
        self._pipe = -1
        self._has_ended = False
        """Whether a new program serves: the sockets are its own then, even if still open here."""

    @property
    def is_waiting(self) -> bool:
        """Whether a new program has been started that does not serve yet."""
        return self._pipe >= 0

    def fileno(self) -> int:
        """Return the descriptor to wait for while `is_waiting`."""
        return self._pipe

    def begin(self) -> None:
        """Start the program with which this process was started, as it is on disk now."""
        if self.is_waiting:
            log.warning("SIGUSR2: the new program has already been started")
            return
        if self._has_ended or any(each.fileno() < 0 for _, each in self._listening):
            log.warning("SIGUSR2 is ignored: this process has stopped listening")
            return
        try:
            self._start()
        except OSError as error:
            log.warning("the new program could not be started: %s", error.strerror)

    def _start(self) -> None:
        reading, writing = os.pipe()
        passed = [each.fileno() for _, each in self._listening] + [writing]
        handed = {
            "sockets": [[*listener, each.fileno()] for listener, each in self._listening],
            "pipe": writing,
        }
        command = [sys.executable, *sys.orig_argv[1:]]
        try:
            for descriptor in passed:
                os.set_inheritable(descriptor, True)
            environ = {**os.environ, VARIABLE: json.dumps(handed)}
            self._process = os.posix_spawn(command[0], command, environ)
        except OSError:
            os.close(reading)
            raise
        finally:
            for descriptor in passed:
                os.set_inheritable(descriptor, False)
            os.close(writing)
        self._pipe = reading
        log.info("process %d has been started to take over", self._process)

    def ended(self) -> bool:
        """Return whether the new program serves, now that there is something to read."""
        serves = bool(os.read(self.fileno(), 1))
        os.close(self.fileno())
        self._pipe = -1
        if serves:
            self._has_ended = True
            log.info("process %d serves; this one ends with its last request", self._process)
            return True
        os.waitpid(self._process, 0)
        log.error("the new program has exited, its output says why; this one continues")
        return False
