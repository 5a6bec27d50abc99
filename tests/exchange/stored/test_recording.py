"""A recording translation keeps its finished response, and marks responses as stored or not."""

from collections.abc import Collection

import pytest

from gateway.errors import TruncatedStream
from gateway.exchange.stored.recording import RecordingTranslation
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.plan import plan
from tests.exchange.scene import chat_chunk, chat_completion


def translation(**more: object) -> Translation:
    body = {"model": "m", "input": "Hello", "store": True, "metadata": {"a": "b"}, **more}
    return plan(Shape.RESPONSES, Shape.CHAT, body, Context("m", "m"))


def recording(
    *, kept: bool = True, known: Collection[str] = (), **more: object
) -> RecordingTranslation:
    return RecordingTranslation(translation(**more), "resp_0", known, kept=kept)


def recorded(made: RecordingTranslation) -> Json | None:
    return made.response


def marks(response: Json) -> tuple[bool, str]:
    return response["store"], response["previous_response_id"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_whole_response_is_recorded_as_the_client_gets_it(*, kept: bool) -> None:
    made = recording(kept=kept)
    assert recorded(made) is None
    response = made.reply([chat_completion("Hi")])
    assert recorded(made) == response
    assert marks(response) == (kept, "resp_0")


@pytest.mark.parametrize(("word", "kind"), [("stop", "completed"), ("length", "incomplete")])
def test_a_streamed_response_is_recorded_from_its_last_event(word: str, kind: str) -> None:
    made = recording(stream=True)
    stream = made.stream()
    events = stream.feed(0, chat_chunk("Hi")) + stream.feed(0, chat_chunk(finish=word))
    assert {marks(event["response"]) for event in events if "response" in event} == {
        (True, "resp_0")
    }
    assert recorded(made) is None
    (*_, last) = stream.end(0)
    assert last["type"] == f"response.{kind}"
    assert recorded(made) == last["response"]
    assert marks(last["response"]) == (True, "resp_0")


def test_a_failed_response_is_marked_and_not_recorded() -> None:
    made = recording(stream=True)
    stream = made.stream()
    stream.feed(0, chat_chunk("Hi"))
    (*_, last) = stream.fail(TruncatedStream("cut"))
    assert (last["type"], marks(last["response"])) == ("response.failed", (True, "resp_0"))
    assert recorded(made) is None


def test_store_is_dropped_only_where_it_is_not_obeyed() -> None:
    assert recording().report.dropped == ["metadata"]
    assert recording(kept=False).report.dropped == ["metadata", "store"]


def test_all_else_is_the_translations_own() -> None:
    made = recording(known={"msg_1"}, stream=True)
    assert made.known == {"msg_1"}
    assert made.calls == translation(stream=True).calls
    assert made.local_reply() is None
    assert made.client_param(0, "max_tokens") == "max_output_tokens"
    assert not made.stream().satisfied(0)
    assert made.stream().passes_text
