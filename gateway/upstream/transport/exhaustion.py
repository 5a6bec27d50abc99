"""Recognises connections that fail because the gateway's process or machine has run out.

Such a failure says nothing about an upstream: no address is ejected for it, and none other is
asked.
"""

import socket

from gateway.errors import Reason, UpstreamUnavailable
from gateway.system.exhausted import ADVICE, REPLY_FIELDS, lacking


def exhaustion(upstream: str, failure: BaseException) -> UpstreamUnavailable | None:
    """Return the error for a connection that failed for this reason; None for other failures.

    The resolution of a name does not say why it failed, so that is found out by opening a socket.
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
    """Return why no socket can be opened now; None if one can."""
    try:
        socket.socket().close()
    except OSError as error:
        return error
    return None
