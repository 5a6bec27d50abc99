"""The three standard streams: who starts a command may have closed them, or filled their disk."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

import click

_STANDARD = range(3)


def open_closed_ones() -> None:
    """Open those that are closed, on nothing.

    Otherwise a socket or a pipe would get such a number, and with it what is meant for a stream.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(opened, True)


@contextmanager
def reported_output() -> Iterator[None]:
    """End a command that cannot write its output with one line, and the exit status 1.

    Click does that without a line where nobody reads any more (`| head -1`).
    """
    given = sys.stdout
    if given is None:
        yield
        return
    output = _Output(given)
    sys.stdout = cast("TextIO", output)
    try:
        yield
    except OSError as error:
        if error is not output.lost:
            raise
        click.echo(f"Error: standard output cannot be written: {error.strerror}", err=True)
        raise SystemExit(1) from None
    finally:
        sys.stdout = given
        if output.lost is not None:
            # Python writes at its end what is left, and would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), given.fileno())


class _Output:
    """A stream that keeps the failure of a write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        with self._watched():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._watched():
            self._stream.flush()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
