import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.upstream.transport.request_body import measured


async def stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def collect(pieces: list[bytes], length: int | None, passed: list[bytes]) -> None:
    async for piece in measured(stream(pieces), length):
        passed.append(piece)  # noqa: PERF401 - what came before an error counts


@given(st.lists(st.binary(max_size=4), max_size=6), st.none() | st.integers(0, 24))
def test_a_body_passes_exactly_when_it_is_as_long_as_announced(
    pieces: list[bytes], length: int | None
) -> None:
    passed: list[bytes] = []
    whole = b"".join(pieces)
    if length in (None, len(whole)):
        asyncio.run(collect(pieces, length, passed))
        assert b"".join(passed) == whole
    else:
        with pytest.raises(InvalidRequest, match="Content-Length"):
            asyncio.run(collect(pieces, length, passed))
        assert len(b"".join(passed)) <= (length or 0)
    assert b"" not in passed
