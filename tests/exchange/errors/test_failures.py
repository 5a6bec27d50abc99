from dataclasses import replace

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.errors.failures import check_own_key, has_own_key, untouched
from gateway.exchange.reply.classify import ErrorReply
from tests import kinds

NOT_THERE = ErrorReply(0, 404, (), b"")


def test_an_error_is_passed_on_as_it_came() -> None:
    headers = ((b"content-type", b"text/plain"),)
    came = ErrorReply(0, 404, headers, b"no")
    assert untouched(came) == ClientReply(404, headers, b"no")
    packed = ClientReply(404, [(b"content-encoding", b"gzip")], b"packed")
    assert untouched(replace(came, as_came=packed)) is packed


def test_an_error_that_broke_off_is_reported_in_the_gateways_words() -> None:
    with pytest.raises(UpstreamError, match="with status 404, and an error that broke off"):
        untouched(ErrorReply(0, 404, (), b"n", partial=True))


def test_what_was_decided_for_the_client_takes_the_place_of_an_error() -> None:
    events = ClientReply(200, [], b"data: {}\n\n")
    assert untouched(replace(NOT_THERE, partial=True, for_client=events)) is events
    said = UpstreamError("in the gateway's words")
    with pytest.raises(UpstreamError) as raised:
        untouched(replace(NOT_THERE, for_client=said))
    assert raised.value is said


def test_a_refused_certificate_is_reported_as_the_gateways() -> None:
    upstream = UpstreamSettings("local", "https://h/v1", kinds.VLLM)
    page = b"<title>400 The SSL certificate error</title>"
    with pytest.raises(
        UpstreamUnavailable, match=r"'local' .*check its tls\.certificate"
    ) as caught:
        check_own_key(upstream, 400, page)
    assert caught.value.reason is Reason.TLS
    check_own_key(upstream, 400, b"<title>400 Bad Request</title>")


@pytest.mark.parametrize(
    ("credential", "key", "is_own"),
    [
        (CredentialPolicy.KEY, Secret("sk-own"), True),
        (CredentialPolicy.CALLER, None, False),
        (CredentialPolicy.NONE, None, False),
    ],
)
def test_a_key_is_the_gateways_own_where_it_sends_one_and_no_callers(
    credential: CredentialPolicy, key: Secret | None, *, is_own: bool
) -> None:
    upstream = UpstreamSettings("local", "https://h/v1", kinds.VLLM, credential, api_key=key)
    assert has_own_key(upstream) is is_own


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_that_quotes_the_gateways_own_key_is_not_shown(status: int) -> None:
    quoting = b'{"error": {"message": "Bad field: authorization: Bearer sk-own-0123456789"}}'
    upstream = UpstreamSettings(
        "local", "https://h/v1", kinds.VLLM, CredentialPolicy.KEY, Secret("sk-own-0123456789")
    )
    with pytest.raises(UpstreamError) as caught:
        check_own_key(upstream, status, quoting)
    assert caught.value.code == "upstream_auth_error"
    check_own_key(upstream, status, quoting.replace(b"0123456789", b"***"))
    forwarding = replace(upstream, credential=CredentialPolicy.CALLER, api_key=None)
    check_own_key(forwarding, status, quoting)
