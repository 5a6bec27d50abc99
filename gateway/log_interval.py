"""One line a minute of a kind, however often there is a reason for it.

What is left out is counted, and the next line has the count. There is no timer, so the count is
logged with the next reason only.
"""

from math import inf

LOG_INTERVAL = 60.0
"""Seconds between two lines of one kind."""


class LogInterval:
    """When a line of one kind was logged last, and how many were left out since."""

    __slots__ = ("_logged", "_omitted")

    def __init__(self) -> None:
        self._logged = -inf
        self._omitted = 0

    def next_line(self, now: float) -> str | None:
        """Return what ends the line that is to be logged; None: it is left out.

        That is how many were left out before it, or nothing. `now` is in seconds, of any clock that
        never goes back.
        """
        if now - self._logged < LOG_INTERVAL:
            self._omitted += 1
            return None
        more = f" ({self._omitted} more since the last such line)" if self._omitted else ""
        self._logged, self._omitted = now, 0
        return more

    def reset(self) -> None:
        """Let the next line be logged, whenever it comes, and forget what was left out."""
        self._logged, self._omitted = -inf, 0
