"""The parts of messages as blocks, cut at the first stop sequence."""

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.tracking import ItemKind, OutputItem
from gateway.translate.messages_via_responses.output.texts import Texts
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.stream.messages.messages_frame import MessagesFrame
from tests.messages_grammar import read_message
from tests.translate.messages_client import context, texts


class Scene:
    """The texts of one message."""

    def __init__(self, *stops: str) -> None:
        self.frame = MessagesFrame(context())
        self.texts = Texts(stops, self.frame)
        self.first = OutputItem(ItemKind.MESSAGE, announced=True)
        self.second = OutputItem(ItemKind.MESSAGE, announced=True)

    def said(self) -> list[str]:
        self.frame.start(None, None)
        self.frame.end(Stop("end_turn"), None, truncated=False)
        message: Json = read_message(self.frame.sent())
        return texts(message)


def test_each_part_is_a_block() -> None:
    scene = Scene()
    for part, text in ((0, "a"), (0, "b"), (1, "c"), (None, "d")):
        scene.texts.add_text(scene.first, part, text)
    scene.texts.refuse(scene.first, 1, "No")
    scene.texts.refuse(scene.first, 1, ".")
    assert (scene.texts.refusal, scene.texts.found) == ("No.", None)
    assert scene.texts.last_item is scene.first
    assert scene.said() == ["ab", "c", "d", "No."]


def test_messages_that_overlap_stay_apart() -> None:
    scene = Scene()
    for item, text in ((scene.first, "a"), (scene.second, "1"), (scene.first, "b")):
        scene.texts.add_text(item, 0, text)
        scene.frame.start(None, None)
        scene.frame.advance()
    scene.texts.add_text(scene.second, 0, "2")
    assert scene.said() == ["ab", "12"]


def test_a_part_that_goes_on_after_its_end_is_another_block() -> None:
    scene = Scene()
    for part, text in ((0, "a"), (1, "b"), (0, "c")):
        scene.texts.add_text(scene.first, part, text)
        scene.frame.start(None, None)
        scene.frame.advance()
    assert scene.said() == ["a", "b", "c"]


def test_held_text_is_shown_before_other_content() -> None:
    scene = Scene("END")
    assert scene.texts.last_item is None
    scene.texts.interrupt()
    scene.texts.add_text(scene.first, 0, "E")
    assert not scene.frame.has_content
    scene.texts.interrupt()
    scene.texts.interrupt()
    scene.texts.add_text(scene.first, 0, "ND")
    found = [scene.texts.found]
    scene.texts.add_text(scene.second, 0, "a END b")
    scene.texts.interrupt()
    assert [*found, scene.texts.found] == [None, "END"]
    assert scene.said() == ["END", "a "]
