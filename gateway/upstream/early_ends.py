"""Recognises servers that close each connection right after its first answer, unannounced.

HTTP/1.1 lets a server close an idle connection at any time (RFC 9112 section 9.3). A server that
does so after every answer closes it at the very moment at which a busy client writes its next
request. Up to half of the requests are lost like that, and a lost POST must not be sent again
(`delivery.py`). So a connection to such a server is used again only once it has outlived that
moment. If it has, the server keeps connections open now, and all that was learned is forgotten.
"""

from typing import Final

SOON: Final = 0.5
"""An idle connection that ends within so many seconds ends because of its answer."""

_IN_A_ROW: Final = 3
"""How many connections must end like that, with none carrying a second answer meanwhile: a server
that is stopped ends some, too."""

_REMEMBERED: Final = 300.0
"""Seconds after which what was learned needs one more such end: while all connections are in use,
none is idle for long enough to show anything."""


class EarlyEnds:
    """The early ends of connections to one address. Times are in loop time."""

    __slots__ = ("_expiry", "_in_a_row", "_until", "are_likely")

    def __init__(self, keepalive_expiry: float) -> None:
        self._expiry = keepalive_expiry
        self._in_a_row = 0
        self._until = 0.0
        self.are_likely = False
        """Whether the server is taken to end connections early."""

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
        """Whether a connection that has been idle for `idle_for` seconds may be about to end."""
        if not self.are_likely:
            return False
        if now >= self._until:
            self._in_a_row -= 1
            self.are_likely = False
            return False
        return self._is_soon(idle_for)

    def _is_soon(self, idle_for: float) -> bool:
        return idle_for < min(SOON, self._expiry / 2)
