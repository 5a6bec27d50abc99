"""How many sockets clients have open, and how those that they had were closed."""

from collections import defaultdict
from typing import Final

_OTHER: Final = "other"
_FIRST, _LAST = 1000, 1015
"""The close codes of RFC 6455; clients can send others, each of which would be a series."""


class SocketCounts:
    """Counts the sockets of one process, by their kind; the gateway calls it."""

    def __init__(self) -> None:
        self.open: defaultdict[str, int] = defaultdict(int)
        self.closed: defaultdict[tuple[str, str], int] = defaultdict(int)
        """By kind and close code: the first one sent, by either side, or 1006 without any."""

    def opened(self, kind: str) -> None:
        """Count a socket as open."""
        self.open[kind] += 1

    def ended(self, kind: str, code: int) -> None:
        """Count one as closed with this code."""
        self.open[kind] -= 1
        self.closed[kind, str(code) if _FIRST <= code <= _LAST else _OTHER] += 1
