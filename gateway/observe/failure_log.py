"""The log of failures: one line a minute for each upstream and reason, with a count.

An upstream that is down fails every request; a line for each would flood the log without saying
more than one does. The metrics count all.
"""

import logging
from collections.abc import Callable
from types import MappingProxyType

from gateway.errors import Reason
from gateway.exchange.decision import UpstreamFailure
from gateway.log_interval import LogInterval

_TEXTS = MappingProxyType(
    {
        Reason.BAD_REPLY: "its reply could not be used",
        Reason.TRUNCATED: "its reply ended early",
        Reason.SERVER_ERROR: "it failed",
        Reason.ERROR_REPLY: "it reported an error in a reply with a success status",
        Reason.RATE_LIMITED: "it rejected a request by its rate limit",
        Reason.KEY_REFUSED: "it rejected the key that the gateway is configured with",
    }
)
"""The texts for reasons whose errors may quote the upstream, and so contain keys and prompts."""

Clock = Callable[[], float]


class FailureLog:
    """Writes the lines. `clock` returns monotonic seconds.

    Memory is bounded by the number of upstreams, addresses, clients and rules, times the number of
    reasons.
    """

    def __init__(self, clock: Clock, log: logging.Logger | None = None) -> None:
        self._clock = clock
        self._log = log or logging.getLogger("gateway")
        self._kinds: dict[tuple[str, str, str], LogInterval] = {}

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """Log a failed upstream call."""
        text = _TEXTS.get(failure.reason)
        if text is None:
            text = failure.message or "no reason given"
        elif failure.status:
            text = f"{text} (status {failure.status})"
        self._write("upstream", failure.upstream, failure.reason, text)

    def address_changed(self, upstream: str, address: str, reason: Reason | None) -> None:
        """Log that one of several addresses is ejected, or (no reason) answers again."""
        if reason is None:
            self._write("address", address, "up", f"upstream {upstream} uses it again")
        else:
            text = f"upstream {upstream} leaves it out until it answers"
            self._write("address", address, reason, text)

    def client_refused(self, client: str, code: str) -> None:
        """Log a request without a valid key, or without permission."""
        self._write("client", client, code, "its request was refused")

    def gateway_failed(self, code: str, message: str) -> None:
        """Log an error of the gateway itself."""
        self._write("gateway", "itself", code, message)

    def rule_misplaced(self, pattern: str, home: str) -> None:
        """Log a rule whose endpoint refuses the model, which answers at `home` instead."""
        text = f"its endpoint refuses the model, which answers at {home}; change the rule"
        self._write("rule", pattern, "endpoint_refused", text)

    def _write(self, what: str, name: str, reason: str, text: str) -> None:
        kind = self._kinds.get((what, name, reason))
        if kind is None:
            kind = self._kinds[what, name, reason] = LogInterval()
        more = kind.next_line(self._clock())
        if more is None:
            return
        self._log.warning(
            "%s %s: %s: %s%s",
            what,
            name,
            reason,
            text,
            more,
            extra={"fields": {what: name, "reason": reason}},
        )
