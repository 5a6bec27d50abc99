"""httpx2's errors, turned into the gateway's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import httpx2

from gateway.errors import (
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

Phase = Literal["head", "body"]


def closed_unanswered(error: BaseException | None) -> bool:
    """Whether a connection broke before (or, which cannot be told apart, within) a reply's head."""
    if isinstance(error, (httpx2.ReadError, httpx2.WriteError)):
        return True
    return isinstance(error, httpx2.RemoteProtocolError) and "without sending" in str(error)


@contextmanager
def gateway_errors(name: str, phase: Phase, stream_idle: float = 0.0) -> Iterator[None]:
    """Turn every error of httpx2 in the block into one of `gateway.errors`.

    `name` is the upstream's; `stream_idle` (seconds) is what a wait within the body was limited
    to. Its own texts are left out: they can contain addresses.
    """
    who = f"Upstream '{name}'"
    try:
        yield
    except httpx2.ConnectTimeout as error:
        raise UpstreamUnavailable(
            f"{who} could not be connected to in time (timeouts.connect)."
        ) from error
    except (httpx2.ConnectError, httpx2.ProxyError, httpx2.PoolTimeout) as error:
        raise UpstreamUnavailable(
            f"{who} could not be connected to ({type(error).__name__}); check its base_url, proxy "
            "and TLS settings, and that it is running."
        ) from error
    except httpx2.WriteTimeout as error:
        raise UpstreamTimeout(
            f"{who} stopped reading the request body (timeouts.stream_idle)."
        ) from error
    except httpx2.ReadTimeout as error:
        raise UpstreamTimeout(
            f"{who} sent nothing for {stream_idle:g} s in the middle of its reply "
            "(timeouts.stream_idle)."
        ) from error
    except httpx2.LocalProtocolError as error:
        raise InvalidRequest(
            "The request cannot be sent as HTTP: its method or a header is malformed."
        ) from error
    except httpx2.TransportError as error:
        if phase == "body":
            raise TruncatedStream(
                f"{who} broke off its reply before the end ({type(error).__name__})."
            ) from error
        raise UpstreamError(
            f"{who} closed the connection without a usable reply ({type(error).__name__})."
        ) from error
