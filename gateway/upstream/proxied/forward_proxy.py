"""An upstream's forward proxy, as httpcore2 wants it."""

from importlib.util import find_spec
from urllib.parse import unquote_to_bytes, urlsplit

import httpcore2

from gateway.config.checks.addresses import credentials_apart
from gateway.config.settings import UpstreamSettings
from gateway.upstream.origin import Origin

_HTTP = ("http", "https")
_SOCKS = ("socks5", "socks5h")


def proxy_of(upstream: UpstreamSettings) -> httpcore2.Proxy | None:
    """Return an upstream's forward proxy, if it has one.

    Raises `ValueError`, without the URL, for one that cannot be used.
    """
    if upstream.proxy is None:
        return None
    address, credentials = credentials_apart(upstream.proxy.reveal())
    parts = urlsplit(address)
    if parts.scheme not in _HTTP + _SOCKS:
        raise ValueError(
            f"upstream '{upstream.name}': proxy must begin with one of "
            f"{', '.join(f'{scheme}://' for scheme in _HTTP + _SOCKS)}"
        )
    if parts.scheme in _SOCKS and find_spec("socksio") is None:
        raise ValueError(
            f"upstream '{upstream.name}': a SOCKS proxy needs a package that is not installed; "
            "install httpcore2[socks] or change proxy"
        )
    url = httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target="/")
    return httpcore2.Proxy(url, auth=_decoded(credentials or ""))


def host_for(origin: Origin, proxy: httpcore2.Proxy | None) -> str:
    """Return an upstream's host as httpcore2 must get it.

    What it asks an HTTP proxy for is a copy of it, and an IPv6 address there has brackets (RFC 9112
    section 3.2). What it connects to, or asks a SOCKS proxy for, has none.
    """
    is_copied = proxy is not None and proxy.url.scheme in (b"http", b"https")
    return origin.written_host if is_copied else origin.host


def _decoded(credentials: str) -> tuple[bytes, bytes] | None:
    user, _, password = credentials.partition(":")
    if not (user or password):
        return None
    return unquote_to_bytes(user), unquote_to_bytes(password)
