"""What Anthropic's own tools have done, for other models."""

from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.server_blocks import text_of_record
from gateway.translate.parts.from_messages.tool_names import sent_name
from tests.translate.messages_prepared import context

SEARCH: Json = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {"type": "web_search_result", "title": "T", "url": "https://a.example", "page_age": "1 d",
         "encrypted_content": "EqoB"},
    ],
}  # fmt: skip

DEEP: Any = "text"
for _ in range(2000):
    DEEP = {"content": [DEEP]}


@pytest.mark.parametrize("settings", [{"on_unsupported": "drop"}, {"hosted_tools": "drop"}])
@pytest.mark.parametrize(
    ("block", "text"),
    [
        (SEARCH, "T\nhttps://a.example"),
        ({"type": "server_tool_use", "id": "a", "name": "web_search", "input": {"query": "q"}}, ""),
        (
            {
                "type": "web_fetch_tool_result",
                "content": {
                    "type": "web_fetch_result",
                    "url": "https://a.example",
                    "content": {
                        "type": "document",
                        "title": "T",
                        "source": {"type": "text", "media_type": "text/plain", "data": "D"},
                    },
                },
            },
            "https://a.example\nT\nD",
        ),
        (
            {
                "type": "web_fetch_tool_result",
                "content": {"content": {"source": {"type": "base64", "data": "JVBERi0="}}},
            },
            "",
        ),
        (
            {"type": "code_execution_tool_result", "content": {"stdout": "1", "stderr": ""}},
            "1",
        ),
        (
            {
                "type": "tool_search_tool_result",
                "content": {"tool_references": [{"tool_name": "f"}, {"tool_name": "g" * 65}]},
            },
            f"f\n{sent_name('g' * 65)}",
        ),
        ({"type": "mcp_tool_result", "content": "said"}, "said"),
        ({"type": "web_search_tool_result", "content": {"error_code": "unavailable"}},
         "unavailable"),
        ({"type": "advisor_tool_result", "content": 5}, ""),
        ({"type": "advisor_tool_result", "content": DEEP}, ""),
    ],
)  # fmt: skip
def test_its_plain_text_is_left_where_it_is_dropped(
    block: Json, text: str, settings: dict[str, Any]
) -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    of = context(settings=settings)
    assert text_of_record(block, "messages[1].content[0]", of, report) == text
    assert report.dropped == ["messages[1].content[0]"]


def test_it_is_refused_by_its_path() -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    with pytest.raises(UnsupportedParameter, match="web_search_tool_result") as caught:
        text_of_record(SEARCH, "messages[1].content[0]", context(), report)
    assert caught.value.param == "messages[1].content[0]"


@pytest.mark.parametrize("setting", ["auto", "refuse", "drop"])
def test_a_mark_between_two_models_is_dropped(setting: str) -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    mark = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": None}
    of = context(settings={"hosted_tools": setting})
    assert text_of_record(mark, "messages[1].content[1]", of, report) == ""
    assert report.dropped == ["messages[1].content[1]"]
