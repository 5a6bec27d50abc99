"""All configured upstreams behind one `send`, and one `dial`."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.config.settings import CredentialPolicy, Settings, UpstreamSettings
from gateway.errors import Reason, UpstreamTimeout, UpstreamUnavailable
from gateway.shapes import RawHeaders, SendsAtOnce, Shape, UpstreamCall, UpstreamReply
from gateway.sockets import UpstreamSocket
from gateway.upstream.balancer import Balancer
from gateway.upstream.credentials import Callers, Credentials, fingerprint_key
from gateway.upstream.health import AddressHealth, Health
from gateway.upstream.one_address import OneAddress, Sender
from gateway.upstream.origin import parse_base_url
from gateway.upstream.pool import Pool
from gateway.upstream.slots import Slots, UpstreamStats
from gateway.upstream.websocket.addresses import SocketAddress, SocketAddresses
from gateway.upstream.websocket.dialer import SocketDialer

Noticed = Callable[[str, str, Reason | None], None]
"""Takes an upstream's name, one of its addresses, and why that is ejected; None if it is back."""


def _ignore(_upstream: str, _address: str, _reason: Reason | None) -> None:
    """Ignore an ejected address."""


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """The senders of one upstream, and the settings that they were made of."""

    made_of: Hashable
    credentials: Credentials
    sender: OneAddress | Balancer
    asker: OneAddress | Balancer
    messages: OneAddress | None = None
    """The sender to its `messages_url`."""
    sockets: SocketAddresses | None = None
    """The upstream's sockets; None if it is behind a proxy."""


class Upstreams:
    """Two senders per configured upstream: one for requests, one for look-ups.

    They are the gateway's own pools, or httpcore2 if an upstream has a `proxy` or wants `http2`.
    `noticed` is called when one of several addresses is ejected, and when it is back. Senders in
    `before` are taken over if their upstream is unchanged. Nothing is connected before the first
    call.
    Raises `ValueError` when an upstream's settings cannot be used.
    """

    def __init__(
        self, settings: Settings, noticed: Noticed = _ignore, before: "Upstreams | None" = None
    ) -> None:
        own_keys = frozenset(digest for client in settings.clients for digest in client.key_sha256)
        key = fingerprint_key(settings.secret)
        earlier: Mapping[str, Reached] = before.reached if before is not None else {}
        limit = settings.server.max_body_bytes
        self.reached: dict[str, Reached] = {}
        for each in settings.upstreams:
            made_of = _made_of(each, own_keys, limit)
            reached = earlier.get(each.name)
            if reached is None or reached.made_of != made_of:
                credentials = Credentials(each, own_keys=own_keys, key=key)
                reached = _reached(each, credentials, noticed, limit, made_of)
            self.reached[each.name] = reached
        self._credentials = {name: each.credentials for name, each in self.reached.items()}
        self._senders = {name: each.sender for name, each in self.reached.items()}
        self._askers = {name: each.asker for name, each in self.reached.items()}
        self._messages = {n: each.messages for n, each in self.reached.items() if each.messages}
        self.caller = Callers(self._credentials.values(), key).digest
        """Returns bytes that distinguish callers at any upstream, given their header fields."""
        self._patience = {each.name: each.timeouts.look_up for each in settings.upstreams}

    def send(self, call: UpstreamCall) -> Coroutine[Any, Any, UpstreamReply]:
        """Send one call to its upstream: the `Send` of `gateway.shapes`.

        Raises `KeyError` for an upstream that is not configured: clients cannot name one.
        """
        return self._sender(call).send(call)

    def at_once(self, call: UpstreamCall) -> SendsAtOnce | None:
        """Return the sender in two parts for calls like this one; raises `KeyError` like `send`.

        None for an upstream with several addresses: the balancer may need to ask another address.
        """
        sender = self._sender(call)
        return sender if isinstance(sender, OneAddress) else None

    def _sender(self, call: UpstreamCall) -> OneAddress | Balancer:
        if self._messages and call.path.startswith(Shape.MESSAGES.path):
            sender = self._messages.get(call.upstream)
            if sender is not None:
                return sender
        return self._senders[call.upstream]

    async def dial(self, call: UpstreamCall) -> UpstreamSocket:
        """Open a socket at an upstream: the `Dial` of `gateway.sockets`.

        Raises `UpstreamUnavailable` (501) for one behind a proxy, and `KeyError` like `send`.
        """
        sockets = self.reached[call.upstream].sockets
        if sockets is None:
            raise UpstreamUnavailable(
                f"Upstream '{call.upstream}' is reached through a proxy, through which the gateway "
                "opens no WebSockets. Send the request over HTTP.",
                reason=Reason.PROXY,
                status=501,
            )
        return await sockets.dial(call)

    async def ask(self, call: UpstreamCall, seconds: float | None = None) -> UpstreamReply:
        """Send one call of a look-up: a `Send` that takes no slots from clients' requests.

        Look-ups have connections of their own. Raises `UpstreamTimeout` if there is no reply within
        `seconds` (`timeouts.look_up` by default), all phases together, and `KeyError` like `send`.
        """
        seconds = seconds or self._patience[call.upstream]
        try:
            async with asyncio.timeout(seconds):
                return await self._askers[call.upstream].send(call)
        except TimeoutError:
            raise UpstreamTimeout(
                f"Upstream '{call.upstream}' sent no reply to a look-up within {seconds:g} s.",
                reason=Reason.FIRST_BYTE_TIMEOUT,
            ) from None

    async def failing(self, call: UpstreamCall, seconds: float) -> dict[str, Reason]:
        """Send a look-up to each of several addresses; return why some fail, by base URL.

        Each may take `seconds`. An only address is not asked: `ask` shows how it fails.
        Raises `KeyError`.
        """
        asker = self._askers[call.upstream]
        if isinstance(asker, OneAddress):
            return {}
        return await asker.failing(call, seconds)

    async def aclose(self, besides: "Upstreams | None" = None) -> None:
        """Close every connection, except those of senders that `besides` has taken over.

        Calls in flight on closed connections fail.
        """
        kept = besides.reached.values() if besides is not None else ()
        for each in self.reached.values():
            if each not in kept:
                await each.asker.aclose()
                await each.sender.aclose()
                if each.messages is not None:
                    await each.messages.aclose()
                if each.sockets is not None:
                    await each.sockets.aclose()

    def fingerprint(self, upstream_name: str, client_headers: RawHeaders) -> str:
        """Return the fingerprint of the credential that an upstream is called with.

        See `Credentials.fingerprint`. Raises `KeyError`.
        """
        return self._credentials[upstream_name].fingerprint(client_headers)

    def stats(self) -> dict[str, UpstreamStats]:
        """Return the figures of each upstream by its name, look-ups not among them."""
        return {name: sender.stats() for name, sender in self._senders.items()}

    def health(self) -> dict[str, tuple[AddressHealth, ...]]:
        """Return the health of each upstream's addresses, in the order of the configuration.

        `in_flight` and `idle` are without look-ups, `failures` are with them.
        """
        return {name: sender.health() for name, sender in self._senders.items()}


def _made_of(upstream: UpstreamSettings, own_keys: frozenset[str], limit: int) -> Hashable:
    """Return everything that senders depend on, the content of files for TLS too.

    The gateway's own keys matter only where callers' credentials are forwarded.
    """
    withheld = own_keys if upstream.credential is CredentialPolicy.CALLER else frozenset()
    named = [upstream.verify] if isinstance(upstream.verify, str) else []
    if upstream.tls is not None:
        named += [upstream.tls.certificate, upstream.tls.key]
    contents = []
    for name in named:
        # The sender itself raises the error for a file that cannot be read.
        with contextlib.suppress(OSError):
            contents.append(hashlib.sha256(Path(name).read_bytes()).digest())
    return upstream, withheld, tuple(contents), limit


def _reached(
    upstream: UpstreamSettings,
    credentials: Credentials,
    noticed: Noticed,
    limit: int,
    made_of: Hashable,
) -> Reached:
    """Return the senders of an upstream; `limit` is the most bytes of a message on a socket."""
    urls = upstream.base_urls
    changed = partial(noticed, upstream.name) if len(urls) > 1 else None
    healths = [Health(url, changed) for url in urls]
    sender = _joined(upstream, credentials, healths)
    sockets = None
    if upstream.proxy is None:
        dialers = [SocketDialer(upstream, parse_base_url(u), credentials, limit) for u in urls]
        sockets = SocketAddresses(
            [SocketAddress(*each) for each in zip(healths, dialers, strict=True)]
        )
    messages = _messages_sender(upstream, credentials)
    return Reached(made_of, credentials, sender, sender.for_look_ups(), messages, sockets)


def _joined(
    upstream: UpstreamSettings, credentials: Credentials, healths: Sequence[Health]
) -> OneAddress | Balancer:
    if len(healths) == 1:
        return OneAddress(healths[0], _sender(upstream, healths[0].address, credentials))
    make = [partial(_sender, upstream, each.address, credentials) for each in healths]
    return Balancer(upstream, healths, make)


def _messages_sender(upstream: UpstreamSettings, credentials: Credentials) -> OneAddress | None:
    url = upstream.messages_url
    if not url:
        return None
    return OneAddress(Health(url), _sender(upstream.with_anthropics_paths, url, credentials))


def _sender(
    upstream: UpstreamSettings, url: str, credentials: Credentials, slots: Slots | None = None
) -> Sender:
    """Return the sender to one address; raises `ValueError` with the upstream's name."""
    try:
        origin = parse_base_url(url)
        if upstream.proxy is not None or (upstream.http2 and origin.scheme == "https"):
            # httpcore2 takes memory that most gateways have no use for.
            from gateway.upstream.proxied.http_client import HttpClient

            return HttpClient(upstream, origin, credentials, slots=slots)
        return Pool(upstream, origin, credentials, slots=slots)
    except ValueError as error:
        if f"'{upstream.name}'" in str(error):
            raise
        raise ValueError(f"upstream '{upstream.name}': {error}") from error
