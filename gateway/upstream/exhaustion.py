"""Connections that cannot be opened because the gateway's own process or machine has run out.

That says nothing about an upstream: no address is left out for it, and none other is asked.
"""

import errno
import os
import socket
from typing import Final

from gateway.errors import Reason, UpstreamUnavailable

_LACKING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def exhaustion(upstream: str, failure: BaseException) -> UpstreamUnavailable | None:
    """Return the error for a connection to an upstream that failed so; None: it failed otherwise.

    The resolution of a name does not say why it failed: whether a socket can be opened shows it.
    """
    lacking = _without_a_socket() if isinstance(failure, socket.gaierror) else failure
    if not isinstance(lacking, OSError) or lacking.errno not in _LACKING:
        return None
    return UpstreamUnavailable(
        f"The gateway cannot open a connection to upstream '{upstream}': "
        f"{os.strerror(lacking.errno)}. Try again later; its operator may have to raise its limit "
        "of open files (ulimit -n).",
        reason=Reason.EXHAUSTED,
        status=503,
        headers=(("retry-after", "1"),),
    )


def _without_a_socket() -> OSError | None:
    """Return why there can be no socket now; None: there can."""
    try:
        socket.socket().close()
    except OSError as error:
        return error
    return None
