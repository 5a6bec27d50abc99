"""The composition root: the only place that builds the layers and joins them."""

import time
from dataclasses import dataclass
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from gateway.admin.counters.metrics import Metrics
from gateway.admin.counters.model_labels import ModelLabels
from gateway.admin.counters.sums import Sums
from gateway.admin.entry.hosts import ASGIApp
from gateway.admin.lazy import LazyApplication
from gateway.admin.overview import Overview
from gateway.api.application import Gateway
from gateway.api.concurrency import Running
from gateway.api.lazy_sessions import LazySessions
from gateway.api.router import Sessions
from gateway.api.services import MakeSessions, MakeTurns, Services
from gateway.config.changes import Operations
from gateway.config.checks.identifying_headers import identifying_names_of_any
from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.exchange.attempt import Attempts
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.legacy.fine_tunes import FineTunes
from gateway.exchange.models.listing import Listing
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.retries import Memory
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.seals import Seals
from gateway.observe.failure_log import FailureLog
from gateway.observe.observer import RequestObserver, reporting, request_log
from gateway.observe.recent import RecentRequests
from gateway.observe.record import RequestSink
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.metadata.lookup_caches import LookupCaches
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.model_notes import ModelNotes
from gateway.resolve.resolver import Resolver
from gateway.server.processes.peers import Peers
from gateway.server.tls import server_context
from gateway.stores.opening import Stores, open_stores
from gateway.stores.sharing import Caches
from gateway.tokenizers import Tokenizers
from gateway.upstream.sender import Upstreams

if TYPE_CHECKING:
    from gateway.observe.tracing.export import Exporting
    from gateway.observe.tracing.tracer import Tracer

_OF_SOCKETS = (
    "gateway.server.websocket.client_socket",
    "gateway.upstream.websocket.open_socket",
)
"""What connections load when they become sockets: in the event loop, unless it is there already."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reload keeps: all that was learned, looked up, stored and counted."""

    peers: Peers
    operations: Operations
    metrics: Metrics
    sums: Sums
    recent: RecentRequests
    failures: FailureLog
    lookup_caches: LookupCaches
    notes: ModelNotes
    memory: Memory
    stores: Stores
    seals: Seals
    responses: ResponseMemory
    exporting: "Exporting | None"
    running: dict[str, Running]


@dataclass(frozen=True, slots=True)
class Application:
    """The built gateway: its two applications, and the services to close at the end.

    `admin` is None if the admin listener is disabled.
    """

    settings: Settings
    gateway: Gateway
    admin: Any
    lookup: Lookup
    resolver: Resolver
    attempts: Attempts
    upstreams: Upstreams
    observer: RequestObserver
    kept: Kept

    def start(self) -> None:
        """Begin what runs beside requests; in the event loop that serves them."""
        self.kept.stores.start()

    def take_over(self) -> None:
        """Show these upstreams' figures and these models, and tell callers apart as these do."""
        self.kept.seals.identifying = identifying_names_of_any(self.settings)
        label, stats = ModelLabels(self.settings, Catalogue.load()).label, self.upstreams.stats
        self.kept.metrics.follow(frozenset(stats()), stats, label)
        self.kept.metrics.addresses = self.upstreams.health

    async def retire(self, following: "Application") -> None:
        """Close what `following` does not use; after the last request of this application."""
        self.observer.flush()
        await self.kept.lookup_caches.settled()
        await self.upstreams.aclose(besides=following.upstreams)

    async def aclose(self) -> None:
        """Stop look-ups, close connections, keep what was counted, log and export the last."""
        self.observer.flush()
        self.kept.sums.close()
        await self.resolver.aclose()
        await self.kept.responses.aclose()
        await self.kept.stores.aclose()
        await self.upstreams.aclose()
        if self.kept.exporting is not None:
            await self.kept.exporting.aclose()


def drawn_secret() -> Secret:
    """Return a random secret for settings without one.

    Processes that serve the same clients must share it: call this before forking.
    """
    return Secret(token_hex(32))


def build(
    settings: Settings, peers: Peers | None = None, before: Application | None = None
) -> Application:
    """Build everything, without opening connections. `peers` are the workers; None: only this.

    What the application `before` has kept, and its senders of upstreams that are the same, are
    taken over. Raises `ValueError` for an unusable template, store or certificate, and for a
    missing extra.
    """
    _compile_templates(settings)
    kept = before.kept if before is not None else _nothing_yet(settings, peers or Peers())
    earlier = before.upstreams if before is not None else None
    upstreams = Upstreams(settings, kept.failures.address_changed, earlier)
    tracer = _tracer(settings, kept.exporting)
    send = tracer.sending(upstreams.send) if tracer is not None else upstreams.send
    observer = _observer(settings, kept, tracer)
    lookup = _lookup(settings, upstreams, observer, kept.lookup_caches)
    endpoints = kept.memory.endpoints
    resolver = Resolver(settings, lookup, endpoints, Catalogue.load(), time.time, kept.notes)
    attempts = _attempts(settings, kept.seals)
    exchange = Exchange(settings, resolver, send, attempts, kept.memory, kept.responses)
    forward = Forwarder(settings, resolver, send, attempts.apart)
    listing = Listing(settings, resolver, forward, upstreams.ask)
    legacy = Legacy(exchange, forward, listing, FineTunes(settings, resolver, send))
    sessions = _sessions(exchange, forward, upstreams, observer)
    answering = exchange, forward, listing, legacy, kept.responses
    services = Services(*answering, observer, tracer, kept.running, sessions, upstreams.at_once)
    gateway = Gateway(settings, services, server_context(settings.server.tls))
    sockets = kept.metrics.sockets
    overview = Overview(settings, kept.peers, kept.recent, upstreams, endpoints, sockets)
    admin = _admin(gateway, settings, (resolver, attempts), kept, overview)
    application = Application(
        settings, gateway, admin, lookup, resolver, attempts, upstreams, observer, kept
    )
    if before is None:
        application.take_over()
    return application


def _sessions(
    exchange: Exchange, forwarder: Forwarder, upstreams: Upstreams, observer: RequestObserver
) -> MakeSessions:
    """Return what makes the sessions of clients' sockets, and loads what they need, when needed."""

    def made(turns: MakeTurns) -> Sessions:
        from gateway.api.sockets import sessions
        from gateway.exchange.sockets.realtime import Realtime
        from gateway.exchange.sockets.upstream_relays import UpstreamRelays

        for name in _OF_SOCKETS:
            import_module(name)
        relays = UpstreamRelays(exchange, upstreams.dial, time.monotonic, observer.lookup_failed)
        realtime = Realtime(exchange.settings, forwarder.destinations, relays.dial, relays.failed)
        return sessions.Sessions(exchange, turns, relays, realtime.open)

    return lambda turns: LazySessions(lambda: made(turns))


def _attempts(settings: Settings, seals: Seals) -> Attempts:
    tokenizers = Tokenizers(settings)
    return Attempts(settings, time.time, tokenizers.detokenizers, tokenizers.counterparts, seals)


def _nothing_yet(settings: Settings, peers: Peers) -> Kept:
    metrics, clock = Metrics(frozenset()), time.monotonic
    memory = Memory(LearnedEndpoints(settings.memory, clock), KnownFixes(settings.memory, clock))
    caches = Caches(memory.endpoints, memory.fixes, clock, settings.memory.ttl)
    stores = open_stores(settings, caches)
    seals = _seals(settings)
    responses = ResponseMemory(stores.responses, seals)
    metrics.stores, metrics.not_stored = stores.up, lambda: responses.not_stored
    return Kept(
        peers,
        Operations(),
        metrics,
        Sums(metrics.families, peers),
        RecentRequests(),
        FailureLog(clock),
        LookupCaches(settings.memory, clock),
        ModelNotes(settings.memory, clock),
        memory,
        stores,
        seals,
        responses,
        _exporting(settings),
        {},
    )


def _observer(settings: Settings, kept: Kept, tracer: "Tracer | None") -> RequestObserver:
    """Return what takes finished requests: metrics, traces, the page, the log."""
    sinks: list[RequestSink] = [] if tracer is None else [tracer]
    if settings.admin.enabled:
        sinks.append(kept.recent)
    return RequestObserver(kept.metrics, kept.failures, sinks, request_log(settings.log))


def _lookup(
    settings: Settings, upstreams: Upstreams, observer: RequestObserver, lookup_caches: LookupCaches
) -> Lookup:
    send = reporting(upstreams.ask, observer.lookup_failed)
    clock, caller = time.monotonic, upstreams.caller
    return Lookup(settings, send, upstreams.fingerprint, clock, caller, lookup_caches)


def _exporting(settings: Settings) -> "Exporting | None":
    """Return what exports spans, if requests are to be traced."""
    if settings.tracing.endpoint is None:
        return None
    try:
        from gateway.observe.tracing.export import Exporting
        from gateway.observe.tracing.otlp import OTLPCollector
    except ImportError:
        raise ValueError(
            "tracing.endpoint needs packages that are not installed: "
            "pip install 'endpoint-gateway[otel]'"
        ) from None
    return Exporting(OTLPCollector(settings.tracing))


def _tracer(settings: Settings, exporting: "Exporting | None") -> "Tracer | None":
    if exporting is None:
        return None
    from gateway.observe.tracing.tracer import Tracer

    return Tracer(settings, exporting)


def _admin(
    gateway: Gateway,
    settings: Settings,
    routing: tuple[Resolver, Attempts],
    kept: Kept,
    overview: Overview,
) -> Any:
    if not settings.admin.enabled:
        return None

    def built() -> ASGIApp:
        from gateway.admin import application
        from gateway.admin.reloading import ReloadControl

        control = ReloadControl(kept.operations.reload, lambda: gateway.draining)
        return application.build(settings, routing, kept.sums, overview, control)

    return LazyApplication(built)


def _seals(settings: Settings) -> Seals:
    secret = settings.secret or drawn_secret()
    return Seals(secret.reveal(), keeps=settings.responses.store is not None)


def _compile_templates(settings: Settings) -> None:
    """Compile templates here, where no request waits: what checked them was another process."""
    for rule in settings.models:
        if rule.template is not None and rule.template.source is not None:
            from gateway.translate.prompt.templates import compile_template

            try:
                compile_template(rule.template.source)
            except ValueError as error:
                where = f'models["{rule.pattern}"].template ({rule.template.path})'
                raise ValueError(f"{where}: {error}") from error
