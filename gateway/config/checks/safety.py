"""Checks across keys: what a valid configuration must not do.

A gateway that would spend its own keys for anyone who reaches it, or hand a client's gateway key
to an upstream, is refused at start, as are contradictory keys. `doubts.py` has the warnings.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import product

from gateway.config.checks import stores
from gateway.config.checks.addresses import host_of, is_loopback, path_of, port_of, reaches
from gateway.config.checks.own_keys import holds_key
from gateway.config.checks.problems import InvalidValue, KeyPath, missing_extra, show_key
from gateway.config.operator_settings import AdminSettings
from gateway.config.schema.params import changed_twice
from gateway.config.settings import CredentialPolicy, Settings, UpstreamSettings

MIN_SECRET_LENGTH = 32
"""Characters of `secret`: 128 bits, written in hexadecimal."""

MIN_TOKEN_LENGTH = 16
"""Characters of an `admin.token` beyond loopback: 64 bits, written in hexadecimal."""


_OTEL = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
"""Parts of the packages that traces need: other programs may have brought others."""

Reaches = Callable[[str, str], bool]
"""(host to connect to, host of a listener) → whether the first leads to the second."""


def refusals(
    settings: Settings, leads_to: Reaches = reaches
) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield every reason not to start, with the key it is about.

    `leads_to` decides which addresses are the gateway's own; by default it judges by the texts.
    """
    yield from _open_gateway(settings)
    yield from _forwarded_gateway_keys(settings)
    yield from _addresses_of_kinds(settings)
    yield from _missing_http2(settings)
    yield from _missing_otel(settings)
    yield from rule_refusals(settings)
    yield from param_conflicts(settings)
    yield from _loops(settings, leads_to)
    yield from stores.refusals(settings)
    if settings.secret is not None and len(settings.secret.reveal()) < MIN_SECRET_LENGTH:
        yield (
            ("secret",),
            InvalidValue(
                f"has fewer than {MIN_SECRET_LENGTH} characters, which can be guessed",
                "generate a random one: openssl rand -hex 32",
            ),
        )
    admin, server = settings.admin, settings.server
    if not admin.enabled:
        return
    if not is_loopback(admin.host):
        yield from _unguarded(admin)
    if admin.tls and server.tls is None:
        yield ("admin", "tls"), InvalidValue("has no certificate", "add server.tls")
    if (admin.host, admin.port) == (server.host, server.port) and admin.port != 0:
        yield ("admin", "port"), InvalidValue("is the server's own port", "use another one")


def rule_refusals(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield those of the reasons that are about single rules for models."""
    yield from _redirects(settings)
    yield from _rewritten_names(settings)


def param_conflicts(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield the parameters that a rule changes in two ways, whatever else the rule says."""
    for rule in settings.models:
        if (params := rule.params) is not None:
            for fault in changed_twice(params.set, params.default, params.drop):
                yield ("models", rule.pattern, "params"), fault


def _unguarded(admin: AdminSettings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    if admin.token is None:
        yield (
            ("admin", "host"),
            InvalidValue("is beyond loopback without an admin.token", "set admin.token"),
        )
    elif len(admin.token.reveal()) < MIN_TOKEN_LENGTH:
        yield (
            ("admin", "token"),
            InvalidValue(
                f"has fewer than {MIN_TOKEN_LENGTH} characters, which can be guessed, and "
                "admin.host is beyond loopback",
                "generate a random one: openssl rand -hex 32",
            ),
        )


def _open_gateway(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    server = settings.server
    if is_loopback(server.host) or settings.clients or server.allow_anonymous:
        return
    holders = [upstream.name for upstream in settings.upstreams if holds_key(upstream)]
    if holders:
        names = ", ".join(show_key(name) for name in holders)
        yield (
            ("server", "host"),
            InvalidValue(
                f"is beyond loopback: anyone who reaches it could spend the keys of {names}",
                "add clients, listen on 127.0.0.1, or set server.allow_anonymous: true",
            ),
        )


def _forwarded_gateway_keys(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    if not settings.clients:
        return
    for upstream in settings.upstreams:
        if upstream.credential == CredentialPolicy.CALLER:
            yield (
                ("upstreams", upstream.name, "credential"),
                InvalidValue(
                    "is caller (the default of the first upstream without an api_key), but with "
                    "clients the caller's key is a key of this gateway",
                    "set api_key, or credential: none",
                ),
            )


def _addresses_of_kinds(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    for upstream in settings.upstreams:
        for key, url in addresses(upstream):
            fault = upstream.kind.path_fault(path_of(url))
            if fault is not None:
                yield key, InvalidValue(*fault)


def _missing_http2(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    for upstream in settings.upstreams:
        if upstream.http2 and is_encrypted(upstream) and find_spec("h2") is None:
            yield ("upstreams", upstream.name, "http2"), missing_extra("http2")


def _missing_otel(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    if settings.tracing.endpoint is not None and not all(map(_is_installed, _OTEL)):
        yield ("tracing", "endpoint"), missing_extra("otel")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


def is_encrypted(upstream: UpstreamSettings) -> bool:
    """Whether one of its addresses is reached over TLS."""
    return any(url.startswith("https://") for _, url in addresses(upstream))


def _loops(settings: Settings, leads_to: Reaches) -> Iterator[tuple[KeyPath, InvalidValue]]:
    server, admin = settings.server, settings.admin
    listeners = [("the gateway itself", server.host, server.port)]
    if admin.enabled:
        listeners.append(("the gateway's admin listener", admin.host, admin.port))
    for upstream in settings.upstreams:
        places = addresses(upstream)
        if upstream.proxy is not None:
            # The gateway connects to the proxy; the upstream is the concern of the proxy.
            places = [(("upstreams", upstream.name, "proxy"), upstream.proxy.reveal())]
        for (key, url), (what, host, port) in product(places, listeners):
            if port_of(url) == port and leads_to(host_of(url), host):
                advice = "write the address of the server behind it"
                yield key, InvalidValue(f"is {what}", advice)


def addresses(upstream: UpstreamSettings) -> list[tuple[KeyPath, str]]:
    """Return each address of an upstream with its key."""
    key = ("upstreams", upstream.name, "base_url")
    places: list[tuple[KeyPath, str]] = [(key, upstream.base_url)]
    if upstream.further_urls:
        places = [((*key, position), url) for position, url in enumerate(upstream.base_urls)]
    if upstream.messages_url is not None:
        places.append((("upstreams", upstream.name, "messages_url"), upstream.messages_url))
    return places


def _redirects(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    redirect = dict(settings.retired.redirect)
    exact = {rule.pattern for rule in settings.models if not rule.is_glob}
    for old, new in redirect.items():
        place = ("retired", "redirect", old)
        if new == old or new in redirect:
            yield (
                place,
                InvalidValue(
                    "leads to a name that is redirected itself; redirects are not chained",
                    "write the last name",
                ),
            )
        if old in exact:
            yield place, InvalidValue("is a name under models too", "remove one of the two")


def _rewritten_names(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    for rule in settings.models:
        if rule.model is None or not rule.rewrites:
            continue
        place = ("models", rule.pattern, "model")
        if rule.model.count("*") > 1:
            yield place, InvalidValue("has more than one *", "keep one: what NAME's * matched")
        elif rule.pattern.count("*") != 1 or any(c in rule.pattern for c in "?["):
            yield (
                place,
                InvalidValue(
                    "has a *, which stands for what the * of the name matched, but the name has "
                    "not exactly one * and no other wildcard",
                    'write both with one *, like "openai/*": {model: "*"}, or the model without',
                ),
            )
