"""What the kernel knows of a TCP connection and asyncio does not show."""

import contextlib
import select
import sys

with contextlib.suppress(ImportError):
    # Not when they are first needed: the process may have no descriptor left by then.
    import fcntl
    import termios


def unacknowledged_bytes(descriptor: int) -> int:
    """Return how many bytes a TCP socket was given that its peer has not acknowledged.

    0 where the system cannot say: only Linux can (SIOCOUTQ, tcp(7)).
    """
    if sys.platform != "linux":
        return 0
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # the socket is closed
        return 0
    return int.from_bytes(answer, sys.byteorder, signed=True)


def is_readable(descriptor: int) -> bool:
    """Whether something waits to be read from a socket: bytes, its end, or an error."""
    looked_at = select.poll()
    looked_at.register(descriptor, select.POLLIN)
    return bool(looked_at.poll(0))
