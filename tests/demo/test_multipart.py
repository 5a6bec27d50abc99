from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.multipart import MultipartReader, PartData, PartStart
from gateway.demo.refusals import Refused

TYPE = "multipart/form-data; boundary=xyz"
BODY = (
    b'--xyz\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a b.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n--xy not the end \r\n--\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="empty"\r\n\r\n\r\n'
    b"--xyz--\r\nepilogue"
)
EXPECTED = [
    (PartStart("purpose", None), b"user_data"),
    (PartStart("file", "a b.bin"), b"\r\n--xy not the end \r\n--"),
    (PartStart("empty", None), b""),
]


def parts(chunks: Iterable[bytes], content_type: str = TYPE) -> list[tuple[PartStart, bytes]]:
    reader = MultipartReader(content_type)
    found: list[tuple[PartStart, bytes]] = []
    for chunk in chunks:
        for event in reader.feed(chunk):
            if isinstance(event, PartData):
                start, data = found[-1]
                found[-1] = (start, data + event.data)
            else:
                found.append((event, b""))
    reader.finish()
    return found


def test_a_form_is_read_whole_and_one_byte_at_a_time() -> None:
    assert parts([BODY]) == EXPECTED
    assert parts(BODY[n : n + 1] for n in range(len(BODY))) == EXPECTED


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_any_chunking_reads_the_same(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(BODY)]
    assert parts(BODY[a:b] for a, b in pairwise(ends)) == EXPECTED


@given(st.binary(max_size=200))
def test_any_content_without_the_boundary_survives(content: bytes) -> None:
    head = b'--b0undary\r\ncontent-disposition: form-data; name="file"\r\n\r\n'
    body = head + content + b"\r\n--b0undary--"
    if b"--b0undary" not in content:
        found = parts([body], 'multipart/form-data; boundary="b0undary"')
        assert found == [(PartStart("file", None), content)]


@pytest.mark.parametrize("length", range(0, BODY.index(b"--xyz--") + 6, 7))
def test_a_form_cut_short_is_refused(length: int) -> None:
    with pytest.raises(Refused, match="unexpected end"):
        parts([BODY[:length]])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"--xyzzy", "garbage after a boundary"),
        (b"--xyz\r\ncontent-disposition: form-data\r\n\r\n", "no name"),
        (b"--xyz\r\n" + b"a" * 20_000, "too large"),
        (b"--xyz\r\n" + b"a" * 20_000 + b"\r\n\r\n", "too large"),
    ],
)
def test_a_malformed_form_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        parts([body])


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(Refused, match="expected multipart/form-data"):
        MultipartReader(content_type)


def test_content_is_handed_on_as_it_comes() -> None:
    reader = MultipartReader(TYPE)
    head = b'--xyz\r\ncontent-disposition: form-data; name="f"\r\n\r\n'
    assert list(reader.feed(head + b"a" * 100)) == [PartStart("f", None), PartData(b"a" * 94)]
