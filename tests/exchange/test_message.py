"""What goes in and out of an exchange: reading bodies, showing decisions, closing streams."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UpstreamError
from gateway.exchange.message import (
    Decision,
    ReplyBody,
    decode_object,
    features_of,
    model_of,
    read_object,
    read_routed,
)


@pytest.mark.parametrize(
    ("fields", "features"),
    [
        (b"", set()),
        (b', "tools": [], "functions": null, "reasoning_effort": null', set()),
        (b', "tools": [{}]', {"tools"}),
        (b', "functions": [ {} ]', {"tools"}),
        (b', "reasoning_effort": "low"', {"reasoning"}),
        (b', "reasoning": {"effort": "high"}', {"reasoning"}),
        (b', "reasoning": {"summary": "auto"}', set()),
        (b', "reasoning": "odd"', set()),
        (b', "reasoning_effort": "none", "tools": [{}]', {"tools", "no_reasoning"}),
    ],
)
def test_features_are_what_can_move_the_endpoint(fields: bytes, features: set[str]) -> None:
    assert features_of(read_routed(b'{"model": "m"%b}' % fields)) == features


@pytest.mark.parametrize("value", [b"1e400", rb'"\ud800"'])
@pytest.mark.parametrize("name", [b"reasoning_effort", b"reasoning"])
def test_a_value_that_cannot_be_is_a_400_wherever_it_is_first_read(
    name: bytes, value: bytes
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        features_of(read_routed(b'{"model": "m", "%b": %b}' % (name, value)))
    assert refused.value.code == "invalid_json"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_400(data: bytes) -> None:
    for read in (lambda body: model_of(read_routed(body)), read_object):
        with suppress(InvalidRequest):
            assert isinstance(read(data), str | dict)


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_an_upstream_sends_instead_of_json_is_its_error(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="not JSON"):
        decode_object(data)


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"text"'])
def test_what_an_upstream_sends_instead_of_an_object_is_its_error(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="not an object"):
        decode_object(data)


def test_a_decision_shows_what_is_known_of_it() -> None:
    assert Decision().headers() == []
    known = Decision(upstream="openai", attempts=2, warning="schöne\N{SNOWMAN}")
    assert known.headers() == [
        (b"x-gateway-upstream", b"openai"),
        (b"x-gateway-attempts", b"2"),
        (b"x-gateway-warning", "schöne?".encode("latin-1")),
    ]


def test_a_body_that_was_never_read_is_released_all_the_same() -> None:
    released: list[str] = []

    async def never() -> AsyncGenerator[bytes, None]:
        try:
            yield b""
        finally:
            released.append("generator")

    async def release() -> None:
        released.append("release")

    async def scenario() -> None:
        await ReplyBody(never(), release).aclose()

    asyncio.run(scenario())
    assert released == ["release"]
