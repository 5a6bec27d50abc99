"""Which translation joins which shapes."""

import subprocess
import sys

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import can_translate, plan
from gateway.translate.renaming import Renaming


def test_equal_shapes_are_renamed() -> None:
    assert isinstance(plan(Shape.CHAT, Shape.CHAT, {}, Context("a", "b")), Renaming)


def test_every_pair_that_can_be_translated_says_so_in_its_report() -> None:
    bodies: dict[Shape, Json] = {
        Shape.COMPLETIONS: {"model": "a", "prompt": "Hi"},
        Shape.CHAT: {"model": "a", "messages": [{"role": "user", "content": "Hi"}]},
        Shape.RESPONSES: {"model": "a", "input": "Hi"},
        Shape.MESSAGES: {
            "model": "a",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hi"}],
        },
    }
    for client in Shape:
        for home in Shape:
            if can_translate(client, home):
                translation = plan(client, home, bodies[client], Context("a", "b"))
                report = translation.report
                assert (report.source, report.target) == (client, home)
                assert [call["model"] for call in translation.calls] == ["b"]


def test_what_few_requests_need_is_not_loaded_with_the_rest() -> None:
    rare = ["gateway.translate.answered_as_chat", "gateway.translate.mixed_chat"]
    code = f"import sys, gateway.app; sys.exit(any(name in sys.modules for name in {rare}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
