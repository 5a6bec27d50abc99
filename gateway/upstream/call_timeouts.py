"""The timeouts of a call: those of its upstream, but where its model has others."""

from dataclasses import replace
from functools import lru_cache

from gateway.config.settings import TimeoutSettings
from gateway.shapes import CallTimeouts, UpstreamCall


def timeouts_of(call: UpstreamCall, upstream: TimeoutSettings) -> TimeoutSettings:
    """Return the timeouts of a call to an upstream with these."""
    return upstream if call.timeouts is None else _combined(upstream, call.timeouts)


@lru_cache(maxsize=256)
def _combined(upstream: TimeoutSettings, of_call: CallTimeouts) -> TimeoutSettings:
    given = {name: getattr(of_call, name) for name in CallTimeouts.__dataclass_fields__}
    return replace(upstream, **{name: given[name] for name in given if given[name] is not None})
