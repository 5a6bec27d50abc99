"""All configured upstreams behind one `send`."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from gateway.config.settings import Settings, UpstreamSettings
from gateway.errors import Reason, UpstreamTimeout
from gateway.shapes import RawHeaders, UpstreamCall, UpstreamReply
from gateway.upstream.balancer import Balancer, OneAddress, Sender
from gateway.upstream.credentials import Callers, Credentials, fingerprint_key
from gateway.upstream.health import AddressHealth, Health
from gateway.upstream.origin import parse_base_url
from gateway.upstream.pool import Pool
from gateway.upstream.slots import Slots, UpstreamStats

Noticed = Callable[[str, str, Reason | None], None]
"""Takes an upstream's name, one of its addresses, and why it is ejected; None: it is back."""


def _ignore(_upstream: str, _address: str, _reason: Reason | None) -> None:
    """Take note of nothing."""


class Upstreams:
    """Two senders per configured upstream, for the life of the process: for requests, for look-ups.

    The gateway's own pools, or httpx2 where an upstream has a `proxy` or wants `http2`. `noticed`
    is called when one of several addresses is ejected, and when it is back. Nothing is connected
    before the first call. Raises `ValueError` when an upstream's settings cannot be used.
    """

    def __init__(self, settings: Settings, noticed: Noticed = _ignore) -> None:
        own_keys = frozenset(digest for client in settings.clients for digest in client.key_sha256)
        key = fingerprint_key(settings.secret)
        self._credentials = {
            upstream.name: Credentials(upstream, own_keys=own_keys, key=key)
            for upstream in settings.upstreams
        }
        self._callers = Callers(self._credentials.values(), key)
        self._senders = {
            upstream.name: _joined(upstream, self._credentials[upstream.name], noticed)
            for upstream in settings.upstreams
        }
        self._askers = {name: sender.for_look_ups() for name, sender in self._senders.items()}
        self._patience = {each.name: each.timeouts.look_up for each in settings.upstreams}

    def send(self, call: UpstreamCall) -> Coroutine[Any, Any, UpstreamReply]:
        """Send one call to its upstream: the `Send` of `gateway.shapes`.

        Raises `KeyError` for an upstream that is not configured: clients cannot name one.
        """
        return self._senders[call.upstream].send(call)

    async def ask(self, call: UpstreamCall) -> UpstreamReply:
        """Send one call of a look-up: a `Send` that takes nothing from what clients send.

        It has connections of its own, and raises `UpstreamTimeout` where there is no reply within
        `timeouts.look_up` seconds, all phases together. Raises `KeyError` like `send`.
        """
        seconds = self._patience[call.upstream]
        try:
            async with asyncio.timeout(seconds):
                return await self._askers[call.upstream].send(call)
        except TimeoutError:
            raise UpstreamTimeout(
                f"Upstream '{call.upstream}' sent no reply to a look-up within {seconds:g} s.",
                reason=Reason.FIRST_BYTE_TIMEOUT,
            ) from None

    async def failing(self, call: UpstreamCall) -> dict[str, Reason]:
        """Send a look-up to each of several addresses; return why some fail, by base URL.

        An only address is not asked: `ask` shows how it fails. Raises `KeyError`.
        """
        asker = self._askers[call.upstream]
        if isinstance(asker, OneAddress):
            return {}
        return await asker.failing(call, self._patience[call.upstream])

    async def aclose(self) -> None:
        """Close every connection; calls in flight fail."""
        for sender in (*self._askers.values(), *self._senders.values()):
            await sender.aclose()

    def fingerprint(self, upstream_name: str, client_headers: RawHeaders) -> str:
        """Return what distinguishes the credentials that an upstream is called with.

        See `Credentials.fingerprint`. Raises `KeyError`.
        """
        return self._credentials[upstream_name].fingerprint(client_headers)

    def caller(self, client_headers: RawHeaders) -> bytes:
        """Return what distinguishes callers at any upstream; see `Callers.digest`."""
        return self._callers.digest(client_headers)

    def stats(self) -> dict[str, UpstreamStats]:
        """Return the figures of each upstream by its name, look-ups not among them."""
        return {name: sender.stats() for name, sender in self._senders.items()}

    def health(self) -> dict[str, tuple[AddressHealth, ...]]:
        """Return the health of each upstream's addresses, in the order of the configuration.

        `in_flight` and `idle` are without look-ups, `failures` are with them.
        """
        return {name: sender.health() for name, sender in self._senders.items()}


def _joined(
    upstream: UpstreamSettings, credentials: Credentials, noticed: Noticed
) -> OneAddress | Balancer:
    urls = upstream.base_urls
    if len(urls) == 1:
        return OneAddress(Health(urls[0]), _sender(upstream, urls[0], credentials))
    changed = partial(noticed, upstream.name)
    healths = [Health(url, changed) for url in urls]
    make = [partial(_sender, upstream, url, credentials) for url in urls]
    return Balancer(upstream, healths, make)


def _sender(
    upstream: UpstreamSettings, url: str, credentials: Credentials, slots: Slots | None = None
) -> Sender:
    """Return the sender to one address; raises `ValueError` with the upstream's name."""
    try:
        origin = parse_base_url(url)
        if upstream.proxy is not None or upstream.http2:
            # httpx2 takes memory that most gateways have no use for.
            from gateway.upstream.http_client import HttpClient

            return HttpClient(upstream, origin, credentials, slots=slots)
        return Pool(upstream, origin, credentials, slots=slots)
    except ValueError as error:
        if f"'{upstream.name}'" in str(error):
            raise
        raise ValueError(f"upstream '{upstream.name}': {error}") from error
