"""Which translation joins which shapes."""

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
