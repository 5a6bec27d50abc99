"""What both of OpenAI's endpoints are sent of a conversation alike."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.parts.from_messages.blocks.content import Placed
from gateway.translate.parts.from_messages.conversation import content_of
from tests.translate.messages_prepared import TARGETS, Prepared, context, prepared, refused
from tests.translate.messages_requests import asked, assistant, image, system, text, user

TEXT = {Shape.CHAT: "text", Shape.RESPONSES: "input_text"}
SAID = {Shape.CHAT: "messages", Shape.RESPONSES: "input"}


def sent(target: Shape, *messages: Json, able: Any = None, **settings: Any) -> Prepared:
    of = context(target, able=able or {}, settings=settings)
    return prepared(asked(*messages), of, target)


def roles(found: Prepared, target: Shape) -> list[str]:
    return [each["role"] for each in found.call[SAID[target]]]


@pytest.mark.parametrize("target", TARGETS)
def test_where_roles_alternate_what_the_user_says_again_joins_the_last_message(
    target: Shape,
) -> None:
    conversation = (user("a"), system("b"), user("c", image()))
    strict = {"roles_in_a_row": False}
    found = sent(target, *conversation, able=strict, late_system="user")
    (only,) = found.call[SAID[target]]
    texts = [part.get("text") for part in only["content"]]
    assert (only["role"], texts) == ("user", ["a", "<system>\nb\n</system>", "c", None])
    assert found.named(f"{SAID[target]}[0].content[2]") == "messages[2].content[0]"
    free = sent(target, *conversation, late_system="user")
    assert roles(free, target) == ["user", "user", "user"]


@pytest.mark.parametrize("target", TARGETS)
def test_prefill_that_is_dropped_leaves_nothing(target: Shape) -> None:
    conversation = (user("a"), assistant("b"), assistant("c"))
    assert refused(asked(*conversation), target=target).param == "messages[1]"
    found = sent(target, *conversation, on_unsupported="drop")
    assert roles(found, target) == ["user"]
    assert list(found.report.dropped) == ["messages[1]", "messages[2]"]


@pytest.mark.parametrize("target", TARGETS)
def test_only_the_last_turn_is_prefill(target: Shape) -> None:
    found = sent(target, user("a"), assistant("b"), user("c"))
    assert roles(found, target) == ["user", "assistant", "user"]


def test_a_content_of_one_text_is_the_text() -> None:
    one, picture = Placed(text("a"), "p"), Placed(image(), "p")
    assert content_of([one]) == "a"
    assert content_of([picture]) == [image()]
    assert content_of([one, one]) == [text("a"), text("a")]
