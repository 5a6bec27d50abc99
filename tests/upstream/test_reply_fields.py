"""What is relayed of an upstream's reply, and what its framing needs."""

import pytest

from gateway.headers import HOP_BY_HOP
from gateway.shapes import RawHeaders
from gateway.upstream.reply_fields import read_reply_fields, relayed_name, reply_headers


def test_replies_keep_what_their_receiver_may_see() -> None:
    kept = (
        (b"content-type", b"application/json"),
        (b"content-length", b"12"),
        (b"content-encoding", b"gzip"),
        (b"x-request-id", b"r"),
        (b"x-ratelimit-remaining-tokens", b"9"),
        (b"openai-processing-ms", b"7"),
        (b"retry-after", b"1"),
    )
    assert reply_headers(tuple((name.title(), value) for name, value in kept)) == kept


@pytest.mark.parametrize(
    "name",
    [
        *sorted(HOP_BY_HOP),
        b"Set-Cookie",
        b"set-cookie2",
        b"X-Accel-Redirect",
        b"alt-svc",
        b"strict-transport-security",
        b"server",
        b"date",
        b"X-Gateway-Upstream",
    ],
)
def test_replies_lose_what_is_about_the_hop_or_the_server(name: bytes) -> None:
    assert reply_headers(((name, b"1"),)) == ()


def test_replies_lose_what_their_connection_field_names() -> None:
    raw: RawHeaders = (
        (b"X-Hop", b"1"),
        (b"Connection", b"x-hop"),
        (b"connection", b"content-length, X-OTHER"),
        (b"x-other", b"2"),
        (b"content-length", b"3"),
    )
    assert reply_headers(raw) == ((b"content-length", b"3"),)


def test_what_the_framing_needs_is_found_in_the_same_pass() -> None:
    raw: RawHeaders = ((b"Transfer-Encoding", b"gzip"), (b"transfer-encoding", b"chunked"))
    assert read_reply_fields(raw) == ((), [b"gzip", b"chunked"], False)
    length = ((b"content-length", b"3"),)
    assert read_reply_fields(length) == (length, [], True)


@pytest.mark.parametrize(
    ("name", "relayed"), [(b"X-Own", b"x-own"), (b"Server", None), (b"X-Accel-Expires", None)]
)
def test_a_field_is_relayed_under_its_name_in_lower_case(
    name: bytes, relayed: bytes | None
) -> None:
    assert relayed_name(name) == relayed
