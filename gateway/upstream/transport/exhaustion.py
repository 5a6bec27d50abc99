"""Connections that cannot be opened because the gateway's own process or machine has run out.

That says nothing about an upstream: no address is left out for it, and none other is asked.
"""

import socket

from gateway.errors import Reason, UpstreamUnavailable
from gateway.system.exhausted import ADVICE, REPLY_FIELDS, lacking


def exhaustion(upstream: str, failure: BaseException) -> UpstreamUnavailable | None:
    """Return the error for a connection to an upstream that failed so; None: it failed otherwise.

    The resolution of a name does not say why it failed: whether a socket can be opened shows it.
    """
    cause = without_a_socket() if isinstance(failure, socket.gaierror) else failure
    words = None if cause is None else lacking(cause)
    if words is None:
        return None
    return UpstreamUnavailable(
        f"The gateway cannot open a connection to upstream '{upstream}': {words}. {ADVICE}",
        reason=Reason.EXHAUSTED,
        status=503,
        headers=REPLY_FIELDS,
    )


def without_a_socket() -> OSError | None:
    """Return why there can be no socket now; None: there can."""
    try:
        socket.socket().close()
    except OSError as error:
        return error
    return None
