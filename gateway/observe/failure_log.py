"""The log of what failed: one line a minute for each upstream and reason, with a count.

An upstream that is down fails every request; a line for each would drown the log, and tell no more
than one. What is left out is counted, and said by the next line of its kind: there is no timer, so
after the last line nothing is said until it happens again. The metrics count all.
"""

import logging
from collections.abc import Callable
from types import MappingProxyType

from gateway.errors import Reason
from gateway.exchange.decision import UpstreamFailure

INTERVAL = 60.0
"""Seconds between two lines of one kind."""

_WORDS = MappingProxyType(
    {
        Reason.BAD_REPLY: "it answered with something that cannot be used",
        Reason.TRUNCATED: "it broke off a reply before its end",
        Reason.SERVER_ERROR: "it failed",
        Reason.ERROR_REPLY: "it told of an error in a reply that should have been a success",
        Reason.RATE_LIMITED: "it refused a request as one too many",
        Reason.KEY_REFUSED: "it refused the key that the gateway is configured with",
    }
)
"""For reasons whose errors may quote the upstream: its words can hold keys and prompts."""

Clock = Callable[[], float]


class _Kind:
    """The lines of one kind: when the last was written, and how many were left out since."""

    __slots__ = ("left_out", "written")

    def __init__(self, written: float) -> None:
        self.written = written
        self.left_out = 0


class FailureLog:
    """Writes the lines. `clock` gives seconds that never go back.

    It remembers no more than the names of upstreams, clients and rules, times the reasons: closed
    sets all.
    """

    def __init__(self, clock: Clock, log: logging.Logger | None = None) -> None:
        self._clock = clock
        self._log = log or logging.getLogger("gateway")
        self._kinds: dict[tuple[str, str, str], _Kind] = {}

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """Take note of a call that an upstream failed."""
        said = _WORDS.get(failure.reason)
        if said is None:
            said = failure.message or "no reason given"
        elif failure.status:
            said = f"{said} (status {failure.status})"
        self._write("upstream", failure.upstream, failure.reason, said)

    def client_refused(self, client: str, code: str) -> None:
        """Take note of a client that had no valid key, or may not do what it asked for."""
        self._write("client", client, code, "its request was refused")

    def gateway_failed(self, code: str, message: str) -> None:
        """Take note of an error of the gateway's own."""
        self._write("gateway", "itself", code, message)

    def rule_misplaced(self, pattern: str, home: str) -> None:
        """Take note of a rule whose endpoint refuses the model, which answers at `home` instead."""
        said = f"its endpoint refuses the model, which answers at {home}; change the rule"
        self._write("rule", pattern, "endpoint_refused", said)

    def _write(self, what: str, name: str, reason: str, said: str) -> None:
        now = self._clock()
        kind = self._kinds.get((what, name, reason))
        more = ""
        if kind is None:
            self._kinds[what, name, reason] = _Kind(now)
        elif now - kind.written < INTERVAL:
            kind.left_out += 1
            return
        else:
            if kind.left_out:
                more = f" ({kind.left_out} more since the last such line)"
            kind.written, kind.left_out = now, 0
        self._log.warning(
            "%s %s: %s: %s%s",
            what,
            name,
            reason,
            said,
            more,
            extra={"fields": {what: name, "reason": reason}},
        )
