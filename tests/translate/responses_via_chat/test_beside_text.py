"""What a chat reply says beside its text, as responses have it or beside it: whole and streamed."""

from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
    entry,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import kinds

WEB = "https://a.test/b.png"
PNG = "data:image/png;base64,QUJD"


def everywhere(content: Any = None, finish: str = "stop", **message: Any) -> Json:
    """Return the response to a message, which is the same whole and streamed."""
    whole = replied(completion(content, finish, **message))
    last = stream_of([chunk(content, **message), chunk(None, finish)])[-1]["response"]
    assert _without_ids(last["output"]) == _without_ids(whole["output"])
    assert {k: last.get(k) for k in _COMPARED} == {k: whole.get(k) for k in _COMPARED}
    return whole


_COMPARED = ("status", "incomplete_details", "native_finish_reason", "content_parts")


def _without_ids(output: list[Json]) -> list[Json]:
    return [{k: v for k, v in item.items() if k != "id"} for item in output]


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


REFERENCE: Json = {"type": "reference", "reference_ids": [1]}


def test_parts_of_an_unknown_type_are_told_beside_the_output() -> None:
    parts: list[Any] = [{"type": "text", "text": "A"}, REFERENCE, "B", None, REFERENCE]
    told = everywhere([*parts, {"type": "refusal", "refusal": "No."}])
    assert told["content_parts"] == [REFERENCE, REFERENCE]
    assert [part.get("text") or part["refusal"] for part in told["output"][0]["content"]] == [
        *("AB", "No.")
    ]
    alone = everywhere([REFERENCE], "whatever")
    assert (alone["status"], alone["content_parts"]) == ("completed", [REFERENCE])
    events = stream_of([chunk([REFERENCE]), chunk(["A"]), chunk([REFERENCE]), chunk(None, "stop")])
    assert events[-1]["response"]["content_parts"] == [REFERENCE, REFERENCE]
    assert "content_parts" not in events[0]["response"]


@pytest.mark.parametrize("part", [5, ["x"], {"type": "text", "text": 5}])
def test_what_is_no_part_of_a_content_is_an_error(part: Any) -> None:
    with pytest.raises(UpstreamError):
        replied(completion([part], "stop"))


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


FILE = {"file_id": "f", "filename": "a.txt", "index": 3}
CONTAINER = {
    "container_id": "c",
    "file_id": "f",
    "filename": "a",
    "start_index": 0,
    "end_index": 2,
}


@pytest.mark.parametrize("field", ["annotations", "file_citations"])
def test_files_and_containers_are_cited(field: str) -> None:
    flat = [
        {"type": "file_citation", **FILE},
        {"type": "container_file_citation", **CONTAINER},
    ]
    nested = [{"type": each["type"], str(each["type"]): each} for each in flat]
    for cited in (flat, nested):
        told = everywhere("Hi", "stop", **{field: cited})["output"][0]["content"][0]["annotations"]
        assert [{k: each[k] for k in sorted(each)} for each in told] == [
            {k: each[k] for k in sorted(each)} for each in flat
        ]
    odd = [{"type": "file_citation", "file_citation": 5}, {"type": "other"}, 3, {"type": ["x"]}]
    beside = everywhere("Hi", "stop", **{field: [*odd, {}]})
    assert beside["output"][0]["content"][0]["annotations"] == []
    assert beside["annotations"] == [odd[0], odd[1], odd[3]]


def test_a_citation_of_the_web_may_be_flat() -> None:
    flat = {"type": "url_citation", "url": WEB, "title": "A", "start_index": 0, "end_index": 2}
    told = everywhere("Hi", annotations=[flat])
    assert told["output"][0]["content"][0]["annotations"] == [flat]
    assert "annotations" not in told


def test_a_citation_of_a_message_that_has_ended_is_told_beside_the_output() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": WEB}}
    calling = chunk(tool_calls=[tool_call("f", "{}")])
    events = stream_of(
        [chunk("Hi"), calling, chunk(annotations=[cited]), chunk(None, "tool_calls")]
    )
    response = events[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["message", "function_call"]
    assert response["output"][0]["content"][0]["annotations"] == []
    flat = {"type": "url_citation", "url": WEB, "title": "", "start_index": 0, "end_index": 0}
    assert response["annotations"] == [flat]
    assert "annotations" not in events[0]["response"]


def test_the_logprobs_of_a_refusal_are_kept_with_it() -> None:
    logprobs = {"content": None, "refusal": [entry("No"), entry(".")]}
    asked = {"include": ["message.output_text.logprobs"]}
    reply = completion(None, refusal="No.", logprobs=logprobs)
    (part,) = replied(reply, **asked)["output"][0]["content"]
    assert [each["token"] for each in part["logprobs"]] == ["No", "."]
    unasked = replied(reply)["output"][0]["content"][0]
    assert unasked == {"type": "refusal", "refusal": "No."}


def test_what_is_spoken_is_text_and_its_sound_is_kept() -> None:
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
    told = everywhere(None, audio=spoken)["output"][0]
    assert (told["content"][0]["text"], told["audio"]["data"]) == ("Hello", "QUJD")


@pytest.mark.parametrize("audio", [{"id": "a"}, {"data": "b"}, "x", [1]])
def test_what_is_spoken_without_words_cannot_be_told(audio: Any) -> None:
    with pytest.raises(UpstreamError):
        replied(completion(None, audio=audio))


@pytest.mark.parametrize(
    ("word", "status", "reason", "native"),
    [
        ("SAFETY", "incomplete", "content_filter", "SAFETY"),
        ("content_filter: SPII", "incomplete", "content_filter", "content_filter: SPII"),
        ("MALFORMED_FUNCTION_CALL", "incomplete", "content_filter", "MALFORMED_FUNCTION_CALL"),
        ("MAX_TOKENS", "incomplete", "max_output_tokens", None),
        ("end_turn", "completed", None, None),
        ("whatever", "completed", None, "whatever"),
    ],
)
def test_how_it_ended(word: str, status: str, reason: str | None, native: str | None) -> None:
    told = everywhere("Hi", word)
    assert (told["status"], told.get("native_finish_reason")) == (status, native)
    assert (told["incomplete_details"] or {}).get("reason") == reason
    if reason is not None:
        empty = everywhere(None, word)
        assert empty["incomplete_details"] == {"reason": reason}
