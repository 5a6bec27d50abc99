"""Summaries that Anthropic's servers have made."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.compaction import summary_of
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import added, removed, tool


@pytest.mark.parametrize(
    ("block", "text", "dropped", "emulated"),
    [
        ({"content": "Before that …"}, "Before that …", [], ["x"]),
        ({"content": "a", "signature": "s"}, "a", ["x.signature"], ["x"]),
        ({"encrypted_content": "e"}, "", ["x.encrypted_content"], []),
        ({"tool_changes": []}, "", [], []),
        ({"tool_changes": [added("a"), added(definition=tool("b"))]}, "", [], []),
        (
            {"tool_changes": [added("a"), removed(type="mcp_toolset_reference", server_name="m")]},
            "",
            ["x.tool_changes[1]"],
            [],
        ),
    ],
)
def test_a_summary_is_its_text(
    block: Json, text: str, dropped: list[str], emulated: list[str]
) -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    assert summary_of({"type": "compaction", **block}, "x", context(), report) == text
    assert (report.dropped, report.emulated) == (dropped, emulated)
