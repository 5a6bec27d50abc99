"""Redirects of upstreams: the gateway follows none, and clients learn no address of its network."""

from urllib.parse import urlsplit

from gateway.config.addresses import host_of, is_private
from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError
from gateway.shapes import RawHeaders

_NOT_MODIFIED = 304
_LOCATION = b"location"
_READING = frozenset({"GET", "HEAD"})


def redirect_error(status: int) -> UpstreamError | None:
    """Return the error that a redirect is, by its status: from 300 to 399, but not 304.

    The upstream's URL is wrong then, or a proxy before it wants something. The error replaces the
    whole reply, whose body may name an internal address as its `location` does.
    """
    if not 300 <= status < 400 or status == _NOT_MODIFIED:
        return None
    return UpstreamError(
        f"The upstream answered with a redirect (status {status}), which is not followed. Ask the "
        "gateway's operator to check its base_url.",
        upstream_status=status,
        reason=Reason.BAD_REPLY,
    )


def check_redirect(status: int) -> None:
    """Raise the `redirect_error` of a status, if it is one."""
    error = redirect_error(status)
    if error is not None:
        raise error


def check_passed_redirect(
    status: int, headers: RawHeaders, upstream: UpstreamSettings, method: str
) -> None:
    """Raise as `check_redirect` does, unless the redirect is of use to the client.

    What is downloaded may lie at another public host.
    """
    locations = [value for name, value in headers if name == _LOCATION]
    is_download = method in _READING and bool(locations)
    if not (is_download and all(_is_elsewhere(each, upstream) for each in locations)):
        check_redirect(status)


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
