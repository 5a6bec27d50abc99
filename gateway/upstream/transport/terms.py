"""The terms that all requests of one pool share, with the errors that name the upstream."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.config.settings import TimeoutSettings
from gateway.errors import Reason, TruncatedStream, UpstreamTimeout
from gateway.upstream.transport.connection import Connection


@dataclass(slots=True)
class Terms:
    """The terms on which requests are sent; never changed."""

    name: str
    """The upstream's name."""
    timeouts: TimeoutSettings
    park: Callable[[Connection], None]
    """Takes a connection as soon as it has carried the whole reply and could carry another one,
    which may be before the body is read."""
    release: Callable[[], None]
    """Called once, when the reply was given out and needs its connection no longer."""

    def silence(self, *, head_complete: bool) -> UpstreamTimeout:
        """Return the error for an upstream that sends nothing for too long."""
        limits = self.timeouts
        if head_complete:
            return UpstreamTimeout(
                f"Upstream '{self.name}' sent nothing for {limits.stream_idle:g} s in the "
                "middle of its reply (timeouts.stream_idle)."
            )
        return UpstreamTimeout(
            f"Upstream '{self.name}' sent no reply within {limits.first_byte:g} s "
            "(timeouts.first_byte).",
            reason=Reason.FIRST_BYTE_TIMEOUT,
        )

    def given_up(self) -> TruncatedStream:
        """Return the error for reading on after the end, which must not look like a body's end."""
        return TruncatedStream(f"The reply of upstream '{self.name}' was given up before its end.")
