"""Bodies that can be read again, and bodies that cannot."""

from collections.abc import AsyncIterator

import pytest

from gateway.errors import InvalidRequest, Reason, UpstreamError
from gateway.upstream.proxied.request_body import RequestBody
from tests.upstream.conftest import call

pytestmark = pytest.mark.anyio


async def upload(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(body: RequestBody) -> list[bytes]:
    return [piece async for piece in body]


async def test_one_in_one_piece_is_the_same_each_time() -> None:
    body = RequestBody(call(b"whole"))
    for _ in range(2):
        body.check_unread()
        assert await read(body) == [b"whole"]


async def test_one_that_comes_once_is_not_sent_again_as_another() -> None:
    body = RequestBody(call(upload(b"one", b"", b"two"), body_length=6))
    for _ in range(2):
        body.check_unread()
    assert await read(body) == [b"one", b"two"]
    with pytest.raises(UpstreamError, match=r"'local' ended the connection .*once more") as refused:
        body.check_unread()
    assert refused.value.reason is Reason.CLOSED


async def test_one_that_was_read_in_part_is_not_sent_again_either() -> None:
    body = RequestBody(call(upload(b"one", b"two")))
    async for _ in body:
        break
    with pytest.raises(UpstreamError):
        body.check_unread()


async def test_one_of_another_length_than_announced_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        await read(RequestBody(call(upload(b"one"), body_length=4)))
