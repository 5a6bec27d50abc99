"""The timeouts of a call: those of its upstream, but where its model has others."""

from gateway.config.settings import TimeoutSettings
from gateway.shapes import UpstreamCall


def timeouts_of(call: UpstreamCall, upstream: TimeoutSettings) -> TimeoutSettings:
    """Return the timeouts of a call to an upstream with these."""
    return upstream.but(call.timeouts)
