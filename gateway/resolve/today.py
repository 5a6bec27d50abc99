"""The date of today (UTC), by which shutdowns are judged."""

from collections.abc import Callable
from datetime import UTC, date, datetime

WallClock = Callable[[], float]
"""Returns Unix time in seconds."""


def today(wall_clock: WallClock) -> date:
    """Return the date that a clock shows."""
    return datetime.fromtimestamp(wall_clock(), UTC).date()
