"""A warning that is logged once in a while, however often there is a reason for it."""

import logging
from math import inf

log = logging.getLogger("gateway")

LOG_INTERVAL = 60.0
"""Seconds between two such lines."""


class RareLine:
    """One kind of line; each says how many were left out before it."""

    def __init__(self) -> None:
        self._logged = -inf
        self._omitted = 0

    def warn(self, now: float, text: str, *values: object) -> None:
        """Log a warning, unless the last one is too recent; `now` is loop time."""
        if now - self._logged < LOG_INTERVAL:
            self._omitted += 1
            return
        more = f" ({self._omitted} more since the last such line)" if self._omitted else ""
        self._logged, self._omitted = now, 0
        log.warning(f"{text}%s", *values, more)
