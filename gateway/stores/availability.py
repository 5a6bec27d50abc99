"""Whether a shared store can be used: for the metric, the log, and what depends on it."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger("gateway")

INTERVAL = 60.0
"""Seconds between two warnings about a store."""

_PAUSES = (0.1, 0.2, 0.4, 0.8)
_LONGEST_PAUSE = 1.0


class Availability:
    """What fails at a store: `reading` it, `writing` to it.

    `setting` is the key of the configuration that names the store, `effects` what a failure of
    each means to clients. Nothing has failed before the first attempt, but the store is not up
    either.
    """

    def __init__(
        self, setting: str, effects: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._setting = setting
        self._effects = effects
        self._clock = clock
        self._used = False
        self._failing: dict[str, str] = {}
        self._written = float("-inf")
        self._omitted = 0

    @property
    def is_up(self) -> bool:
        """Whether the store works, as far as it was used."""
        return self._used and not self._failing

    def trouble(self, *what: str) -> str | None:
        """Return why one of these fails at the moment."""
        return next((self._failing[each] for each in what if each in self._failing), None)

    def failed(self, what: str, reason: str) -> None:
        """Note a failure, and log it: at once, but no more than a line a minute."""
        self._failing[what] = reason
        now = self._clock()
        if now - self._written < INTERVAL:
            self._omitted += 1
            return
        more = f" ({self._omitted} more since the last such line)" if self._omitted else ""
        self._written, self._omitted = now, 0
        log.warning("%s: %s; %s%s", self._setting, reason, self._effects[what], more)

    def succeeded(self, what: str) -> None:
        """Note a success; the first after failures is logged."""
        self._used = True
        if self._failing.pop(what, None) is not None and not self._failing:
            log.warning("%s: works again", self._setting)
            self._written, self._omitted = float("-inf"), 0


def pauses() -> Iterator[float]:
    """Yield the seconds before each further attempt."""
    return itertools.chain(_PAUSES, itertools.repeat(_LONGEST_PAUSE))
