"""What httpcore2 gets to read of a server that leaves, however its bytes come."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, SettingsFrame

from gateway.upstream.proxied.leaving import WatchedNetwork, WatchedStream

pytestmark = pytest.mark.anyio

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Tls:
    """As far as it matters: what was agreed on."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol

    def selected_alpn_protocol(self) -> str:
        return self._protocol


class Wire(httpcore2.AsyncNetworkStream):
    """Has bytes to be read, and keeps what is written."""

    def __init__(self, *pieces: bytes, protocol: str = "h2") -> None:
        self.pieces, self.sent = [*pieces, b""], b""
        self._tls = Tls(protocol)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's name
        return self.pieces.pop(0)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's name
        self.sent += buffer

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: Any = None,  # noqa: ASYNC109 - httpcore2's name
    ) -> "Wire":
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else None


def data(stream: int, size: int = 20) -> bytes:
    return DataFrame(stream, data=b"\7" * size).serialize()


def goaway(last: int, error: int = 0, text: bytes = b"bye") -> bytes:
    frame = GoAwayFrame(last_stream_id=last, error_code=error, additional_data=text)
    return frame.serialize()


def head(stream: int) -> bytes:
    return HeadersFrame(stream, data=b"x").serialize()


async def everything(stream: WatchedStream) -> bytes:
    read = b""
    while piece := await stream.read(100):
        read += piece
    return read


def in_pieces(whole: bytes, size: int) -> Iterable[bytes]:
    return (whole[at : at + size] for at in range(0, len(whole), size))


@pytest.mark.parametrize("size", [1, 7, 9, 1000])
async def test_the_frame_alone_is_kept_back(size: int) -> None:
    before, after = SettingsFrame().serialize() + data(1), data(1) + data(1, 0) + data(3, 300)
    wire = Wire(*in_pieces(before + goaway(3) + after, size))
    stream = WatchedStream(wire)
    await stream.write(PREFACE + head(1) + data(1) + head(3))
    assert await everything(stream) == before + after
    assert stream.is_leaving
    assert wire.sent.endswith(head(3))


PASSED: dict[str, bytes] = {
    "an error": goaway(3, error=11),
    "a request was left out": goaway(1),
    "it is too long to be one": goaway(3, text=b"x" * 17_000),
    "it is too short": b"\0\0\4\7\0\0\0\0\0\0\0\0\3",
}


@pytest.mark.parametrize("frame", PASSED.values(), ids=PASSED)
async def test_any_other_one_is_passed_on(frame: bytes) -> None:
    stream = WatchedStream(Wire(*in_pieces(frame + data(1), 11)))
    await stream.write(head(1) + head(3))
    assert await everything(stream) == frame + data(1)
    assert not stream.is_leaving


async def test_a_request_that_comes_too_late_brings_it_on() -> None:
    stream = WatchedStream(Wire(goaway(1) + data(1), data(1)))
    await stream.write(head(1))
    assert await stream.read(100) == data(1)
    await stream.write(head(3))
    await stream.write(head(5))
    assert await everything(stream) == goaway(1) + data(1)


async def test_without_http2_nothing_is_looked_at() -> None:
    stream = WatchedStream(Wire(goaway(1), protocol="http/1.1"))
    await stream.write(b"GET")
    assert await everything(stream) == goaway(1)
    assert not stream.is_leaving


async def test_the_network_waits_between_two_attempts_to_connect() -> None:
    begun = asyncio.get_running_loop().time()
    await WatchedNetwork().sleep(0.001)
    assert asyncio.get_running_loop().time() > begun
