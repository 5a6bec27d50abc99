from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.to_messages.blocks import (
    cached,
    chat_blocks,
    mark_last,
    responses_blocks,
    text_block,
)
from tests.translate.messages_upstreams import EPHEMERAL, context

PDF = "data:application/pdf;base64,JVBERi0="
PDF_SOURCE = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
URL = {"type": "url", "url": "https://a.org/b"}
TTL = {"type": "ephemeral", "ttl": "1h"}


def of_chat(content: Any) -> tuple[list[Json], Report, list[str]]:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    blocks = chat_blocks(content, "messages[0]", context(), report)
    paths = [block.client_path(f".{name}") for block in blocks for name in block.fields]
    return [block.sent for block in blocks], report, paths


def of_responses(content: Any) -> tuple[list[Json], Report, list[str]]:
    report = Report(Shape.RESPONSES, Shape.MESSAGES)
    blocks = responses_blocks(content, "input[0].content", context(), report)
    paths = [block.client_path(f".{name}") for block in blocks for name in block.fields]
    return [block.sent for block in blocks], report, paths


@pytest.mark.parametrize(
    ("part", "block", "paths"),
    [
        (
            {"type": "text", "text": "a"},
            {"type": "text", "text": "a"},
            ["messages[0].content[0].text"],
        ),
        (
            {"type": "refusal", "refusal": "no"},
            {"type": "text", "text": "no"},
            ["messages[0].content[0].refusal"],
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a.org/b"}},
            {"type": "image", "source": URL},
            ["messages[0].content[0].image_url.url"],
        ),
        (
            {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
            {"type": "document", "source": PDF_SOURCE, "title": "a.pdf"},
            ["messages[0].content[0].file.file_data", "messages[0].content[0].file.filename"],
        ),
        (
            {"type": "text", "text": "a", "cache_control": TTL},
            {"type": "text", "text": "a", "cache_control": TTL},
            ["messages[0].content[0].text"],
        ),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "text", "text": "a", "cache_control": EPHEMERAL},
            ["messages[0].content[0].text"],
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_parts_of_chat_become_blocks(part: Json, block: Json, paths: list[str]) -> None:
    blocks, report, known = of_chat([part])
    assert blocks == [block]
    assert known == paths
    assert not report.size


@pytest.mark.parametrize(
    ("part", "block", "paths"),
    [
        *(
            (
                {"type": kind, "text": "a"},
                {"type": "text", "text": "a"},
                ["input[0].content[0].text"],
            )
            for kind in ("input_text", "output_text", "text")
        ),
        (
            {"type": "refusal", "refusal": "no"},
            {"type": "text", "text": "no"},
            ["input[0].content[0].refusal"],
        ),
        (
            {"type": "input_image", "image_url": "https://a.org/b", "detail": "auto"},
            {"type": "image", "source": URL},
            ["input[0].content[0].image_url"],
        ),
        (
            {"type": "input_file", "file_data": PDF, "filename": ""},
            {"type": "document", "source": PDF_SOURCE},
            ["input[0].content[0].file_data", "input[0].content[0].filename"],
        ),
        (
            {"type": "input_file", "file_url": "https://a.org/b"},
            {"type": "document", "source": URL},
            ["input[0].content[0].file_url", "input[0].content[0].filename"],
        ),
        (
            {"type": "input_text", "text": "a", "cache_control": TTL},
            {"type": "text", "text": "a", "cache_control": TTL},
            ["input[0].content[0].text"],
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_parts_of_responses_become_blocks(part: Json, block: Json, paths: list[str]) -> None:
    blocks, report, known = of_responses([part])
    assert blocks == [block]
    assert known == paths
    assert not report.size


def test_what_has_no_place_is_reported() -> None:
    picture = {"url": "https://a.org/b", "detail": "low", "zzz": 1}
    _, report, _ = of_chat([{"type": "image_url", "image_url": picture, "yyy": 1}])
    path = "messages[0].content[0]"
    assert report.dropped == [f"{path}.image_url.zzz", f"{path}.image_url.detail", f"{path}.yyy"]
    file = {"file_data": PDF, "file_id": "file-1", "zzz": 1}
    _, report, _ = of_chat([{"type": "file", "file": file}])
    assert report.dropped == [f"{path}.file.zzz", f"{path}.file.file_id"]
    _, report, _ = of_responses(
        [
            {"type": "input_image", "image_url": "https://a.org", "file_id": "f", "detail": "high"},
            {"type": "input_file", "file_url": "https://a.org", "file_id": "f", "detail": "high"},
            {"type": "output_text", "text": "a", "annotations": [{"type": "x"}], "zzz": 1},
        ]
    )
    path = "input[0].content"
    assert report.dropped == [
        *(f"{path}[0].detail", f"{path}[0].file_id", f"{path}[1].detail", f"{path}[1].file_id"),
        *(f"{path}[2].zzz", f"{path}[2].annotations"),
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            "messages[0].content[0]",
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, "messages[0].content[0].file"),
        (
            {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}},
            "messages[0].content[0].image_url.url",
        ),
    ],
)
def test_what_messages_do_not_take_is_refused(part: Json, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        of_chat([part])
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_image", "file_id": "file-1"}, "input[0].content[0]"),
        ({"type": "input_file", "file_id": "file-1"}, "input[0].content[0]"),
        ({"type": "input_file", "file_data": "zip"}, "input[0].content[0].file_data"),
    ],
)
def test_files_of_another_service_are_refused(part: Json, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        of_responses([part])
    assert refused.value.param == param


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_blank_texts_are_left_out(blank: str) -> None:
    assert text_block(blank, "p") == []
    assert of_chat(blank)[0] == of_chat(None)[0] == []
    assert of_chat([{"type": "text", "text": blank}, {"type": "text", "text": "a"}])[0] == [
        {"type": "text", "text": "a"}
    ]
    assert of_responses(blank)[0] == []


def test_texts_name_where_they_come_from() -> None:
    assert of_chat("a")[2] == ["messages[0].content"]
    (block,) = responses_blocks(
        "a", "input[0].content", context(), Report(Shape.RESPONSES, Shape.MESSAGES)
    )
    assert block.client_path(".text") == "input[0].content"


def test_a_messages_mark_goes_to_its_last_block() -> None:
    blocks = text_block("a", "p") + text_block("b", "p")
    mark_last(blocks, {"cache_control": TTL})
    assert [block.sent.get("cache_control") for block in blocks] == [None, TTL]
    mark_last([], {"cache_control": TTL})
    assert cached({"cache_control": "odd"}) == cached({}) == {}


def test_how_long_a_breakpoint_lasts_is_reported() -> None:
    mark = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    blocks, report, _ = of_chat([{"type": "text", "text": "a", **mark}])
    assert blocks == [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]
    assert report.dropped == ["messages[0].content[0].prompt_cache_breakpoint.ttl"]
    blocks, report, _ = of_responses([{"type": "input_text", "text": "a", **mark}])
    assert blocks == [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]
    assert report.dropped == ["input[0].content[0].prompt_cache_breakpoint.ttl"]
