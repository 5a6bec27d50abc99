"""The composition root: the only place that builds the layers and joins them."""

import time
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from gateway.admin.hosts import ASGIApp
from gateway.admin.late import LateApplication
from gateway.admin.metrics import Metrics
from gateway.admin.model_labels import ModelLabels
from gateway.admin.overview import Overview
from gateway.admin.sums import Sums
from gateway.api.application import Gateway, Services
from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.exchange.attempt import Attempts
from gateway.exchange.flow import Exchange
from gateway.exchange.known_fixes import KnownFixes
from gateway.exchange.legacy.dispatch import Legacy
from gateway.exchange.legacy.fine_tunes import FineTunes
from gateway.exchange.models.listing import Listing
from gateway.exchange.passthrough.forward import Passing
from gateway.exchange.retries import Memory
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.seals import Seals
from gateway.observe.failure_log import FailureLog
from gateway.observe.observer import RequestObserver, reporting
from gateway.observe.recent import RecentRequests
from gateway.observe.record import RecordObserver
from gateway.observe.request_log import RequestLog
from gateway.observe.tracing.export import Exporting
from gateway.observe.tracing.tracer import Tracer
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import Resolver
from gateway.server.peers import Peers
from gateway.shapes import Send
from gateway.stores.opening import Stores, open_stores
from gateway.stores.sharing import Caches
from gateway.tokenizers import Tokenizers
from gateway.upstream.sender import Upstreams


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
    responses: ResponseMemory
    stores: Stores
    sums: Sums
    tracer: Tracer | None = None

    def start(self) -> None:
        """Begin what runs beside requests; in the event loop that serves them."""
        self.stores.start()

    async def aclose(self) -> None:
        """Stop look-ups, close connections, keep what was counted, and export the last spans."""
        self.sums.close()
        await self.resolver.aclose()
        await self.responses.aclose()
        await self.stores.aclose()
        await self.upstreams.aclose()
        if self.tracer is not None:
            await self.tracer.aclose()


def drawn_secret() -> Secret:
    """Return a random secret for settings without one.

    Processes that serve the same clients must share it: call this before forking.
    """
    return Secret(token_hex(32))


def build(settings: Settings, peers: Peers | None = None) -> Application:
    """Build everything, without opening connections. `peers` are the workers; None: only this.

    Raises `ValueError` for an unusable template or store, and for a missing extra.
    """
    _check_templates(settings)
    failures = FailureLog(time.monotonic)
    upstreams = Upstreams(settings, failures.address_changed)
    metrics = _metrics(settings, upstreams)
    peers, recent = peers or Peers(), RecentRequests()
    sums = Sums(metrics.families, peers)
    tracer, send = _traced(settings, upstreams.send)
    observer = RequestObserver(metrics, failures, _record_observers(settings, tracer, recent))
    lookup = _lookup(settings, upstreams, observer)
    memory, stores = _memory(settings)
    resolver = Resolver(settings, lookup, memory.endpoints, Catalogue.load(), time.time)
    seals = _seals(settings)
    attempts = _attempts(settings, seals)
    responses = ResponseMemory(stores.responses, seals)
    metrics.watch_stores(stores.up, lambda: responses.not_stored)
    exchange = Exchange(settings, resolver, send, attempts, memory, responses)
    passing = Passing(settings, resolver, send)
    listing = Listing(settings, resolver, passing, upstreams.ask)
    legacy = Legacy(exchange, passing, listing, FineTunes(settings, resolver, send))
    services = Services(exchange, passing, listing, legacy, responses, observer, tracer)
    gateway = Gateway(settings, services)
    overview = Overview(settings, peers, recent, upstreams, memory.endpoints)
    return Application(
        settings,
        gateway,
        _admin(gateway, settings, (resolver, attempts), sums, overview),
        lookup,
        resolver,
        attempts,
        upstreams,
        responses,
        stores,
        sums,
        tracer,
    )


def _metrics(settings: Settings, upstreams: Upstreams) -> Metrics:
    model_label = ModelLabels(settings, Catalogue.load()).label
    metrics = Metrics(frozenset(upstreams.stats()), upstreams.stats, model_label)
    metrics.watch_addresses(upstreams.health)
    return metrics


def _attempts(settings: Settings, seals: Seals) -> Attempts:
    tokenizers = Tokenizers(settings)
    return Attempts(settings, time.time, tokenizers.detokenizers, tokenizers.counterparts, seals)


def _record_observers(
    settings: Settings, tracer: Tracer | None, recent: RecentRequests
) -> list[RecordObserver]:
    """Return what takes the records of requests beside the metrics."""
    observers: list[RecordObserver] = [] if tracer is None else [tracer]
    if settings.admin.enabled:
        observers.append(recent)
    return [*observers, RequestLog(settings.log)] if settings.log.requests else observers


def _memory(settings: Settings) -> tuple[Memory, Stores]:
    """Return what is learned, and the stores that share it."""
    memory = Memory(
        LearnedEndpoints(settings.memory, time.monotonic),
        KnownFixes(settings.memory, time.monotonic),
    )
    caches = Caches(memory.endpoints, memory.fixes, time.monotonic, settings.memory.ttl)
    return memory, open_stores(settings, caches)


def _lookup(settings: Settings, upstreams: Upstreams, observer: RequestObserver) -> Lookup:
    send = reporting(upstreams.ask, observer.lookup_failed)
    return Lookup(settings, send, upstreams.fingerprint, time.monotonic, upstreams.caller)


def _traced(settings: Settings, send: Send) -> tuple[Tracer | None, Send]:
    """Return the tracer, if there is to be one, and what sends calls with it."""
    if settings.tracing.endpoint is None:
        return None, send
    try:
        from gateway.observe.tracing.otlp import OTLPCollector
    except ImportError:
        raise ValueError(
            "tracing.endpoint needs packages that are not installed: "
            "pip install 'endpoint-gateway[otel]'"
        ) from None
    tracer = Tracer(settings, Exporting(OTLPCollector(settings.tracing)))
    return tracer, tracer.sending(send)


def _admin(
    gateway: Gateway,
    settings: Settings,
    routing: tuple[Resolver, Attempts],
    sums: Sums,
    overview: Overview,
) -> Any:
    if not settings.admin.enabled:
        return None

    def built() -> ASGIApp:
        from gateway.admin import application

        return application.build(settings, routing, sums, overview, lambda: gateway.draining)

    return LateApplication(built)


def _seals(settings: Settings) -> Seals:
    secret = settings.secret or drawn_secret()
    return Seals(secret.reveal(), keeps=settings.responses.store is not None)


def _check_templates(settings: Settings) -> None:
    for rule in settings.models:
        if rule.template is not None and rule.template.source is not None:
            from gateway.translate.prompt.templates import compile_template

            try:
                compile_template(rule.template.source)
            except ValueError as error:
                where = f'models["{rule.pattern}"].template ({rule.template.path})'
                raise ValueError(f"{where}: {error}") from error
