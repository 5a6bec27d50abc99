"""Which of the client's fields that an upstream is sent besides the usual ones say who calls.

They tell callers apart like a key: whatever is learned, looked up, stored or sealed for one of them
is for no other. Other fields do not, since many differ from request to request.
"""

import re

from gateway.config.settings import Settings, UpstreamSettings

_MAY_IDENTIFY = re.compile(
    r"key|token|auth|secret|passw|credential|jwt|bearer|oidc|assertion|identity|principal|subject"
    r"|account|user|organi[sz]ation|project|tenant|workspace|customer|team|group"
)


def identifying_names(upstream: UpstreamSettings) -> frozenset[bytes]:
    """Return the names among `forward_headers` by which callers may differ, in lower case."""
    return frozenset(
        lower.encode()
        for name in upstream.forward_headers
        if _MAY_IDENTIFY.search(lower := name.lower())
    )


def identifying_names_of_any(settings: Settings) -> frozenset[bytes]:
    """Return those of all upstreams."""
    return frozenset[bytes]().union(*map(identifying_names, settings.upstreams))
