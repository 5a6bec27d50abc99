"""Which servers end each connection right after its first answer, without a word about it.

HTTP/1.1 lets a server close an idle connection at any time (RFC 9112 section 9.3). One that does so
after every answer closes it at the very moment at which the next request of a busy client is
written: up to half of them are lost so, and a POST that is lost must not be sent again
(`delivery.py`). So connections of such a server are used again only once they have outlived the
moment. One that does shows that the server keeps connections open now, and the rest is forgotten.
"""

from typing import Final

SOON: Final = 0.5
"""Seconds: an idle connection that ends within them ends because of its answer."""

_IN_A_ROW: Final = 3
"""Connections that have ended so, and none has carried a second answer meanwhile: servers that are
stopped end some, too."""

_REMEMBERED: Final = 300.0
"""Seconds after which one more such end is waited for: while all connections are in use, none is
idle for long enough to show anything."""


class EarlyEnds:
    """What is known of one address. Times are the loop's."""

    __slots__ = ("_expiry", "_in_a_row", "_until", "are_likely")

    def __init__(self, keepalive_expiry: float) -> None:
        self._expiry = keepalive_expiry
        self._in_a_row = 0
        self._until = 0.0
        self.are_likely = False
        """Whether any may come at all."""

    def ended(self, answers: int, idle_for: float, now: float) -> None:
        """Note that the server has ended a connection that was to be used again."""
        if answers == 1 and self._is_soon(idle_for):
            self._in_a_row = min(self._in_a_row + 1, _IN_A_ROW)
            self.are_likely = self._in_a_row == _IN_A_ROW
            self._until = now + _REMEMBERED

    def outlived(self) -> None:
        """Note that the server has kept a connection open after its first answer."""
        self._in_a_row = 0
        self.are_likely = False

    def may_come(self, idle_for: float, now: float) -> bool:
        """Whether a connection that has been idle for so long may be about to end so."""
        if not self.are_likely:
            return False
        if now >= self._until:
            self._in_a_row -= 1
            self.are_likely = False
            return False
        return self._is_soon(idle_for)

    def _is_soon(self, idle_for: float) -> bool:
        return idle_for < min(SOON, self._expiry / 2)
