from typing import Any

import pytest

from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.to_messages.ending import Ending
from gateway.translate.stream.messages.message_events import message_of
from tests.translate.chat_via_messages import cases as chat
from tests.translate.messages_upstreams import events_of, message, text, tool_use
from tests.translate.responses_via_messages import cases as responses


def ending() -> tuple[Ending, Report]:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    return Ending(report), report


def delta(**fields: Any) -> Json:
    return {"type": "message_delta", "delta": fields}


def test_later_fields_win_and_missing_ones_stay() -> None:
    end, report = ending()
    end.note(delta(stop_reason="end_turn", stop_details={"explanation": "No."}))
    end.note(delta(stop_reason="refusal", stop_details=None))
    end.note(delta())
    assert end.word(has_output=False) == "refusal"
    assert end.refusal == "No."
    assert not report.size


@pytest.mark.parametrize("details", [None, "odd", {}, {"explanation": None}, {"explanation": ""}])
def test_a_refusal_says_something(details: object) -> None:
    end, _ = ending()
    end.note(delta(stop_details=details))
    assert end.refusal == ending()[0].refusal == "The model refuses to answer."


def test_a_missing_reason_is_a_natural_end_of_what_says_something() -> None:
    end, report = ending()
    end.note(delta(stop_reason=None))
    assert end.word(has_output=True) == "end_turn"
    assert report.changed == ["stop_reason:none->end_turn"]
    with pytest.raises(UpstreamError, match="no finish_reason"):
        end.word(has_output=False)


def test_an_end_is_announced() -> None:
    with pytest.raises(TruncatedStream, match="without a message_delta"):
        ending()[0].word(has_output=True)
    with pytest.raises(UpstreamError):
        ending()[0].note({"type": "message_delta", "delta": None})


MADE = [message(text("Hi")), message(tool_use("f"), reason="tool_use"), message()]


@pytest.mark.parametrize("made", MADE)
def test_streams_without_a_message_delta_are_broken(made: Json) -> None:
    events = [each for each in events_of(made) if each["type"] != "message_delta"]
    with pytest.raises(TruncatedStream):
        message_of(events)
    with pytest.raises(TruncatedStream):
        chat.streamed({"tools": chat.TOOLS}, events)
    with pytest.raises(TruncatedStream):
        responses.streamed({"tools": responses.TOOLS}, events)


@pytest.mark.parametrize("made", MADE[:2])
@pytest.mark.parametrize("lacking", [{"stop_reason": None}, {}])
def test_whole_and_streamed_a_missing_reason_is_reported(made: Json, lacking: Json) -> None:
    bare = {name: value for name, value in made.items() if name != "stop_reason"} | lacking
    for translated, tools in (
        (chat.translated, chat.TOOLS),
        (responses.translated, responses.TOOLS),
    ):
        for stream in (False, True):
            translation = translated({"tools": tools, "stream": stream})
            before = list(translation.report.changed)
            if stream:
                fold = translation.stream()
                assert [sent for event in events_of(bare) for sent in fold.feed(0, event)]
                fold.end(0)
            else:
                translation.reply([bare])
            assert translation.report.changed == [*before, "stop_reason:none->end_turn"]


def test_an_empty_message_without_a_reason_is_none() -> None:
    for translated in (chat.translated, responses.translated):
        with pytest.raises(UpstreamError, match="no finish_reason"):
            translated({}).reply([{**message(), "stop_reason": None}])
