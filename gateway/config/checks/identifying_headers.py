"""Which header fields of clients, of those in `forward_headers`, say who calls.

Like a key, they tell callers apart: whatever is learned, looked up, stored or sealed for one caller
is for no other. Other fields do not count, since many differ from request to request.
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
    """Return the identifying names of all upstreams."""
    return frozenset[bytes]().union(*map(identifying_names, settings.upstreams))
