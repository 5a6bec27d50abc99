"""Whether a client has disconnected while its socket is not read.

Without reading, its FIN is not seen: unread bytes come before it. The kernel knows all the same
(`TCP_INFO`, Linux).
"""

import asyncio
import socket

_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1
"""`tcpi_state` of a connection that neither side has closed (linux/tcp.h)."""

CHECK_INTERVAL = 0.5
"""Seconds between two checks of a client whose socket is not read."""


def has_left(transport: asyncio.BaseTransport) -> bool:
    """Return whether the peer has closed or reset the connection; False if that is unknown."""
    connected = transport.get_extra_info("socket")
    if connected is None or _TCP_INFO is None:
        return False
    try:
        state = connected.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
    except OSError:
        return False  # not TCP, or already closed, which the transport reports
    return bool(state != _ESTABLISHED)
