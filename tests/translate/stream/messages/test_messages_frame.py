"""The frame keeps the grammar of messages events, however the blocks come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.messages.stop_reasons import Stop, StopReason
from gateway.translate.stream.messages.messages_blocks import TextBlock, ThinkingBlock, ToolUseBlock
from gateway.translate.stream.messages.messages_frame import (
    MessagesFrame,
    whole_message,
)
from tests.messages_grammar import read_broken, read_message
from tests.translate.messages_client import context, kinds, texts

USAGE = {"prompt_tokens": 3, "completion_tokens": 5}


class Waiting(ToolUseBlock):
    """A call that ends when it is told to."""

    ready = False
    cut = False
    ended_cut_off: bool | None = None

    @property
    def complete(self) -> bool:
        return self.ready

    @property
    def is_cut_off(self) -> bool:
        return self.cut

    def close(self, *, truncated: bool) -> None:
        self.ended_cut_off = truncated
        self.end_input()


def call(name: str = "ls", *, ready: bool = False, cut: bool = False) -> Waiting:
    block = Waiting()
    block.begin(f"call_{name}", name)
    block.ready, block.cut = ready, cut
    return block


def started() -> MessagesFrame:
    frame = MessagesFrame(context())
    frame.start("sent", None)
    return frame


def ended(
    frame: MessagesFrame, reason: StopReason = "end_turn", *, truncated: bool = False
) -> Json:
    frame.end(Stop(reason), USAGE, truncated=truncated)
    return read_message(frame.sent())


def test_a_message_starts_once_and_ends_once() -> None:
    frame = MessagesFrame(context())
    assert frame.ping() == []
    frame.start("sent", USAGE, "priority")
    frame.start("sent", None)
    assert frame.ping() == [{"type": "ping"}]
    (start,) = frame.sent()
    assert start["message"]["usage"]["input_tokens"] == 3
    assert start["message"]["usage"]["service_tier"] == "priority"
    assert start["message"]["id"].startswith("msg_")
    frame.end(Stop("end_turn"), None, truncated=False)
    assert kinds(frame.sent()) == ["message_delta", "message_stop"]
    assert frame.ended
    assert frame.ping() == frame.fail(UpstreamError("no")) == []


def test_blocks_wait_until_the_one_before_them_is_complete() -> None:
    frame = started()
    first, text = frame.add(call()), frame.add(TextBlock())
    text.add("a")
    frame.advance()
    assert kinds(frame.sent()) == ["message_start", "tool_use"]
    assert list(frame.open_blocks(Waiting)) == [first]
    assert frame.last is text
    assert frame.has_content
    first.add_input("{}")
    first.ready = True
    frame.advance()
    assert kinds(frame.sent()) == ["input_json_delta", "stop", "text", "text_delta"]
    assert list(frame.open_blocks(Waiting)) == []
    assert (first.ended, text.ended) == (True, False)


def test_a_block_that_never_begins_has_no_index() -> None:
    frame = started()
    assert frame.last is None
    assert not frame.has_content
    frame.add(ThinkingBlock(context(), is_shown=True))
    frame.add(TextBlock()).add("a")
    frame.advance()
    assert texts(ended(frame)) == ["a"]


@pytest.mark.parametrize(
    ("truncated", "expected"), [(True, [True, False, True]), (False, [False, False, False])]
)
def test_what_was_cut_off_lacks_its_end(truncated: bool, expected: list[bool]) -> None:
    frame = started()
    blocks = [call("a", cut=True), call("b"), call("c")]
    for block in blocks:
        frame.add(block)
    frame.advance()
    ended(frame, "max_tokens", truncated=truncated)
    assert [block.ended_cut_off for block in blocks] == expected


def test_an_error_ends_the_message_after_what_was_not_sent() -> None:
    frame = started()
    frame.add(TextBlock()).add("a")
    frame.advance()
    events = frame.fail(UpstreamError("The upstream broke off."))
    assert kinds(events) == ["message_start", "text", "text_delta", "error"]
    assert read_broken(events) == {"type": "api_error", "message": "The upstream broke off."}


@pytest.mark.parametrize(
    ("inputs", "reason", "left"),
    [
        (['{"a":1}', '{"b'], "max_tokens", 1),
        (['{"a', '{"b":1}'], "max_tokens", 1),
        (["{}", ""], "max_tokens", 1),
        (["", "{}"], "max_tokens", 2),
        (["{}", ""], "tool_use", 2),
        (["[1]", "x"], "refusal", 0),
        (["{}", '{"a":1e400}'], "max_tokens", 1),
    ],
)
def test_calls_that_were_cut_off_are_left_out(
    inputs: list[str], reason: StopReason, left: int
) -> None:
    frame, report = started(), Report(Shape.MESSAGES, Shape.CHAT)
    for number, text in enumerate(inputs):
        frame.add(call(f"f{number}", ready=True)).add_input(text)
    frame.end(Stop(reason), USAGE, truncated=True)
    message = whole_message(frame.sent(), report)
    assert len(message["content"]) == left
    assert all(isinstance(block["input"], dict) for block in message["content"])
    assert not any("partial_json" in block for block in message["content"])
    assert len(report.dropped) == len(inputs) - left


@given(st.lists(st.tuples(st.sampled_from("ctk"), st.booleans()), max_size=8))
def test_every_order_of_blocks_keeps_the_grammar(steps: list[tuple[str, bool]]) -> None:
    frame = MessagesFrame(context())
    events: list[Json] = []
    expected: list[str] = []
    for number, (kind, ready) in enumerate(steps):
        if kind == "c":
            frame.add(call(f"f{number}", ready=ready)).add_input('{"n":1}')
            expected.append(f'f{number}({{"n":1}})')
        elif kind == "t":
            frame.add(TextBlock()).add(f"t{number}")
            expected.append(f"t{number}")
        else:
            frame.add(ThinkingBlock(context(), is_shown=True)).add(f"k{number}")
            expected.append(f"<k{number}>")
        frame.start(None, None)
        frame.advance()
        events += frame.sent()
    frame.start(None, None)
    frame.end(Stop("end_turn"), USAGE, truncated=False)
    events += frame.sent()
    message = read_message(events)
    assert texts(message) == expected
    assert message == whole_message(events, Report(Shape.MESSAGES, Shape.CHAT))
