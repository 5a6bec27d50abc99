"""The instructions of a messages request."""

import pytest

from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.system import BILLING, system_texts
from tests.translate.messages_prepared import context
from tests.translate.messages_requests import text

BILL = text(f"{BILLING} cc_version=2.1.332.188;")


@pytest.mark.parametrize(
    ("given", "texts", "dropped"),
    [
        (None, [], []),
        ("", [], []),
        ("a", [("a", "system")], []),
        ([], [], []),
        ([text("a"), text("b")], [("a", "system[0]"), ("b", "system[1]")], []),
        ([BILL, text("b")], [("b", "system[1]")], ["system[0]"]),
        ([BILL], [], ["system[0]"]),
        ([text(""), text("b"), text("")], [("b", "system[1]")], []),
        ([BILL, text("")], [], ["system[0]"]),
        # Only the first block is Claude Code's attribution, and only as a block.
        ([text("a"), BILL], [("a", "system[0]"), (BILL["text"], "system[1]")], []),
        (BILL["text"], [(BILL["text"], "system")], []),
        # And only if the block says nothing else.
        ([text(f"{BILL['text']}\n")], [], ["system[0]"]),
        (
            [text(f"{BILL['text']}\n\nBe brief.")],
            [(f"{BILL['text']}\n\nBe brief.", "system[0]")],
            [],
        ),
        ([text("a", citations=[{}])], [("a", "system[0]")], ["system[0].citations"]),
        ([text("a", zzz=1)], [("a", "system[0]")], ["system[0].zzz"]),
    ],
)
def test_the_attribution_is_left_out(
    given: object, texts: list[tuple[str, str]], dropped: list[str]
) -> None:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    client = {} if given is None else {"system": given}
    assert system_texts(client, context(), report) == texts
    assert report.dropped == dropped
