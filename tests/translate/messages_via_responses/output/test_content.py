"""What items say, as blocks: calls in all their forms."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output.tracking import ItemKind, OutputItem
from gateway.translate.contract import Report
from gateway.translate.messages_via_responses.output.content import Content
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.stream.messages.messages_frame import MessagesFrame
from tests.messages_grammar import read_message
from tests.translate.messages_client import Request, context, failure, texts


class Scene:
    """A message, and what is said into it."""

    def __init__(self, options: MessagesReplyOptions | None = None) -> None:
        self.report = Report(Shape.MESSAGES, Shape.RESPONSES)
        self.frame = MessagesFrame(context())
        request = Request(Shape.RESPONSES, options or MessagesReplyOptions(tools=frozenset({"ls"})))
        self.content = Content(request, self.frame, context(), self.report)

    def message(self, *, truncated: bool = False) -> Json:
        self.frame.start(None, None)
        self.frame.end(Stop("max_tokens" if truncated else "end_turn"), None, truncated=truncated)
        return read_message(self.frame.sent())


def item(kind: ItemKind = ItemKind.MESSAGE) -> OutputItem:
    return OutputItem(kind, announced=True)


def test_nothing_is_said_by_empty_texts() -> None:
    scene, said = Scene(), item()
    scene.content.add_text(said, 0, "")
    scene.content.refuse(said, 0, "")
    scene.content.reason(item(ItemKind.REASONING), "summary", 0, "")
    assert scene.message()["content"] == []
    assert [scene.content.has_calls] == [False]


def test_a_call_in_pieces_and_as_a_whole() -> None:
    scene = Scene()
    call = item(ItemKind.CALL).call
    scene.content.describe(call, {"name": "ls", "call_id": "call_1"})
    scene.content.open(call, "")
    scene.content.add(call, '{"a"')
    scene.content.add(call, ":1}")
    scene.content.complete_call(call, {"a": 1}, item_is_done=True)
    scene.content.finish(call, truncated=False)
    assert [scene.content.has_calls] == [True]
    assert texts(scene.message()) == ['ls({"a":1})']


def test_a_name_that_may_go_on_waits_for_the_end_of_its_item() -> None:
    scene = Scene(MessagesReplyOptions(tools=frozenset({"ls_all"})))
    call = item(ItemKind.CALL).call
    scene.content.describe(call, {"name": "ls", "call_id": "call_1"})
    scene.content.open(call, "{}")
    scene.frame.start(None, None)
    scene.frame.advance()
    assert len(scene.frame.sent()) == 1
    scene.content.complete_call(call, "{}", item_is_done=True)
    scene.frame.advance()
    assert scene.frame.sent()[0]["content_block"]["name"] == "ls"


def test_calls_of_one_name_have_different_ids() -> None:
    scene = Scene()
    for _ in range(2):
        call = item(ItemKind.CALL).call
        scene.content.describe(call, {"name": "ls", "call_id": "call_1"})
        scene.content.complete_call(call, "{}", item_is_done=True)
    first, second = scene.message()["content"]
    assert first["id"] == "call_1"
    assert second["id"].startswith("toolu_")


def test_at_a_stop_sequence_calls_end_as_they_are() -> None:
    scene = Scene()
    call = item(ItemKind.CALL).call
    scene.content.describe(call, {"name": "ls"})
    scene.content.add(call, '{"a')
    scene.content.add(item(ItemKind.CALL).call, "")
    scene.content.cut()
    assert [block["input"] for block in scene.message(truncated=True)["content"]] == ['{"a']


def test_a_reasoning_item_is_taken_once() -> None:
    scene, said = Scene(), item(ItemKind.REASONING)
    scene.content.reason(said, "content", 0, "hm")
    assert scene.content.reasoning(said) is scene.content.reasoning(said)
    scene.content.end_reasoning(said, {"id": "rs_1"})
    said.done = True
    scene.content.end_reasoning(said, {"id": "rs_1"})
    assert texts(scene.message()) == ["<hm>"]
    scene.content.end_reasoning(said, {"id": "rs_1"})
    assert scene.frame.last is None


@pytest.mark.parametrize("said_again", [True, False])
def test_a_call_that_contradicts_itself_is_an_error(said_again: bool) -> None:
    scene = Scene()
    call = item(ItemKind.CALL).call
    scene.content.describe(call, {"name": "ls"})
    scene.content.add(call, '{"a":1}')
    if said_again:
        scene.content.complete_call(call, '{"a": 1}', item_is_done=True)
    else:
        failure(
            UpstreamError, lambda: scene.content.complete_call(call, '{"b":2}', item_is_done=True)
        )
