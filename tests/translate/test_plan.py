"""Which translation joins which shapes."""

import importlib
import subprocess
import sys

import pytest

from gateway.shapes import Json, Shape
from gateway.translate import plan as plan_module
from gateway.translate.contract import Context
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.plan import can_translate, is_loaded, load, plan
from gateway.translate.renaming import Renaming
from tests.lock_of_loading import is_held


def test_equal_shapes_are_renamed() -> None:
    assert isinstance(plan(Shape.CHAT, Shape.CHAT, {}, Context("a", "a")), Renaming)
    renamed = plan(Shape.CHAT, Shape.CHAT, {}, Context("a", "b"))
    assert renamed.calls == ({"model": "b"},)
    assert renamed.report.models == ModelNames(sent="b", asked="a")


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


def test_a_pair_is_loaded_once_and_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "_loaded", {})
    pair = Shape.MESSAGES, Shape.COMPLETIONS
    assert not is_loaded(*pair)
    assert is_loaded(Shape.CHAT, Shape.CHAT)
    translate = load(*pair)
    assert is_loaded(*pair)
    assert load(*pair) is translate
    with pytest.raises(KeyError):
        load(Shape.CHAT, Shape.CHAT)


def test_while_a_part_is_loaded_no_other_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def import_module(name: str) -> object:
        held.append(is_held())
        return importlib.import_module(name)

    monkeypatch.setattr(plan_module, "_loaded", {})
    monkeypatch.setattr(plan_module, "import_module", import_module)
    plan_module._rare.cache_clear()
    load(Shape.MESSAGES, Shape.COMPLETIONS)
    assert not plan_module.has_other_parts({"messages": []})
    assert held == [True] * 3
    assert not is_held()


@pytest.mark.parametrize(
    ("client", "home"),
    [
        (Shape.CHAT, Shape.MESSAGES),
        (Shape.RESPONSES, Shape.MESSAGES),
        (Shape.MESSAGES, Shape.CHAT),
        (Shape.MESSAGES, Shape.RESPONSES),
    ],
)
def test_a_pair_loads_its_own_package_and_hardly_more(client: Shape, home: Shape) -> None:
    code = (
        "import sys, gateway.app; from gateway.shapes import Shape; before = {*sys.modules}; "
        f"from gateway.translate.plan import load; load(Shape('{client}'), Shape('{home}')); "
        "print(*{*sys.modules} - before)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = ran.stdout.split()
    package = f"gateway.translate.{client}_via_{home}"
    others = [name for name in loaded if not f"{name}.".startswith(f"{package}.")]
    assert package in loaded
    assert {*others} <= {"gateway.translate.stream.messages.messages_frame"}


def test_what_few_requests_need_is_not_loaded_with_the_rest() -> None:
    rare = [
        "gateway.translate.as_chat.translation",
        "gateway.translate.mixed_chat",
        "gateway.translate.chat_via_messages",
        "gateway.translate.messages_via_chat",
        "gateway.translate.messages_via_responses",
        "gateway.translate.responses_via_messages",
    ]
    code = f"import sys, gateway.app; sys.exit(any(name in sys.modules for name in {rare}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
