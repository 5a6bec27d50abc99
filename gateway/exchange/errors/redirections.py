"""Redirects of upstreams: the gateway follows none, and clients learn no address of its network."""

from urllib.parse import urlsplit

from gateway.config.checks.addresses import host_of, is_private
from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError
from gateway.shapes import RawHeaders

_NOT_MODIFIED = 304
_LOCATION = b"location"
_READING = frozenset({"GET", "HEAD"})


def redirect_error(status: int, headers: RawHeaders) -> UpstreamError | None:
    """Return the error that a redirect is: a status from 300 to 399, but not 304, with a location.

    A redirect means that the upstream's URL is wrong, or that a proxy before it wants something.
    The error replaces the whole reply, whose body may name an internal address, as `location` does.
    """
    if not 300 <= status < 400 or status == _NOT_MODIFIED or not _locations(headers):
        return None
    return UpstreamError(
        f"The upstream answered with a redirect (status {status}), which is not followed. Ask the "
        "gateway's operator to check its base_url.",
        upstream_status=status,
        reason=Reason.BAD_REPLY,
    )


def led_nowhere(status: int, headers: RawHeaders) -> UpstreamError | None:
    """Return the error that operators see for a redirect without a location, which is passed on.

    None if the reply is no such redirect.
    """
    if not 300 <= status < 400 or status == _NOT_MODIFIED or _locations(headers):
        return None
    return UpstreamError(
        f"The upstream answered with a redirect (status {status}) that names no location.",
        upstream_status=status,
        reason=Reason.BAD_REPLY,
    )


def check_redirect(status: int, headers: RawHeaders) -> None:
    """Raise the `redirect_error` of a reply, if it is one."""
    error = redirect_error(status, headers)
    if error is not None:
        raise error


def check_passed_redirect(
    status: int, headers: RawHeaders, upstream: UpstreamSettings, method: str
) -> None:
    """Raise as `check_redirect` does, unless the redirect is of use to the client.

    A file to be downloaded may lie at another public host.
    """
    is_elsewhere = all(_is_elsewhere(each, upstream) for each in _locations(headers))
    if not (method in _READING and is_elsewhere):
        check_redirect(status, headers)


def _locations(headers: RawHeaders) -> list[bytes]:
    return [value for name, value in headers if name == _LOCATION]


def _is_elsewhere(location: bytes, upstream: UpstreamSettings) -> bool:
    """Whether a location is that of a public host which is not the upstream's."""
    try:
        url = urlsplit(location.decode("ascii"))
        host = url.hostname
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or not host or is_private(host):
        return False
    own = [*upstream.base_urls, *filter(None, [upstream.messages_url])]
    return host not in map(host_of, own)
