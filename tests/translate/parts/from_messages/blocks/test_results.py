"""Results of tools."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.blocks.results import result_parts
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import image, result, text

PATH = "messages[2].content[0]"


def read(block: Json) -> tuple[list[object], Report]:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    parts = result_parts(block, PATH, BlockReader(CHAT, context(), report, frozenset({"f"})))
    return [placed.text or placed.part["type"] for placed in parts], report


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (result("a", None), []),
        (result("a", ""), []),
        (result("a", []), []),
        (result("a", [text("")]), []),
        (result("a", "ok", is_error=False), ["ok"]),
        (result("a", [text(""), image(), text("", citations=[{}]), text("x")]), ["image_url", "x"]),
        (result("a", [text("x"), image(), text("y")]), ["x", "image_url", "y"]),
        (result("a", [{"type": "tool_reference", "tool_name": "f"}]), ["Tool f is now available."]),
    ],
)
def test_a_result_is_its_content(block: Json, parts: list[str]) -> None:
    made, report = read(block)
    assert made == parts
    assert f"{PATH}.is_error" not in report.emulated


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("Exit code 1", ["Error: Exit code 1"]),
        ("error: no such file", ["error: no such file"]),
        (" ERROR 5", [" ERROR 5"]),
        ([text("x"), text("y")], ["Error: x", "y"]),
        ([text(""), text("y")], ["Error: y"]),
        ([text("")], ["Error"]),
        ([text(""), image()], ["Error", "image_url"]),
        ([image()], ["Error", "image_url"]),
        (None, ["Error"]),
    ],
)
def test_a_failure_is_said_in_the_text(content: object, parts: list[str]) -> None:
    made, report = read(result("a", content, is_error=True))
    assert made == parts
    assert report.emulated == [f"{PATH}.is_error"]


def test_what_has_no_place_is_reported() -> None:
    _, report = read(result("a", toolset_name="t", zzz=1))
    assert report.dropped == [f"{PATH}.zzz", f"{PATH}.toolset_name"]
    _, report = read(result("a", zzz=1))
    assert report.dropped == [f"{PATH}.zzz"]
