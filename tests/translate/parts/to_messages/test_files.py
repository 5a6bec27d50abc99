import base64

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.parts.to_messages.files import document_source, image_source
from tests.translate.messages_upstreams import context


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://a.org/b.png", {"type": "url", "url": "https://a.org/b.png"}),
        ("HTTP://a.org/b", {"type": "url", "url": "HTTP://a.org/b"}),
        ("data:image/png;base64,AA==", ("image/png", "AA==")),
        ("data:image/JPG;base64,AA==", ("image/jpeg", "AA==")),
        ("data:image/webp;name=a.webp;base64,AA==", ("image/webp", "AA==")),
        ("data:image/gif;base64,AA==", ("image/gif", "AA==")),
    ],
)
def test_pictures_become_sources(url: str, source: Json | tuple[str, str]) -> None:
    if isinstance(source, tuple):
        source = {"type": "base64", "media_type": source[0], "data": source[1]}
    assert image_source(url, "p", context()) == source


PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\1\0\1\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
}


@pytest.mark.parametrize("said", [*PICTURES, "image/jpg", "", "application/octet-stream"])
@pytest.mark.parametrize("kind", PICTURES)
def test_the_data_decide_on_the_type_of_a_picture(kind: str, said: str) -> None:
    data = base64.b64encode(PICTURES[kind]).decode()
    source = {"type": "base64", "media_type": kind, "data": data}
    assert image_source(f"data:{said};base64,{data}", "p", context()) == source


def test_gifs_of_1987_and_large_webps_are_known_too() -> None:
    for kind, begins in (
        ("image/gif", b"GIF87a\1"),
        ("image/webp", b"RIFF\xff\xff\xff\xffWEBPVP8L"),
    ):
        data = base64.b64encode(begins).decode()
        source = image_source(f"data:image/png;base64,{data}", "p", context())
        assert source["media_type"] == kind


@pytest.mark.parametrize(
    "url",
    [
        *("data:image/tiff;base64,AA==", "data:image/png,AA", "data:;base64,AA==", "data:"),
        *("ftp://a.org/b.png", "file-7", ""),
    ],
)
def test_other_pictures_are_refused_by_name(url: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        image_source(url, "messages[0].content[1].image_url.url", context(on_unsupported="drop"))
    assert refused.value.param == "messages[0].content[1].image_url.url"


PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ("data:application/pdf;base64,JVBERi0=", PDF),
        ("JVBERi0=", PDF),
        ("data:text/plain;base64,aGk=", "hi"),
        ("data:text/markdown;charset=utf-8;base64,w6Q=", "ä"),
        ("data:application/json;base64,e30=", "{}"),
    ],
)
def test_documents_become_sources(data: str, source: Json | str) -> None:
    if isinstance(source, str):
        source = {"type": "text", "media_type": "text/plain", "data": source}
    assert document_source(data, "p", context()) == source


@pytest.mark.parametrize(
    "data",
    [
        *("data:application/zip;base64,AA==", "data:text/plain;base64,/w==", "AA==", ""),
        *("data:text/plain;base64,?", "data:text/plain,hi", "data:application/pdf,x"),
    ],
)
def test_other_documents_are_refused_by_name(data: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        document_source(data, "input[0].content[0].file_data", context())
    assert refused.value.param == "input[0].content[0].file_data"
    assert "PDF documents and texts only" in refused.value.message
