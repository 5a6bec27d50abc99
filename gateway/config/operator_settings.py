"""What operators have: their listener and the log, as used."""

from dataclasses import dataclass
from typing import Literal

from gateway.config.secret import Secret


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The operators' listener."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 9090
    token: Secret | None = None
    allowed_hosts: tuple[str, ...] = ()
    """Host names that the Host header may carry beside this machine's and `host`."""
    tls: bool = False
    """Whether it speaks TLS, with the certificate for clients."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    requests: bool = False
    """Whether each finished request has a line."""


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Where spans of requests are exported to, and for what share of the requests."""

    endpoint: str | None = None
    """The base URL of an OTLP collector; None: nothing is traced."""
    headers: tuple[tuple[str, Secret], ...] = ()
    sample_ratio: float = 1.0
