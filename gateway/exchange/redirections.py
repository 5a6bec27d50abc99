"""Redirects of upstreams: the gateway follows none, and clients learn no address of its network."""

from urllib.parse import urlsplit

from gateway.config.addresses import host_of, is_private
from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision

_NOT_MODIFIED = 304
_LOCATION = b"location"
_READING = frozenset({"GET", "HEAD"})


def is_redirect(status: int) -> bool:
    """Whether a status sends the client elsewhere, for most of it: from 300 to 399, but not 304."""
    return 300 <= status < 400 and status != _NOT_MODIFIED


def unfollowed(
    reply: ClientReply, upstream: UpstreamSettings, decision: Decision, method: str = "POST"
) -> ClientReply:
    """Return a reply, without its `location` if it is a redirect that is of no use to the client.

    What is downloaded may lie at another public host: such a redirect is a success. All others say
    that the upstream's URL is wrong, or that a proxy before it wants something: an error of the
    upstream, noted in the decision.
    """
    if not is_redirect(reply.status):
        return reply
    locations = [value for name, value in reply.headers if name == _LOCATION]
    if (
        method in _READING
        and locations
        and all(_is_elsewhere(each, upstream) for each in locations)
    ):
        return reply
    text = f"the upstream '{upstream.name}' answered with a redirect, which is not followed"
    decision.warn(f"{text}; its location is left out" if locations else text)
    error = UpstreamError(
        f"Upstream '{upstream.name}' answered with a redirect (status {reply.status}), which the "
        "gateway does not follow; check its base_url.",
        upstream_status=reply.status,
        reason=Reason.ERROR_REPLY,
    )
    decision.failed(upstream.name, error, final=True)
    reply.headers = [field for field in reply.headers if field[0] != _LOCATION]
    return reply


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
