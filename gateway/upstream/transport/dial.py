"""Opening connections: name resolution, every address of the name, TLS."""

import asyncio
import os
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.ip_addresses import is_ip
from gateway.lazy import Lazy
from gateway.system.host_name import HostName
from gateway.system.tcp import keep_alive
from gateway.upstream.origin import Origin
from gateway.upstream.transport.client_tls import (
    certificate_refused,
    client_context,
    failed_handshake,
    suspect_certificate,
    suspect_handshake,
)
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.exhaustion import exhaustion, without_a_socket

LAST_SECONDS = 300.0
"""How long an address that has failed is tried after the others of its name."""

ProtocolType = TypeVar("ProtocolType", bound=asyncio.BaseProtocol)


def _reading(upstream: UpstreamSettings) -> Callable[[], ssl.SSLContext]:
    """Return a function that returns the TLS context.

    Files that the settings name are read at once, since they may be wrong.
    """
    if not isinstance(upstream.verify, str) and upstream.tls is None:
        return partial(_with_systems_cas, upstream)
    context = _for_http1(upstream)
    return lambda: context


def _with_systems_cas(upstream: UpstreamSettings) -> ssl.SSLContext:
    """Return a context with the system's CAs; raises `OSError` if no file can be opened now.

    Otherwise OpenSSL would do without CAs, for good.
    """
    lack = without_a_socket()
    if lack is not None:
        raise lack
    return _for_http1(upstream)


def _for_http1(upstream: UpstreamSettings) -> ssl.SSLContext:
    context = client_context(upstream)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Dialer:
    """Opens connections to one address of an upstream.

    Raises `ValueError` when its TLS settings cannot be used.
    """

    def __init__(self, upstream: UpstreamSettings, origin: Origin) -> None:
        self._upstream = upstream
        self._name = upstream.name
        self._origin = origin
        self._timeout = upstream.timeouts.connect
        named = not is_ip(origin.host)
        self._host_name = HostName(origin.host, origin.port) if named else None
        self._failed: dict[str, float] = {}
        """Addresses of the name that have failed, each with the loop time until it comes last."""
        self._tls: Lazy[ssl.SSLContext] | None = None
        if origin.scheme == "https":
            self._tls = Lazy(_reading(upstream))

    async def connect(self, make_protocol: Callable[[], ProtocolType]) -> ProtocolType:
        """Return a connected protocol, TLS included.

        The name is resolved each time, once for all that connect at the same moment. Its addresses
        are tried in order; each gets an equal share of the time that is left, so that a dead
        address cannot use up all of it. An address that has failed lately is tried last, so that it
        does not cost each connection its share. Raises `UpstreamUnavailable`; cancelling leaves no
        connection open.
        """
        loop = asyncio.get_running_loop()
        tls = await self._context()
        end = loop.time() + self._timeout
        addresses = self._in_order(await self._resolve(), loop.time())
        failure: BaseException = OSError("the name has no address")
        for position, address in enumerate(addresses):
            share = (end - loop.time()) / (len(addresses) - position)
            try:
                async with asyncio.timeout(share):
                    return await self._connect_to(address, tls, make_protocol)
            except OSError as error:  # TimeoutError and ssl.SSLError are among its children
                failure = error
                self._failed[address] = loop.time() + LAST_SECONDS
        try:
            raise (
                exhaustion(self._name, failure)
                or certificate_refused(self._name, failure)
                or self._unavailable(failure)
            ) from failure
        finally:
            del failure  # its traceback keeps this frame, and with it the request

    def suspect(self, error: UpstreamError, connection: Connection) -> None:
        """Add a guess to the error for a new connection that has ended without a reply."""
        if self._tls is not None:
            age = connection.loop.time() - connection.born
            suspect_certificate(error, self._upstream, age)

    async def _context(self) -> ssl.SSLContext | None:
        try:
            return None if self._tls is None else await self._tls.get()
        except OSError as error:
            raise exhaustion(self._name, error) or self._unavailable(error) from error

    async def _resolve(self) -> list[str]:
        if self._host_name is None:
            return [self._origin.host]
        try:
            return await self._host_name.addresses(self._timeout)
        except OSError as error:
            raise exhaustion(self._name, error) or UpstreamUnavailable(
                f"The host name of upstream '{self._name}' cannot be resolved; check its base_url "
                "and the DNS.",
                reason=Reason.DNS,
            ) from error

    def _in_order(self, addresses: list[str], now: float) -> list[str]:
        if not self._failed:
            return addresses
        known = set(addresses)
        lately = {each for each, until in self._failed.items() if each in known and until > now}
        self._failed = {each: self._failed[each] for each in lately}
        return sorted(addresses, key=lately.__contains__)

    async def _connect_to(
        self, address: str, tls: ssl.SSLContext | None, make_protocol: Callable[[], ProtocolType]
    ) -> ProtocolType:
        transport, protocol = await asyncio.get_running_loop().create_connection(
            make_protocol,
            address,
            self._origin.port,
            ssl=tls,
            server_hostname=self._origin.host if tls else None,
        )
        keep_alive(transport.get_extra_info("socket"))
        return protocol

    def _unavailable(self, failure: BaseException) -> UpstreamUnavailable:
        if isinstance(failure, ssl.SSLError):
            reason, why = Reason.TLS, failed_handshake(failure)
        elif isinstance(failure, TimeoutError):
            reason = Reason.CONNECT_TIMEOUT
            why = f"no connection within {self._timeout:g} s (timeouts.connect)"
        elif isinstance(failure, ConnectionRefusedError):
            reason = Reason.REFUSED
            why = "the connection was refused; check its base_url and that it is running"
        else:
            reason, why = Reason.UNREACHABLE, f"no connection ({_description(failure)})"
        error = UpstreamUnavailable(
            f"Upstream '{self._name}' cannot be reached: {why}.", reason=reason
        )
        suspect_handshake(error, [failure], self._upstream)
        return error


def _description(failure: BaseException) -> str:
    """Return the system's words for an error, which name no address, or else its class."""
    number = failure.errno if isinstance(failure, OSError) else None
    return os.strerror(number) if number else type(failure).__name__
