import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.form import Form, FormReader, ReceivedFile
from gateway.demo.refusals import Refused

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = "" if filename is None else f'; filename="{filename}"'
    return (
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
        + value
        + b"\r\n"
    )


def read(*chunks: bytes, always: frozenset[str] = frozenset()) -> Form:
    reader = FormReader(TYPE, always)
    for chunk in chunks:
        reader.feed(chunk)
    return reader.finish()


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def test_fields_are_kept_and_files_are_hashed() -> None:
    form = read(whole(part("n", b"2"), part("image", b"\x89PNG", "a.png"), part("n", b"3")))
    digest = hashlib.sha256(b"\x89PNG").hexdigest()
    assert form.fields == {"n": ["2", "3"]}
    assert form.files == {"image": [ReceivedFile("a.png", 4, digest)]}
    assert form.text("n", "1") == form.required_text("n") == "3"
    assert form.text("size", "none") == "none"
    assert form.required_file("image").filename == "a.png"


def test_a_part_without_a_file_name_is_a_file_where_it_must_be_one() -> None:
    form = read(whole(part("file", b"x")), always=frozenset({"file"}))
    assert (form.fields, form.required_file("file").filename) == ({}, "upload")


def test_a_form_without_parts_is_empty() -> None:
    assert read(b"--xyz--\r\n") == Form()


@pytest.mark.parametrize("find", [Form().required_text, Form().required_file])
def test_what_is_missing_is_named(find: object) -> None:
    assert callable(find)
    with pytest.raises(Refused) as caught:
        find("prompt")
    assert (caught.value.param, caught.value.code) == ("prompt", "missing_required_parameter")


def test_long_fields_and_many_parts_are_refused() -> None:
    with pytest.raises(Refused, match="the field 'prompt' is too long"):
        read(whole(part("prompt", b"x" * 70_000)))
    with pytest.raises(Refused, match="more than 200 parts"):
        read(whole(*[part("a", b"")] * 201))
    assert len(read(whole(*[part("a", b"")] * 200)).fields["a"]) == 200


def test_a_form_that_ends_too_early_is_refused() -> None:
    body = whole(part("n", b"2"))
    with pytest.raises(Refused):
        read(body[:-10])


@given(st.binary(max_size=200), st.integers(1, 7))
def test_a_file_is_the_same_however_it_arrives(content: bytes, step: int) -> None:
    body = whole(part("file", content.replace(b"--xyz", b""), "f"), part("n", b"1"))
    chunks = [body[start : start + step] for start in range(0, len(body), step)]
    assert read(*chunks) == read(body)
