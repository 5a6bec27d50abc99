"""httpcore2's errors, turned into the gateway's."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Literal

import httpcore2

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    Reason,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.transport.client_tls import certificate_refused, failed_handshake
from gateway.upstream.transport.exhaustion import exhaustion

Phase = Literal["head", "body"]

_ERRORS = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    ssl.SSLError,  # TLS: while it reads, as it is
)
_GONE = "Server disconnected"
_MAX_CAUSES = 16
_CONNECT_ERRORS: tuple[tuple[type[OSError], Reason], ...] = (
    (socket.gaierror, Reason.DNS),
    (ConnectionRefusedError, Reason.REFUSED),
)


def _errors() -> tuple[type[Exception], ...]:
    """Return all that may be raised; httpcore2 passes on what breaks HTTP/2 in a body."""
    return (*_ERRORS, *_http2_errors())


@cache
def _http2_errors() -> tuple[type[Exception], ...]:
    try:
        from h2.exceptions import ProtocolError
    except ImportError:
        return ()  # the extra is not installed
    return (ProtocolError,)


def closed_unanswered(error: BaseException | None) -> bool:
    """Whether a connection broke before (or within, which looks the same) a reply's head."""
    if isinstance(error, (httpcore2.ReadError, httpcore2.WriteError, ssl.SSLError)):
        return True
    # HTTP/1.1's text goes on: "without sending a response".
    return isinstance(error, httpcore2.RemoteProtocolError) and str(error).startswith(_GONE)


@contextmanager
def gateway_errors(
    name: str, phase: Phase, stream_idle: float = 0.0, whose: str = "its"
) -> Iterator[None]:
    """Turn every error of httpcore2 in the block into one of `gateway.errors`.

    `name` is the upstream's; `stream_idle` (seconds) is what a wait within the body was limited
    to, `whose` certificates can be refused. Its own texts are left out: they can contain addresses.
    """
    who = f"Upstream '{name}'"
    try:
        yield
    except _errors() as error:
        # No variable holds what is raised: it would be a cycle with its traceback.
        raise (
            _unsent(name, error)
            or _before_the_reply(who, error, whose)
            or _within_the_reply(who, error, phase, stream_idle)
        ) from error


def _unsent(name: str, error: Exception) -> GatewayError | None:
    """Return the error for a connection that the gateway had nothing left for, or that was refused.

    A refusal of the gateway's certificate may come in place of the first reply.
    """
    all_causes = list(causes(error))
    found: Iterator[GatewayError | None] = (certificate_refused(name, each) for each in all_causes)
    if isinstance(error, httpcore2.ConnectError):
        found = chain(found, (exhaustion(name, each) for each in all_causes))
    return next(filter(None, found), None)


def _before_the_reply(who: str, error: Exception, whose: str) -> GatewayError | None:
    """Return the error for a request that was not sent, or not whole; None: it was."""
    if isinstance(error, httpcore2.ConnectTimeout):
        return UpstreamUnavailable(
            f"{who} could not be reached in time (timeouts.connect).",
            reason=Reason.CONNECT_TIMEOUT,
        )
    handshake = next((each for each in causes(error) if isinstance(each, ssl.SSLError)), None)
    if isinstance(error, httpcore2.ConnectError) and handshake is not None:
        return UpstreamUnavailable(
            f"{who} cannot be reached: {failed_handshake(handshake, whose)}.", reason=Reason.TLS
        )
    if isinstance(error, httpcore2.ConnectError | httpcore2.ProxyError | httpcore2.PoolTimeout):
        return UpstreamUnavailable(
            f"{who} could not be reached ({type(error).__name__}); check its base_url, proxy "
            "and TLS settings, and that it is running.",
            reason=_why_unconnected(error),
        )
    if isinstance(error, httpcore2.WriteTimeout):
        return UpstreamTimeout(f"{who} stopped reading the request body (timeouts.stream_idle).")
    if isinstance(error, httpcore2.LocalProtocolError) and not _breaks_http2(error):
        return InvalidRequest(
            "The request cannot be sent as HTTP: its method or a header is malformed."
        )
    return None


def _within_the_reply(
    who: str, error: Exception, phase: Phase, stream_idle: float
) -> UpstreamError:
    name = "ProtocolError" if _breaks_http2(error) else type(error).__name__
    if isinstance(error, httpcore2.ReadTimeout):
        return UpstreamTimeout(
            f"{who} sent nothing for {stream_idle:g} s in the middle of its reply "
            "(timeouts.stream_idle)."
        )
    if phase == "body":
        return TruncatedStream(f"{who} broke off its reply before the end ({name}).")
    return UpstreamError(
        f"{who} closed the connection without a usable reply ({name}).",
        reason=Reason.CLOSED if closed_unanswered(error) else Reason.BAD_HTTP,
    )


def _why_unconnected(error: Exception) -> Reason:
    """Return why no connection came about; the system's own error is behind httpcore2's."""
    if isinstance(error, httpcore2.ProxyError):
        return Reason.PROXY
    if isinstance(error, httpcore2.PoolTimeout):
        return Reason.BUSY
    found = list(causes(error))
    for kind, reason in _CONNECT_ERRORS:
        if any(isinstance(cause, kind) for cause in found):
            return reason
    return Reason.UNREACHABLE


def _breaks_http2(error: Exception) -> bool:
    """Whether an upstream broke the rules of HTTP/2; httpcore2 blames the request for it.

    What is sent is known to be well-formed: its method, target and fields are checked.
    """
    if isinstance(error, httpcore2.LocalProtocolError):
        return any(isinstance(each, _http2_errors()) for each in causes(error))
    return isinstance(error, _http2_errors())


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; several attempts are a group."""
    for _ in range(_MAX_CAUSES):
        if error is None:
            return
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__
