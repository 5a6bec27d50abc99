"""Pictures in replies, in the forms that servers give them."""

from typing import Any

import pytest

from gateway.translate.parts.content.images import data_url, generated, image, images_of, url_of

PNG = "data:image/png;base64,QUJD"
WEB = "https://a.test/b.png"


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "image_url", "image_url": {"url": PNG}, "index": 0},
        {"type": "image_url", "image_url": PNG},
        {"type": "image", "url": PNG},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "output_image", "b64_json": "QUJD"},
        {"image": {"data": "QUJD", "mimeType": "image/png"}},
        PNG,
    ],
)
def test_every_form_is_the_same_picture(entry: Any) -> None:
    assert images_of({"images": [entry]}) == [image(PNG)]


def test_parts_of_the_content_are_pictures_too() -> None:
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": WEB}},
        {"type": "input_image", "image_url": PNG},
        "odd",
    ]
    found = images_of({"images": None, "content": parts})
    assert [url_of(each) for each in found] == [WEB, PNG]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"images": "x", "content": "text"},
        {"images": [None, 5, "", {}, {"image_url": None}, {"image_url": {"url": ""}}]},
        {"content": [{"type": ["image"], "url": WEB}, {"type": "image_url"}]},
    ],
)
def test_what_is_not_a_picture_is_none(message: Any) -> None:
    assert images_of(message) == []


def test_a_picture_as_a_response_has_it() -> None:
    assert generated(PNG) == {"result": "QUJD", "output_format": "png"}
    assert generated("data:image/jpeg;base64,QUJD")["output_format"] == "jpeg"
    assert generated("data:image/svg+xml;base64,QUJD") == {"result": "QUJD"}
    assert generated("data:;base64,QUJD") == {"result": "QUJD"}
    for url in (WEB, "data:text/plain,abc"):
        assert generated(url) == {"result": None, "image_url": url}
    assert data_url("QUJD", "webp") == "data:image/webp;base64,QUJD"
    assert data_url("QUJD", "a/b") == data_url("QUJD", None) == PNG
