"""What is written before a body: the prepared way and the general one write the same bytes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secret import Secret
from gateway.config.settings import UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.hops import MARK
from gateway.shapes import ClientHeaders, UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.pool import Pool
from tests import kinds

CALLERS = UpstreamSettings("openai", "https://api.openai.com/v1")


async def no_body() -> AsyncIterator[bytes]:
    yield b""


def pool(upstream: UpstreamSettings) -> Pool:
    return Pool(upstream, parse_base_url(upstream.base_url), Credentials(upstream))


def general(upstream: UpstreamSettings) -> Pool:
    unprepared = pool(upstream)
    unprepared._starts = {}
    return unprepared


UPSTREAMS = [
    CALLERS,
    replace(CALLERS, base_url="http://local:8000", headers=(("X-A", Secret("1")),)),
    replace(CALLERS, base_url="http://[::1]:8000/v1beta/openai"),
    replace(CALLERS, kind=kinds.AZURE, base_url="https://r.openai.azure.com"),
    replace(CALLERS, kind=kinds.AZURE, base_url="https://r.openai.azure.com/openai/v1"),
]
POOLS = [(pool(upstream), general(upstream)) for upstream in UPSTREAMS]

CALLS = st.builds(
    UpstreamCall,
    upstream=st.just("openai"),
    method=st.sampled_from(["POST", "GET", "PUT", "post"]),
    path=st.sampled_from(
        ["/chat/completions", "/completions", "/responses", "/models", "/../x", "completions"]
    ),
    body=st.sampled_from([b"", b"{}", no_body()]),
    query=st.sampled_from([b"", b"a=1", b"api-version=1", b"a b"]),
    client_headers=st.lists(
        st.tuples(
            st.sampled_from([b"accept", b"authorization", b"cookie"]),
            st.sampled_from([b"a", b"Bearer k", b"a\nb"]),
        ),
        max_size=3,
    ).map(ClientHeaders),
    body_length=st.sampled_from([None, 3]),
    model=st.sampled_from([None, "m", "a/b", ".."]),
    root=st.booleans(),
)


def head(made_by: Pool, call: UpstreamCall) -> bytes | str:
    try:
        return made_by._request_head(call)
    except InvalidRequest as error:
        return error.message


@given(CALLS, st.sampled_from(POOLS))
def test_prepared_and_general_heads_are_the_same(
    call: UpstreamCall, pools: tuple[Pool, Pool]
) -> None:
    prepared, unprepared = pools
    plain = call.copy(client_headers=tuple(call.client_headers))
    assert head(prepared, call) == head(prepared, call) == head(unprepared, plain)


@pytest.mark.parametrize("path", ["/chat/completions", "/completions", "/responses"])
def test_a_head_is_what_it_should_be(path: str) -> None:
    call = UpstreamCall("openai", "POST", path, b"{}", client_headers=((b"accept", b"*/*"),))
    assert pool(CALLERS)._request_head(call) == (
        b"POST /v1%b HTTP/1.1\r\nhost: api.openai.com\r\naccept-encoding: identity\r\n"
        b"accept: */*\r\nx-gateway-hops: %b\r\ncontent-length: 2\r\n\r\n" % (path.encode(), MARK)
    )
