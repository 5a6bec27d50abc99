"""Whether a shared store can be used: for the metric, the log, and what depends on it."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping

from gateway.log_interval import LogInterval

log = logging.getLogger("gateway")

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
        self._interval = LogInterval()

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
        more = self._interval.next_line(self._clock())
        if more is not None:
            log.warning("%s: %s; %s%s", self._setting, reason, self._effects[what], more)

    def succeeded(self, what: str) -> None:
        """Note a success; the first after failures is logged."""
        self._used = True
        if self._failing.pop(what, None) is not None and not self._failing:
            log.warning("%s: works again", self._setting)
            self._interval.reset()


def pauses() -> Iterator[float]:
    """Yield the seconds before each further attempt."""
    return itertools.chain(_PAUSES, itertools.repeat(_LONGEST_PAUSE))
