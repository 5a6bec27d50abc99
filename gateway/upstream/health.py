"""Learns from clients' requests whether an address of an upstream works; it makes none itself.

An address that cannot be connected to, or is loading its model, is *ejected* at once. An address
that fails in another manner is ejected after several failures in a row. When its pause is over, one
request at a time tries it; it is back once one is answered. Each failed trial doubles the pause.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from gateway.errors import Reason

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds without a request after the first failure, and at most."""

FAILURES_IN_A_ROW: Final = 5
"""Failures on open connections that eject an address: a single one may be the request's fault."""

NOT_SENT: Final = frozenset(
    {
        *(Reason.DNS, Reason.REFUSED, Reason.UNREACHABLE, Reason.TLS, Reason.PROXY),
        Reason.CONNECT_TIMEOUT,
    }
)
"""Failures without a connection: the server has nothing of the request."""

_AT_ONCE: Final = NOT_SENT | {Reason.LOADING}
_IN_A_ROW: Final = frozenset(
    {Reason.FIRST_BYTE_TIMEOUT, Reason.CLOSED, Reason.BAD_HTTP, Reason.SERVER_ERROR}
)
_FAULTS: Final = frozenset({500, 502, 503, 504})
"""Statuses of a server, or a front of it, that does not work; others are answers."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class AddressHealth:
    """A look at one address at one moment."""

    address: str
    """The address's base URL."""
    up: bool
    """Whether the address gets requests; False if it is ejected, and only tried."""
    in_flight: int
    idle: int | None
    """Open connections without a request, as in `UpstreamStats`."""
    failures: int
    """Failures since the start, those of look-ups among them."""
    reason: Reason | None
    """The reason of the last failure."""
    retry_in: float
    """Seconds until an ejected address may be tried; 0 for one that is up or tried now."""


class Health:
    """The state of one address. `clock` returns monotonic seconds.

    `changed` is called when the address is ejected, with the reason, and when it is back, with
    None.
    """

    __slots__ = (
        "_changed",
        "_clock",
        "_is_tried",
        "_until",
        "address",
        "failed_at",
        "failures",
        "in_a_row",
        "pause",
        "reason",
    )

    def __init__(
        self,
        address: str,
        changed: Callable[[str, Reason | None], None] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.address = address
        self._changed = changed
        self._clock = clock
        self.pause = 0.0
        """Seconds without requests; 0 while the address is up."""
        self._until = 0.0
        self.in_a_row = 0
        """Failures since the last answer."""
        self.failed_at = -inf
        self.failures = 0
        self.reason: Reason | None = None
        self._is_tried = False
        """Whether a request is trying the address, which is ejected."""

    @property
    def up(self) -> bool:
        """Whether the address gets requests."""
        return not self.pause

    @property
    def is_due(self) -> bool:
        """Whether the address is ejected, and one request may try it."""
        return self.pause > 0 and not self._is_tried and self._clock() >= self._until

    def begin_trial(self) -> bool:
        """Return whether the next call tries the ejected address; its end calls `end_trial`."""
        if not self.pause or not self.is_due:
            return False
        self._is_tried = True
        return True

    def end_trial(self) -> None:
        """Note the end of the call that has tried the address, whatever came of it."""
        self._is_tried = False

    @property
    def retry_in(self) -> float:
        """The seconds until a request may try the address; 0 if it is up."""
        return max(0.0, self._until - self._clock()) if self.pause else 0.0

    def replied(self, status: int) -> None:
        """Note that the head of a reply has arrived."""
        if status in _FAULTS:
            self.failed(Reason.SERVER_ERROR)
            return
        self.in_a_row = 0
        if self.pause:
            self.pause = 0.0
            self._report(None)

    def failed(self, reason: Reason) -> None:
        """Note a failed call; a reason that is not the address's is ignored."""
        if reason not in _AT_ONCE and reason not in _IN_A_ROW:
            return
        self.failures += 1
        self.reason = reason
        self.failed_at = self._clock()
        self.in_a_row += 1
        if self.pause:
            # Requests that were sent before the address was ejected say nothing new.
            if self._is_tried:
                self._eject(min(2 * self.pause, LONGEST_PAUSE))
        elif reason in _AT_ONCE or self.in_a_row >= FAILURES_IN_A_ROW:
            self._eject(FIRST_PAUSE)
            self._report(reason)

    def _eject(self, pause: float) -> None:
        self.pause = pause
        self._until = self.failed_at + pause

    def _report(self, reason: Reason | None) -> None:
        if self._changed is not None:
            self._changed(self.address, reason)
