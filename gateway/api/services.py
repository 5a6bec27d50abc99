"""The services behind the routes, as the composition root hands them over."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.api.admission import Tracing
from gateway.api.concurrency import Running
from gateway.api.handlers import Handlers
from gateway.api.handshakes import Turns
from gateway.api.router import Sessions
from gateway.exchange.counting import TokenCounter
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.models.listing import Listing
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.repeats import FindsSender, Repeats
from gateway.exchange.stored.compaction import Compactor
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.kept_responses import KeptResponses
from gateway.observe.observer import Observer
from gateway.request import Request

MakeTurns = Callable[[Request], Turns]
"""Returns the turns on the socket of a handshake."""

MakeSessions = Callable[[MakeTurns], Sessions]
"""Makes the sessions of sockets, given what serves the turns of one."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the routes."""

    exchange: Exchange
    forwarder: Forwarder
    listing: Listing
    legacy: Legacy
    responses: ResponseMemory
    observer: Observer
    tracing: Tracing | None = None
    running: dict[str, Running] = field(default_factory=dict)
    """The running requests of clients with a limit, by their names."""
    sessions: MakeSessions | None = None
    """None: no sockets."""
    at_once: FindsSender | None = None
    """Finds what sends without a task; None: all requests have one."""

    def handlers(self, is_draining: Callable[[], bool]) -> Handlers:
        """Return their handlers; `is_draining`: whether the gateway refuses new requests."""
        enabled = self.exchange.settings.performance.fast_paths
        repeats = Repeats(self.exchange, self.at_once) if enabled else None
        return Handlers(
            self.exchange.run if repeats is None else repeats.run,
            self.forwarder,
            self.listing,
            self.legacy,
            KeptResponses(self.responses),
            Compactor(self.exchange, self.forwarder),
            TokenCounter(self.exchange, self.forwarder),
            is_draining,
            repeats if self.at_once is not None else None,
        )
