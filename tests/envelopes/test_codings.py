"""Bodies that came compressed: whole, in pieces, cut off, and labelled as what they are not."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.codings import (
    CodingError,
    CutOff,
    Decompressor,
    coding_of,
    without_coding,
)

TEXT = b'{"choices":[{"index":0,"message":{"content":"Hello"}}]}'


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


COMPRESSIONS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
}


def decompressed(coding: bytes, *pieces: bytes) -> bytes:
    decompressor = Decompressor(coding)
    body = b"".join(out for piece in pieces for out in decompressor.feed(piece))
    return body + decompressor.finish()


@pytest.mark.parametrize("coding", COMPRESSIONS)
def test_a_body_is_what_it_was_however_it_comes(coding: bytes) -> None:
    packed = COMPRESSIONS[coding](TEXT)
    assert decompressed(coding, packed) == TEXT
    assert decompressed(coding, *(packed[at : at + 1] for at in range(len(packed)))) == TEXT


@pytest.mark.parametrize("coding", COMPRESSIONS)
def test_a_piece_may_be_empty(coding: bytes) -> None:
    packed = COMPRESSIONS[coding](TEXT)
    assert decompressed(coding, b"", packed[:9], b"", packed[9:], b"") == TEXT


def test_deflated_data_may_lack_the_frame_that_it_should_have() -> None:
    packed = raw_deflate(TEXT)
    assert decompressed(b"deflate", packed) == TEXT
    assert decompressed(b"deflate", packed[:1], packed[1:]) == TEXT


def test_gzip_may_have_several_members_and_something_after_them() -> None:
    packed = gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])
    assert decompressed(b"gzip", packed) == TEXT
    assert decompressed(b"gzip", *(packed[at : at + 1] for at in range(len(packed)))) == TEXT
    assert decompressed(b"gzip", packed + b"\0\0", b"\0") == TEXT
    assert decompressed(b"gzip", packed, b"\0", packed) == TEXT
    assert decompressed(b"gzip", packed, b"\x1f", b"\0") == TEXT
    with pytest.raises(CutOff):
        decompressed(b"gzip", packed, packed[:9])
    assert decompressed(b"deflate", zlib.compress(TEXT) + b"x") == TEXT


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"gzip, br"])
@pytest.mark.parametrize(
    "body", [TEXT, b"\n\n [1]", b"data: {}\n\n", b": wait\n\n", b"<html>", b"{", b""]
)
def test_what_only_says_that_it_is_compressed_is_taken_as_it_is(coding: bytes, body: bytes) -> None:
    assert decompressed(coding, body) == body
    assert decompressed(coding, *(body[at : at + 1] for at in range(len(body)))) == body


def test_without_a_coding_everything_passes() -> None:
    assert decompressed(b"", b"\x1f", b"\x8b") == b"\x1f\x8b"


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, br"])
def test_what_cannot_be_read_is_called_by_its_name(coding: bytes) -> None:
    with pytest.raises(CodingError, match=f"compressed as '{coding.decode()}'"):
        decompressed(coding, b"\x1b\x36\x00")


@pytest.mark.parametrize("coding", COMPRESSIONS)
def test_a_body_that_is_cut_off_is_not_complete(coding: bytes) -> None:
    packed = COMPRESSIONS[coding](TEXT * 9)
    for length in range(1 + (coding != b"deflate"), len(packed)):
        with pytest.raises(CutOff):
            decompressed(coding, packed[:length])


def test_a_body_that_is_damaged_is_none() -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[12] ^= 0xFF
    with pytest.raises(CodingError, match="cannot be read"):
        decompressed(b"gzip", bytes(packed))


def test_what_is_after_a_few_bytes_comes_bit_by_bit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    first = list(islice(Decompressor(b"gzip").feed(bomb), 3))
    assert [len(piece) for piece in first] == [64 * 1024] * 3
    assert len(decompressed(b"gzip", bomb)) == 50_000_000


@given(st.binary(max_size=300), st.sampled_from([b"gzip", b"deflate", b"br", b""]))
def test_any_bytes_are_a_body_or_an_error(data: bytes, coding: bytes) -> None:
    with suppress(CodingError):
        decompressed(coding, data[:7], data[7:])


@pytest.mark.parametrize(
    ("value", "coding"), [(b"GZIP ", b"gzip"), (b"Identity", b""), (b"", b""), (b"br", b"br")]
)
def test_the_coding_is_what_the_head_says(value: bytes, coding: bytes) -> None:
    headers = ((b"content-type", b"a/b"), (b"content-encoding", value), (b"content-length", b"9"))
    assert coding_of(headers) == coding
    assert coding_of(headers[:1]) == b""
    assert without_coding(headers) == headers[:1]
