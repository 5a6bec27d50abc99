"""Contents of agents' responses requests in chat's form."""

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.from_responses.response_contents import (
    as_string,
    content_of,
    joined,
    says,
    texts_of,
)
from gateway.fast.agents.from_responses.responses_items import Part, read_parts
from gateway.fast.agents.uncommon import Uncommon
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from tests.fast.agents.responses_traffic import IMAGE, SAID, TEXT


def parts(*given: Json) -> list[Part]:
    return read_parts(encode(given))


def content(*given: Json, images: bool = True) -> tuple[object, Report]:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    written = content_of(parts(*given), "input[0].content", report, images=images)
    return decode(encode(written)), report


def test_one_text_is_a_string() -> None:
    assert content(TEXT)[0] == TEXT["text"]
    assert content(SAID)[0] == "Hm."


def test_images_keep_their_detail_as_far_as_chat_has_it() -> None:
    written, report = content(TEXT, {**IMAGE, "detail": "original"})
    image = {"url": IMAGE["image_url"], "detail": "high"}
    assert written == [
        {"type": "text", "text": TEXT["text"]},
        {"type": "image_url", "image_url": image},
    ]
    assert report.changed == ["input[0].content[1].detail:original->high"]


@pytest.mark.parametrize("given", [(), (IMAGE,), ({"type": "reasoning_text", "text": "a"},)])
def test_anything_else_is_not_admitted(given: tuple[Json, ...]) -> None:
    with pytest.raises(Uncommon):
        content(*given, images=False)


def test_empty_texts_of_the_assistant_are_left_out() -> None:
    texts = texts_of(parts(SAID, {**SAID, "text": ""}))
    assert [as_string(said) for said in texts] == ["Hm."]
    assert all(map(says, texts))
    with pytest.raises(Uncommon):
        texts_of(parts(IMAGE))


def test_texts_of_instructions_are_joined_by_lines() -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    several = content_of(parts(SAID, SAID), "input[0].content", report, images=False)
    assert joined(several) == "Hm.\nHm."
    assert joined("Hm.") == "Hm."
    assert not says("")
