"""httpcore2's errors, as the gateway raises them."""

import errno
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator

import httpcore2
import pytest
from h2.exceptions import ProtocolError

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    Reason,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.proxied import httpcore_errors
from gateway.upstream.proxied.httpcore_errors import Phase, closed_unanswered, gateway_errors
from tests.upstream.conftest import GET, read
from tests.upstream.proxied.test_http_client import Answers, client


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raised", "before_the_head", "in_the_body"),
    [
        (httpcore2.ConnectTimeout, UpstreamUnavailable, UpstreamUnavailable),
        (httpcore2.ConnectError, UpstreamUnavailable, UpstreamUnavailable),
        (httpcore2.PoolTimeout, UpstreamUnavailable, UpstreamUnavailable),
        (httpcore2.ReadTimeout, UpstreamTimeout, UpstreamTimeout),
        (httpcore2.WriteTimeout, UpstreamTimeout, UpstreamTimeout),
        (httpcore2.LocalProtocolError, InvalidRequest, InvalidRequest),
        (httpcore2.RemoteProtocolError, UpstreamError, TruncatedStream),
        (httpcore2.UnsupportedProtocol, UpstreamError, TruncatedStream),
    ],
)
async def test_every_error_of_the_library_becomes_one_of_the_gateways(
    raised: type[Exception],
    before_the_head: type[GatewayError],
    in_the_body: type[GatewayError],
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        raise raised("http://secret.example/?key=1")

    async def fail(_: httpcore2.Request) -> httpcore2.Response:
        raise raised("http://secret.example/?key=1")

    async def begin(_: httpcore2.Request) -> httpcore2.Response:
        return httpcore2.Response(200, content=body())

    failing = client(Answers(fail))
    with pytest.raises(before_the_head) as caught:
        await failing.send(GET)
    assert type(caught.value) is before_the_head
    assert "secret" not in caught.value.message
    beginning = client(Answers(begin))
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
        raise httpcore2.ConnectError("failed") from cause
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
        raise httpcore2.ConnectError("failed") from cause
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize(
    ("raised", "reason"),
    [(httpcore2.ProxyError, Reason.PROXY), (httpcore2.PoolTimeout, Reason.BUSY)],
)
def test_proxies_and_full_pools_are_known_by_the_librarys_error(
    raised: type[Exception], reason: Reason
) -> None:
    with pytest.raises(UpstreamUnavailable) as caught, gateway_errors("local", "head"):
        raise raised("failed")
    assert caught.value.reason is reason


def test_a_chain_of_causes_that_has_no_end_is_followed_for_a_while() -> None:
    error = httpcore2.ConnectError("failed")
    error.__context__ = first = OSError()
    first.__context__ = error
    with pytest.raises(UpstreamUnavailable) as caught, gateway_errors("local", "head"):
        raise error
    assert caught.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpcore2.ReadError("reset"), True),
        (httpcore2.WriteError("reset"), True),
        (httpcore2.RemoteProtocolError("Server disconnected without sending a response."), True),
        (httpcore2.RemoteProtocolError("Server disconnected"), True),
        (httpcore2.RemoteProtocolError("illegal status line"), False),
        (None, False),
    ],
)
def test_a_connection_that_ended_without_a_head_differs_from_a_bad_head(
    error: BaseException | None, *, expected: bool
) -> None:
    assert closed_unanswered(error) is expected


@pytest.mark.parametrize(("phase", "kind"), [("head", UpstreamError), ("body", TruncatedStream)])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_an_upstream_that_breaks_the_rules_of_http2_is_to_blame_for_it(
    phase: Phase, kind: type[GatewayError], *, is_wrapped: bool
) -> None:
    broken: Exception = ProtocolError("Received frame with non-compliant data")
    if is_wrapped:
        broken = httpcore2.LocalProtocolError(broken)
        broken.__context__ = broken.args[0]
    with pytest.raises(kind, match=r"\(ProtocolError\)") as caught, gateway_errors("local", phase):
        raise broken
    assert type(caught.value) is kind
    assert not closed_unanswered(caught.value.__cause__)


def test_http2_needs_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpcore_errors, "_http2_errors", httpcore_errors._http2_errors.__wrapped__)
    monkeypatch.setitem(sys.modules, "h2.exceptions", None)
    with pytest.raises(InvalidRequest), gateway_errors("local", "head"):
        raise httpcore2.LocalProtocolError("illegal header")
    with pytest.raises(KeyError), gateway_errors("local", "head"):
        raise KeyError


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
