"""Summaries that Anthropic's servers have made."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.blocks.compaction import since_summary, summary_of
from gateway.translate.parts.from_messages.turns import turns_of
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import (
    added,
    assistant,
    removed,
    result,
    system,
    text,
    tool,
    use,
    user,
)

FIRST: Json = {"type": "compaction", "content": "1"}
SECOND: Json = {"type": "compaction", "content": "2", "encrypted_content": "e"}
FAILED: Json = {"type": "compaction"}


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


def since(*messages: Json) -> tuple[list[tuple[str, list[str]]], Report]:
    """Return the turns since the last summary: their roles, and the types or texts in them."""
    report = Report(Shape.MESSAGES, Shape.CHAT)
    turns = since_summary(turns_of(messages, context(), report), context(), report)
    return [
        (turn.role, [str(block.json.get("text", block.json["type"])) for block in turn.blocks])
        for turn in turns
    ], report


@pytest.mark.parametrize(
    ("messages", "turns", "dropped"),
    [
        (
            [user("a"), assistant("b"), user("c"), assistant("d", FIRST, "e"), user("f")],
            [("user", ["1"]), ("assistant", ["e"]), ("user", ["f"])],
            ["messages[0]", "messages[1]", "messages[2]", "messages[3].content[0]"],
        ),
        # One that is the whole message, the last one of several, and one that has failed.
        (
            [user("a"), assistant(FIRST), user("b"), assistant(SECOND), user("c")],
            [("user", ["2", "c"])],
            [
                "messages[0]",
                "messages[1]",
                "messages[2]",
                "messages[3].content[0].encrypted_content",
            ],
        ),
        (
            [assistant(FIRST, FAILED, "a"), user("b")],
            [("user", ["1"]), ("assistant", ["compaction", "a"]), ("user", ["b"])],
            [],
        ),
        (
            [user("a"), assistant(FAILED, "b"), user("c")],
            [("user", ["a"]), ("assistant", ["compaction", "b"]), ("user", ["c"])],
            [],
        ),
        (
            [user("a"), assistant(use("1"), FIRST), user(result("1"))],
            [("user", ["a"]), ("assistant", ["tool_use", "compaction"]), ("user", ["tool_result"])],
            [],
        ),
        ([user("a"), assistant(FIRST)], [("user", ["1"])], ["messages[0]"]),
        (
            [user("a"), assistant(FIRST), system("s"), user("b")],
            [("user", ["1"]), ("system", ["s"]), ("user", ["b"])],
            ["messages[0]"],
        ),
        (
            [user("a"), assistant(FIRST, use("1")), user(result("1"), "b")],
            [("user", ["1"]), ("assistant", ["tool_use"]), ("user", ["tool_result", "b"])],
            ["messages[0]"],
        ),
    ],
)
def test_what_a_summary_stands_for_is_left_out(
    messages: list[Json], turns: list[tuple[str, list[str]]], dropped: list[str]
) -> None:
    made, report = since(*messages)
    assert made == turns
    assert report.dropped == dropped


def test_a_summary_has_its_own_path() -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    turns = turns_of([user("a"), assistant(text("b"), FIRST)], context(), report)
    (turn,) = since_summary(turns, context(), report)
    assert [block.path for block in turn.blocks] == ["messages[1].content[1]"]
    assert report.emulated == ["messages[1].content[1]"]
