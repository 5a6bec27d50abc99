"""Parts of multipart forms: where they end, and what their heads say."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.restricted.form_parts import MAX_HEAD_BYTES, FormSource, Part


def head(disposition: str, *more: str) -> bytes:
    return "\r\n".join((f"Content-Disposition: {disposition}", *more)).encode()


def source(body: bytes, size: int) -> FormSource:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    return FormSource(pieces())


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (head('form-data; name="model"'), Part("model", None, "")),
        (head("form-data; name=model"), Part("model", None, "")),
        (head('FORM-DATA ; NAME="a[b]"'), Part("a[b]", None, "")),
        (head('form-data; name="a"', "Content-Type: text/plain"), Part("a", None, "")),
        (
            head('form-data; name="a"', "Content-Type: Application/JSON; charset=utf-8"),
            Part("a", None, "application/json"),
        ),
        (
            head('form-data; name="file"; filename="a \\"b\\".txt"', "Content-Type: text/plain"),
            Part("file", "a _b_.txt", "text/plain"),
        ),
        (
            head("form-data; name=file; filename*=UTF-8''%C3%BC.txt"),
            Part("file", "ü.txt", ""),
        ),
        (
            head("form-data; name=a", "Content-Transfer-Encoding: binary", "X-Other: 1"),
            Part("a", None, ""),
        ),
    ],
)
def test_a_head_is_understood(given: bytes, part: Part) -> None:
    assert Part.read(given) == part


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", "not `Name: value`"),
        (b"Content-Disposition", "not `Name: value`"),
        (head("form-data; name=a", "X: \xff").decode().encode("latin-1"), "not UTF-8"),
        (head("form-data; name=a", "X: 1", "x: 2"), "has x twice"),
        (head("form-data; name=a", "Content-Transfer-Encoding: base64"), "Transfer-Encoding"),
        (b"Content-Type: text/plain", "is not `form-data"),
        (head("attachment; name=a"), "is not `form-data"),
        (head("form-data; name=a; name=b"), "repeated 'name'"),
        (head("form-data; name=a; size=1"), "odd or repeated 'size'"),
        (head("form-data; name*=utf-8''a"), "odd or repeated 'name*'"),
        (head('form-data; name=""'), "may not be called"),
        (head("form-data; name=_charset_"), "may not be called"),
        (head("form-data; name=a; filename*=latin-1''b"), "not in UTF-8"),
        (head("form-data; name=model; filename=b"), "must not be a file"),
        (head("form-data; name=session; filename=b"), "must not be a file"),
        (head("form-data; name=a", "Content-Type: odd"), "not a media type"),
        (head("form-data; name=a", "Content-Type: multipart/mixed"), "another form"),
        (head("form-data; name=a", "Content-Type: text/plain; charset=utf-7"), "not in UTF-8"),
    ],
)
def test_a_head_that_parsers_could_read_differently_is_refused(given: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Part.read(given)
    assert reason in refused.value.message
    assert refused.value.code == "invalid_form"


def test_a_head_is_written_so_that_it_can_be_read_again() -> None:
    for part in (Part("a", None, ""), Part("f", "b.txt", "image/png")):
        assert Part.read(part.head().removesuffix(b"\r\n\r\n")) == part


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_body_is_taken_by_its_marks(size: int) -> None:
    async def scenario() -> None:
        form = source(b"abcXYdeXYfghXY  \r\n", size)
        assert await form.starts_with(b"ab")
        assert not await form.starts_with(b"ax")
        assert await form.until(b"XY", 3) == b"abc"
        assert b"".join([piece async for piece in form.pieces(b"XY")]) == b"de"
        assert b"".join([piece async for piece in form.pieces(b"XY")]) == b"fgh"
        await form.nothing_more()

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"abcdXY", "exceeds 3 bytes"), (b"abcdefgh", "exceeds 3 bytes"), (b"ab", "last boundary")],
)
def test_what_stands_before_a_mark_is_bounded(body: bytes, reason: str, size: int) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        asyncio.run(source(body, size).until(b"XY", 3))


@pytest.mark.parametrize("rest", [b"more", b" " * (MAX_HEAD_BYTES + 1)])
def test_nothing_but_a_lines_end_may_follow(rest: bytes) -> None:
    with pytest.raises(InvalidRequest, match="follows its last boundary"):
        asyncio.run(source(rest, 100).nothing_more())
