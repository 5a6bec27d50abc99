"""Whether a client has left while nothing is read from it.

A socket that is not read from tells nothing: what the client sent last stands before its FIN. The
kernel knows all the same (`TCP_INFO`, Linux).
"""

import asyncio
import socket

_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1
"""`tcpi_state` of a connection of which neither side has ended (linux/tcp.h)."""

LOOK_EVERY = 0.5
"""Seconds between two looks at a client that is not read from."""


def has_left(transport: asyncio.BaseTransport) -> bool:
    """Return whether the peer has closed or reset; False where the system cannot tell."""
    connected = transport.get_extra_info("socket")
    if connected is None or _TCP_INFO is None:
        return False
    try:
        state = connected.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
    except OSError:
        return False  # not TCP, or closed already, which the transport tells
    return bool(state != _ESTABLISHED)
