"""What the kernel knows of a TCP connection and asyncio does not show, and what it does for one."""

import asyncio
import contextlib
import select
import socket
import sys

with contextlib.suppress(ImportError):
    # Not when they are first needed: the process may have no descriptor left by then.
    import fcntl
    import termios

_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1
"""`tcpi_state` of a connection that neither side has closed (linux/tcp.h)."""

_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
_LONGEST = 2**31 - 1
"""Milliseconds that the option takes."""

_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
GONE_SECONDS = 120.0
"""After so long it notices a peer that has disappeared."""
KEEP_ALIVE_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, option, _KEEP_ALIVE[name])
        for name, option in vars(socket).items()
        if name in _KEEP_ALIVE  # not every system has all
    ),
)
"""Options for sockets that may be silent while a model thinks: an empty segment every minute.

Without it, a NAT or firewall in between forgets a silent connection, after four to six minutes in
the clouds, and the reply never arrives (openai-python#3270); Anthropic's SDK sets it for that. A
peer that has disappeared is noticed after two minutes.
"""


def keep_alive(connected: socket.socket) -> None:
    """Set these options of a TCP socket; an accepted one has those of its listener."""
    with contextlib.suppress(OSError):  # it is closed
        for option in KEEP_ALIVE_OPTIONS:
            connected.setsockopt(*option)


def expect_acknowledgements(connected: socket.socket, seconds: float) -> None:
    """Have the kernel end a connection whose peer acknowledges, or takes, nothing for so long.

    Keep-alive segments are not sent while sent bytes are unacknowledged: those are sent again,
    by Linux for a quarter of an hour. As the option takes the place of `TCP_KEEPCNT`, too (tcp(7)),
    a peer is never given less time than that, which one lost segment would use up. Only Linux has
    it.
    """
    if _USER_TIMEOUT is None:
        return
    milliseconds = min(int(1000 * max(seconds, GONE_SECONDS)), _LONGEST)
    with contextlib.suppress(OSError):  # it is closed, or no TCP
        connected.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, milliseconds)


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


def has_left(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer has closed or reset a connection, also after bytes that nobody has read.

    False where the system cannot say: only Linux can (`TCP_INFO`, tcp(7)).
    """
    connected = transport.get_extra_info("socket")
    if connected is None or _TCP_INFO is None:
        return False
    try:
        state = connected.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
    except OSError:
        return False  # not TCP, or already closed, which the transport reports
    return bool(state != _ESTABLISHED)
