"""httpx2's errors, as the gateway raises them."""

import errno
import re
import socket
import ssl
from typing import Any

import httpx2
import pytest

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    Reason,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.proxied.httpx_errors import Phase, closed_unanswered, gateway_errors
from tests.upstream.conftest import GET, read
from tests.upstream.proxied.test_http_client import client


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raised", "before_the_head", "in_the_body"),
    [
        (httpx2.ConnectTimeout, UpstreamUnavailable, UpstreamUnavailable),
        (httpx2.ConnectError, UpstreamUnavailable, UpstreamUnavailable),
        (httpx2.PoolTimeout, UpstreamUnavailable, UpstreamUnavailable),
        (httpx2.ReadTimeout, UpstreamTimeout, UpstreamTimeout),
        (httpx2.WriteTimeout, UpstreamTimeout, UpstreamTimeout),
        (httpx2.LocalProtocolError, InvalidRequest, InvalidRequest),
        (httpx2.RemoteProtocolError, UpstreamError, TruncatedStream),
        (httpx2.CloseError, UpstreamError, TruncatedStream),
        (httpx2.UnsupportedProtocol, UpstreamError, TruncatedStream),
    ],
)
async def test_every_error_of_the_library_becomes_one_of_the_gateways(
    raised: type[httpx2.TransportError],
    before_the_head: type[GatewayError],
    in_the_body: type[GatewayError],
) -> None:
    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"some"
            raise raised("http://secret.example/?key=1")

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise raised("http://secret.example/?key=1")

    def begin(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Body())

    failing = client(httpx2.MockTransport(fail))
    with pytest.raises(before_the_head) as caught:
        await failing.send(GET)
    assert type(caught.value) is before_the_head
    assert "secret" not in caught.value.message
    beginning = client(httpx2.MockTransport(begin))
    reply = await beginning.send(GET)
    with pytest.raises(in_the_body) as caught:
        await read(reply)
    assert type(caught.value) is in_the_body
    assert (failing.stats().in_flight, beginning.stats().in_flight) == (0, 0)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (socket.gaierror("no such name"), Reason.DNS),
        (ssl.SSLError("bad certificate"), Reason.TLS),
        (ConnectionRefusedError(), Reason.REFUSED),
        (ExceptionGroup("all addresses", [OSError(), ConnectionRefusedError()]), Reason.REFUSED),
        (OSError("no route"), Reason.UNREACHABLE),
        (ExceptionGroup("all addresses", [OSError(errno.EMFILE, "")]), Reason.EXHAUSTED),
        (None, Reason.UNREACHABLE),
    ],
)
def test_why_no_connection_came_about_is_found_behind_the_librarys_error(
    cause: BaseException | None, reason: Reason
) -> None:
    with pytest.raises(UpstreamUnavailable) as caught, gateway_errors("local", "head"):
        raise httpx2.ConnectError("failed") from cause
    assert caught.value.reason is reason


@pytest.mark.parametrize("whose", ["its", "its own or its proxy's"])
def test_a_certificate_that_is_not_accepted_may_be_a_proxys(whose: str) -> None:
    cause = ssl.SSLCertVerificationError(1, "no")
    cause.verify_message = "expired"
    told = f"'local' cannot be reached: {whose} TLS certificate is not accepted (expired)."
    with (
        pytest.raises(UpstreamUnavailable, match=re.escape(told)) as caught,
        gateway_errors("local", "head", whose=whose),
    ):
        raise httpx2.ConnectError("failed") from cause
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize(
    ("raised", "reason"),
    [(httpx2.ProxyError, Reason.PROXY), (httpx2.PoolTimeout, Reason.BUSY)],
)
def test_proxies_and_full_pools_are_known_by_the_librarys_error(
    raised: type[httpx2.TransportError], reason: Reason
) -> None:
    with pytest.raises(UpstreamUnavailable) as caught, gateway_errors("local", "head"):
        raise raised("failed")
    assert caught.value.reason is reason


def test_a_chain_of_causes_that_has_no_end_is_followed_for_a_while() -> None:
    error = httpx2.ConnectError("failed")
    error.__context__ = first = OSError()
    first.__context__ = error
    with pytest.raises(UpstreamUnavailable) as caught, gateway_errors("local", "head"):
        raise error
    assert caught.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx2.ReadError("reset"), True),
        (httpx2.WriteError("reset"), True),
        (httpx2.RemoteProtocolError("disconnected without sending a response"), True),
        (httpx2.RemoteProtocolError("illegal status line"), False),
        (None, False),
    ],
)
def test_a_connection_that_ended_without_a_head_differs_from_a_bad_head(
    error: BaseException | None, *, expected: bool
) -> None:
    assert closed_unanswered(error) is expected


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), gateway_errors("local", "body"):
        raise KeyError


@pytest.mark.parametrize(("phase", "kind"), [("head", UpstreamError), ("body", TruncatedStream)])
def test_tls_that_fails_while_it_reads_is_the_end_of_the_connection(
    phase: Phase, kind: type[GatewayError]
) -> None:
    with pytest.raises(kind) as caught, gateway_errors("local", phase):
        raise ssl.SSLError(1, "bad record mac")
    assert type(caught.value) is kind
    assert "bad record" not in str(caught.value)
    assert closed_unanswered(caught.value.__cause__)
