"""The signals of a gateway's processes.

| Signal | Meaning |
|---|---|
| SIGTERM, SIGINT, SIGQUIT | stop: drain, then end with exit code 0; during the start, end at once |
| SIGHUP | reload the configuration; during the start, once that is over |
| SIGUSR2 | hand over to a new program (`hand_over.py`); a worker logs and ignores it |
| SIGUSR1 | logged and ignored |

The same holds for a single process, for the parent of several, and for each of these. The handlers
are those of `ends_on_signals` during the start, from the command line on, of `take_signals` in an
event loop, and of `Inbox` in the parent of several processes.
"""

import contextlib
import logging
import select
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Protocol, TypeVar

_Handler = Callable[[int, FrameType | None], Any]
_Before = _Handler | int | signal.Handlers

log = logging.getLogger("gateway")


def _existing(*names: str) -> tuple[signal.Signals, ...]:
    """Return the signals of these names that the platform has."""
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)


STOP = _existing("SIGTERM", "SIGINT", "SIGQUIT")
RELOAD = _existing("SIGHUP")
HAND_OVER = _existing("SIGUSR2")
IGNORED = _existing("SIGUSR1")
_CHILD = _existing("SIGCHLD")
ALL = (*STOP, *RELOAD, *HAND_OVER, *IGNORED, *_CHILD)
"""Every signal whose handler is set here."""


class Stop:
    """Whether a signal has requested the end during the start, or a reload."""

    def __init__(self) -> None:
        self.requested = False
        self.reload_requested = False
        """Whether the configuration has to be read again, since it was read before the signal."""

    def request(self, *_: object) -> None:
        """Raise `SystemExit`, the first time only: clean-up must not be interrupted."""
        if not self.requested:
            self.requested = True
            raise SystemExit(0)

    def request_reload(self, *_: object) -> None:
        """Note that the configuration has changed."""
        self.reload_requested = True

    def take_reload(self) -> bool:
        """Return whether a reload was requested; the next time, whether it was again."""
        requested, self.reload_requested = self.reload_requested, False
        return requested


@contextlib.contextmanager
def ends_on_signals() -> Iterator[Stop]:
    """Within the block, let `STOP` raise `SystemExit` with code 0, and note `RELOAD`.

    The others do nothing. An exception from a signal handler can get lost (in a finalizer, for
    example), so `Stop` records it too. Outside the main thread, signals are left alone.
    """
    stop = Stop()
    handlers: dict[signal.Signals, _Handler] = {
        **dict.fromkeys(STOP, stop.request),
        **dict.fromkeys(RELOAD, stop.request_reload),
        **dict.fromkeys((*HAND_OVER, *IGNORED), _ignore),
    }
    with contextlib.ExitStack() as stack:
        # Only the main thread can; elsewhere (tests) there are other means.
        with contextlib.suppress(ValueError):
            for number, handler in handlers.items():
                stack.callback(signal.signal, number, _set(number, handler))
        yield stop


def take_signals(
    stop: Callable[[], object],
    reload: Callable[[], object],
    hand_over: Callable[[], object] | None = None,
) -> None:
    """Let the running event loop call these at `STOP`, `RELOAD` and `HAND_OVER`; log `IGNORED`.

    This holds until the loop is closed. Without `hand_over`, its signal is logged, too.
    """
    import asyncio  # a plain start need not wait for it

    loop = asyncio.get_running_loop()
    # Only the main thread can, and not on every platform.
    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
        for number in STOP:
            loop.add_signal_handler(number, stop)
        for number in RELOAD:
            loop.add_signal_handler(number, reload)
        for number in (*HAND_OVER, *IGNORED):
            loop.add_signal_handler(number, log_ignored, number)
        if hand_over is not None:
            for number in HAND_OVER:
                loop.add_signal_handler(number, hand_over)


def log_ignored(number: int) -> None:
    """Log a signal that has no effect."""
    log.warning("%s is ignored: it has no meaning here", signal.Signals(number).name)


R = TypeVar("R", bound="Readable")


class Readable(Protocol):
    """A thing with a file descriptor that can be read."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Inbox:
    """A queue of signals for a process without an event loop, which loses none.

    Create and close it in the main thread. A forked process closes its copy before it unblocks
    signals, which restores the previous handlers.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: _set(number, _ignore) for number in ALL}

    def wait(
        self, seconds: float | None, channels: Sequence[R] = ()
    ) -> tuple[Sequence[int], list[R]]:
        """Wait for signals and for something to read, `seconds` at most; return what arrived."""
        waiting: list[Readable] = [self._reader, *channels]
        ready, _, _ = select.select(waiting, [], [], seconds)
        try:
            numbers: Sequence[int] = self._reader.recv(4096)
        except BlockingIOError:
            numbers = ()
        return numbers, [each for each in channels if each in ready]

    def close(self) -> None:
        """Restore the previous handlers."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()


def _set(number: signal.Signals, handler: _Handler) -> _Before:
    """Set a handler; return the previous one, or the default if Python does not know it."""
    before = signal.signal(number, handler)
    return signal.SIG_DFL if before is None else before


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the signal is handled elsewhere."""
