"""Counts the sockets that clients have open, and how the others were closed."""

from collections import defaultdict
from typing import Final

from gateway.sockets import Traffic

_OTHER: Final = "other"
_FIRST, _LAST = 1000, 1015
"""The close codes of RFC 6455; clients can send others, each of which would be a series."""


class SocketCounts:
    """Counts the sockets of one process, by their kind; the gateway calls it."""

    def __init__(self) -> None:
        self.open: defaultdict[str, int] = defaultdict(int)
        self.closed: defaultdict[tuple[str, ...], int] = defaultdict(int)
        """How many were closed, by kind and close code: the first code sent, or 1006 for none."""
        self.traffic: defaultdict[str, Traffic] = defaultdict(Traffic)

    def opened(self, kind: str) -> Traffic:
        """Count a socket as open; return the counter of its bytes."""
        self.open[kind] += 1
        return self.traffic[kind]

    def ended(self, kind: str, code: int) -> None:
        """Count a socket as closed with this code."""
        self.open[kind] -= 1
        self.closed[kind, str(code) if _FIRST <= code <= _LAST else _OTHER] += 1
