"""Messages and pictures as output items."""

from typing import Any

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    ROLE,
    chunk,
    completion,
    entry,
    replied,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import MESSAGE_KINDS, kinds, read, texts
from tests.translate.responses_via_chat.everywhere import PNG, WEB, everywhere


def images(response: Json) -> list[Any]:
    found = [item for item in response["output"] if item["type"] == "image_generation_call"]
    return [(item["status"], item["result"], item.get("image_url")) for item in found]


def test_pictures_are_items_of_their_own() -> None:
    entries = [{"type": "image_url", "image_url": {"url": url}} for url in (PNG, WEB)]
    shown = [("completed", "QUJD", None), ("completed", None, WEB)]
    alone = everywhere(None, images=entries)
    assert images(alone) == shown
    assert len(alone["output"]) == 2
    assert images(everywhere("Look!", images=entries)) == shown
    parts = [{"type": "text", "text": "Look!"}, {"type": "image_url", "image_url": {"url": PNG}}]
    beside = everywhere(parts)
    assert beside["output"][0]["content"][0]["text"] == "Look!"
    assert images(beside) == shown[:1]
    assert images(everywhere(None, "length", images=entries)) == shown


def test_a_picture_between_texts_parts_them() -> None:
    events = stream_of(
        [chunk("a"), chunk(images=[PNG]), chunk("b"), chunk(None, "stop")],
    )
    assert kinds(events) == [
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done"),
        *("content_part.done", "output_item.done", "output_item.added"),
        *(f"image_generation_call.{step}" for step in ("in_progress", "generating", "completed")),
        *("output_item.done", "output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]


def test_the_phase_of_a_message_is_its_items() -> None:
    for phase in ("commentary", "final_answer"):
        assert everywhere("Hi", phase=phase)["output"][0]["phase"] == phase
    assert "phase" not in everywhere("Hi", phase=None)["output"][0]
    assert "phase" not in everywhere("Hi", phase=5)["output"][0]
    late = stream_of([chunk("Hi"), chunk(phase="commentary"), chunk(None, "stop")])
    assert late[-1]["response"]["output"][0]["phase"] == "commentary"


def test_the_logprobs_of_a_refusal_are_kept_with_it() -> None:
    logprobs = {"content": None, "refusal": [entry("No"), entry(".")]}
    asked = {"include": ["message.output_text.logprobs"]}
    reply = completion(None, refusal="No.", logprobs=logprobs)
    (part,) = replied(reply, **asked)["output"][0]["content"]
    assert [each["token"] for each in part["logprobs"]] == ["No", "."]
    unasked = replied(reply)["output"][0]["content"][0]
    assert unasked == {"type": "refusal", "refusal": "No."}


def test_a_transcript_is_text_and_the_audio_is_kept() -> None:
    pieces: list[Json] = [
        {"id": "a", "transcript": "Hel"},
        {"transcript": "lo"},
        {"data": "QUJD"},
        {"data": "REVG", "expires_at": 9},
    ]
    events = stream_of([*(chunk(audio=piece) for piece in pieces), chunk(None, "stop")])
    (item,) = events[-1]["response"]["output"]
    assert item["content"][0]["text"] == "Hello"
    assert item["audio"] == {"id": "a", "data": "QUJDREVG", "expires_at": 9}
    spoken = {"id": "a", "transcript": "Hello", "data": "QUJD", "expires_at": 9}
    item = everywhere(None, audio=spoken)["output"][0]
    assert (item["content"][0]["text"], item["audio"]["data"]) == ("Hello", "QUJD")


def test_a_refusal_is_a_part_of_its_own() -> None:
    events = stream_of(
        [chunk("I "), chunk(refusal="can"), chunk(refusal="not"), chunk(finish="stop")]
    )
    assert kinds(events) == [
        *MESSAGE_KINDS[:-1],
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert texts(read(events)) == ["I |cannot"]


def test_an_empty_reply_is_an_empty_message() -> None:
    events = stream_of([ROLE, chunk(finish="stop")])
    assert kinds(events) == [
        "output_item.added",
        "content_part.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert texts(read(events)) == [""]
