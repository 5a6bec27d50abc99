"""Figures about one upstream's connections, for the metrics."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamStats:
    """A look at one upstream's connections at one moment."""

    in_flight: int
    """Requests that have a slot: connecting, waiting for a reply, or streaming one."""
    idle: int | None
    """Open connections without a request; None where a library keeps them to itself."""
    queued: int
    """Requests that wait for a slot."""
