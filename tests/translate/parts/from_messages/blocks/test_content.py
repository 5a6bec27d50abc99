"""Content blocks of the user's as parts."""

from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.content import BlockReader, Placed
from gateway.translate.parts.from_messages.blocks.forms import CHAT, RESPONSES, PartForms
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import PDF, added, image, pdf, removed, text

PATH = "messages[0].content[0]"
URL = "https://a.example/d.pdf"
DATA_URL = "data:image/png;base64,iVBORw0="


def read(block: Json, forms: PartForms = CHAT, **settings: Any) -> tuple[list[Placed], Report]:
    report = Report(Shape.MESSAGES, Shape.CHAT if forms is CHAT else Shape.RESPONSES)
    reader = BlockReader(forms, context(settings=settings), report, frozenset({"f"}))
    return list(reader.parts(block, PATH)), report


def said(words: str) -> Json:
    return CHAT.text(words)


@pytest.mark.parametrize(
    ("block", "parts", "dropped", "emulated"),
    [
        (text("a"), [said("a")], [], []),
        (text("a", citations=[]), [said("a")], [], []),
        (text("a", citations=[{"type": "x"}], zzz=1), [said("a")], ["zzz", "citations"], []),
        (image(), [CHAT.image(DATA_URL)], [], []),
        (image({"type": "url", "url": URL}), [CHAT.image(URL)], [], []),
        (
            {**image({"type": "url", "url": URL, "zzz": 1}), "transformations": {}},
            [CHAT.image(URL)],
            ["source.zzz", "transformations"],
            [],
        ),
        (pdf(), [CHAT.file("document.pdf", PDF)], [], []),
        (
            pdf(title="t.pdf", context="c", citations={"enabled": True}),
            [said("c"), CHAT.file("t.pdf", PDF)],
            ["citations"],
            ["context"],
        ),
        (
            pdf(title="t", context="c", source={"type": "text", "data": "d"}),
            [said("t\nc\n\nd")],
            [],
            [""],
        ),
        (pdf(source={"type": "text", "data": ""}), [], [], [""]),
        (pdf(title="t", source={"type": "text", "data": ""}), [said("t")], [], [""]),
        (
            pdf(source={"type": "content", "content": "d"}, citations={"enabled": False}),
            [said("d")],
            [],
            [""],
        ),
        (
            pdf(title="t", source={"type": "content", "content": [text("d"), image()]}),
            [said("t"), said("d"), CHAT.image(DATA_URL)],
            [],
            [""],
        ),
        (
            pdf(source={"type": "content", "content": [text("d")]}),
            [said("d")],
            [],
            [""],
        ),
        (
            {
                "type": "search_result",
                "title": "t",
                "source": "s",
                "content": [text("a"), text("b", citations=[{}])],
                "citations": {"enabled": True},
            },
            [said("t\ns\n\na\nb")],
            ["citations", "content[1].citations"],
            [""],
        ),
        (added("f"), [said("Tool f is now available.")], [], [""]),
        (removed("f"), [said("Tool f is no longer available.")], [], [""]),
        (added("gone"), [], [""], []),
        (removed("gone"), [], [""], []),
        ({"type": "tool_reference", "tool_name": "gone"}, [], [""], []),
        (removed(type="mcp_toolset_reference", server_name="m"), [], [""], []),
        (
            {"type": "tool_reference", "tool_name": "f"},
            [said("Tool f is now available.")],
            [],
            [""],
        ),
    ],
)
def test_a_block_becomes_parts(
    block: Json, parts: list[Json], dropped: list[str], emulated: list[str]
) -> None:
    made, report = read(block)
    assert [placed.part for placed in made] == parts
    assert report.dropped == [f"{PATH}.{name}".removesuffix(".") for name in dropped]
    assert report.emulated == [f"{PATH}.{name}".removesuffix(".") for name in emulated]


def test_parts_know_their_block() -> None:
    inner = pdf(title="t", source={"type": "content", "content": [text("d"), image()]})
    made, _ = read(inner)
    assert [placed.path for placed in made] == [
        PATH,
        f"{PATH}.source.content[0]",
        f"{PATH}.source.content[1]",
    ]
    assert [placed.text for placed in made] == ["t", "d", None]


REFUSED: list[Json] = [
    image({"type": "file", "file_id": "f"}),
    pdf(source={"type": "file", "file_id": "f"}),
    pdf(source={"type": "url", "url": URL}),
    {"type": "browser_state"},
    {"type": "container_upload", "file_id": "f"},
]


@pytest.mark.parametrize("block", REFUSED)
def test_what_has_no_place_is_refused_by_its_path_or_dropped(block: Json) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        read(block)
    assert caught.value.param == PATH
    made, report = read(block, on_unsupported="drop")
    assert (made, report.dropped) == ([], [PATH])


def test_responses_take_a_pdf_by_its_url() -> None:
    made, report = read(pdf(title="t", source={"type": "url", "url": URL}), RESPONSES)
    assert [placed.part for placed in made] == [{"type": "input_file", "file_url": URL}]
    assert report.dropped == [f"{PATH}.title"]
    bare, report = read(pdf(source={"type": "url", "url": URL}), RESPONSES)
    assert bare == made
    assert report.size == 0
