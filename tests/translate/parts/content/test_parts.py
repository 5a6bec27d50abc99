import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.parts import (
    AssistantTexts,
    assistant_texts,
    chat_input_parts,
    chat_part_field,
    responses_input_parts,
    responses_output_parts,
)

CONTEXT = Context(model_asked="m", model_sent="m")
MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def to_responses(*parts: object) -> list[Json]:
    return responses_input_parts(parts, "p", CONTEXT, Report(Shape.CHAT, Shape.RESPONSES))


def to_chat(*parts: object, report: Report | None = None) -> list[Json]:
    report = report or Report(Shape.RESPONSES, Shape.CHAT)
    return chat_input_parts(parts, "p", CONTEXT, report)


def said_to_responses(*parts: object) -> list[Json]:
    return responses_output_parts(parts, "p", CONTEXT, Report(Shape.CHAT, Shape.RESPONSES))


def said_to_chat(*parts: object, report: Report | None = None) -> AssistantTexts:
    return assistant_texts(parts, "p", CONTEXT, report or Report(Shape.RESPONSES, Shape.CHAT))


@pytest.mark.parametrize(
    ("chat", "responses"),
    [
        ({"type": "text", "text": "a"}, {"type": "input_text", "text": "a"}),
        (
            {"type": "image_url", "image_url": {"url": "u", "detail": "low"}},
            {"type": "input_image", "image_url": "u", "detail": "low"},
        ),
        (
            {"type": "file", "file": {"file_id": "f"}},
            {"type": "input_file", "file_id": "f"},
        ),
        (
            {"type": "file", "file": {"filename": "n", "file_data": "d"}, **MARK},
            {"type": "input_file", "filename": "n", "file_data": "d", **MARK},
        ),
        (
            {"type": "text", "text": "a", **MARK},
            {"type": "input_text", "text": "a", **MARK},
        ),
    ],
)
def test_parts_are_translated_in_both_directions(chat: Json, responses: Json) -> None:
    assert to_responses(chat) == [responses]
    assert to_chat(responses) == [chat]


def test_the_detail_of_an_image_is_always_said_in_responses() -> None:
    (image,) = to_responses({"type": "image_url", "image_url": {"url": "u"}})
    assert image["detail"] == "auto"


def test_the_detail_original_is_high_in_chat() -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    image = {"type": "input_image", "image_url": "u", "detail": "original"}
    (made,) = to_chat(image, report=report)
    assert made["image_url"]["detail"] == "high"
    assert report.changed == ["p[0].detail:original->high"]


def test_an_image_needs_no_detail_in_chat() -> None:
    (made,) = to_chat({"type": "input_image", "image_url": "u"})
    assert made == {"type": "image_url", "image_url": {"url": "u"}}


def test_an_image_with_a_url_needs_no_file() -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    to_chat({"type": "input_image", "image_url": "u", "file_id": "f"}, report=report)
    assert report.dropped == ["p[0].file_id"]


def test_the_detail_of_a_file_is_dropped() -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    to_chat({"type": "input_file", "file_id": "f", "detail": "high"}, report=report)
    to_chat({"type": "input_file", "file_id": "f", "detail": "auto"}, report=report)
    assert report.dropped == ["p[0].detail"]


def test_audio_has_no_place_in_responses() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
    with pytest.raises(UnsupportedParameter) as caught:
        to_responses({"type": "text", "text": ""}, audio)
    assert caught.value.param == "p[1]"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "file_id": "f"},
        {"type": "input_file", "file_url": "https://x"},
        {"type": "input_file"},
    ],
)
def test_images_by_id_and_files_by_url_have_no_place_in_chat(part: Json) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        to_chat(part)
    assert caught.value.param == "p[0]"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (5, "p[0]"),
        ({}, "p[0].type"),
        ({"type": "refusal", "refusal": "x"}, "p[0].type"),
        ({"type": "text"}, "p[0].text"),
        ({"type": "image_url", "image_url": {}}, "p[0].image_url.url"),
        ({"type": "file", "file": {"file_id": 1}}, "p[0].file.file_id"),
    ],
)
def test_what_is_not_a_chat_part_is_refused(part: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        to_responses(part)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ("x", "p[0]"),
        ({"type": "image_url"}, "p[0].type"),
        ({"type": "input_text", "text": 5}, "p[0].text"),
        ({"type": "input_image", "image_url": {"url": "u"}}, "p[0].image_url"),
        ({"type": "input_file", "file_data": 1}, "p[0].file_data"),
    ],
)
def test_what_is_not_an_input_part_is_refused(part: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        to_chat(part)
    assert caught.value.param == param


def test_the_assistants_parts_are_output_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
    assert said_to_responses(*parts) == [
        {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "b"},
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url", "image_url": {"url": "u"}}, "p[0].type"),
        ({"type": "refusal"}, "p[0].refusal"),
    ],
)
def test_what_an_assistant_cannot_say_is_refused(part: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        said_to_responses(part)
    assert caught.value.param == param


def test_what_an_assistant_said_is_joined() -> None:
    parts = [
        {"type": "output_text", "text": "a", "annotations": []},
        {"type": "refusal", "refusal": "no"},
        {"type": "input_text", "text": "b"},
    ]
    assert said_to_chat(*parts) == AssistantTexts(["a", "b"], ["no"])
    assert said_to_chat() == AssistantTexts([], [])


def test_citations_and_cache_marks_of_an_assistant_are_reported() -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    cited = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]}
    said_to_chat(cited, {"type": "input_text", "text": "b", **MARK}, report=report)
    assert report.dropped == ["p[0].annotations", "p[1].prompt_cache_breakpoint"]
    report = Report(Shape.RESPONSES, Shape.CHAT)
    to_chat(cited, report=report)
    assert report.dropped == ["p[0].annotations"]
    report = Report(Shape.CHAT, Shape.RESPONSES)
    responses_output_parts([{"type": "text", "text": "b", **MARK}], "p", CONTEXT, report)
    assert report.dropped == ["p[0].prompt_cache_breakpoint"]


def test_what_an_assistant_cannot_have_said_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        said_to_chat({"type": "output_text", "text": ""}, {"type": "input_image"})
    assert caught.value.param == "p[1].type"


def test_fields_of_parts_have_chats_paths() -> None:
    assert chat_part_field({"type": "input_image"}, "image_url") == "image_url.url"
    assert chat_part_field({"type": "input_file"}, "file_data") == "file.file_data"
    assert chat_part_field({"type": "input_text"}, "text") == "text"
    assert chat_part_field({}, "x") == "x"


@given(
    parts=st.lists(
        st.text(max_size=5).map(lambda t: {"type": "text", "text": t})
        | st.text(max_size=5).map(
            lambda u: {"type": "image_url", "image_url": {"url": u, "detail": "high"}}
        ),
        max_size=4,
    )
)
def test_there_and_back_is_the_same(parts: list[Json]) -> None:
    assert to_chat(*to_responses(*parts)) == parts
