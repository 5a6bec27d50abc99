"""What chat has no place for: carried beside the text, whole and streamed alike."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    citation,
    context,
    deltas_of,
    ending,
    events_of,
    folded,
    image_call,
    message,
    message_of,
    reasoning,
    refusal,
    response,
    streamed,
    text,
)

FILE = {"type": "file_citation", "file_id": "f", "filename": "a.txt", "index": 3}
CONTAINER = {
    "type": "container_file_citation",
    "container_id": "c",
    "file_id": "f",
    "start_index": 0,
    "end_index": 2,
}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


def everywhere(reply: Json) -> Json:
    result = message_of({}, reply)
    for sent in (events_of(reply), [*events_of(reply)[:-1], ending(reply)], [ending(reply)]):
        assert folded(streamed({}, sent))["message"] == result
    return result


def test_the_phase_of_the_last_message_comes_once_and_last() -> None:
    reply = response(
        message(text("Well. "), phase="commentary"),
        message(text("Yes."), id="msg_2", phase="final_answer"),
    )
    assert everywhere(reply)["phase"] == "final_answer"
    deltas = deltas_of(streamed({}, events_of(reply)))
    assert deltas[-1] == {"phase": "final_answer"}
    assert [delta for delta in deltas if "phase" in delta] == deltas[-1:]
    assert everywhere(response(message(refusal("No."), phase="final_answer")))["phase"]
    cut = streamed({"stop": "e"}, events_of(reply))
    assert deltas_of(cut)[-1] == {"phase": "commentary"}


def test_files_and_containers_are_cited_beside_web_pages() -> None:
    parts = (text("Hi "), text("there", annotations=[FILE, citation(0, 2), CONTAINER]))
    result = everywhere(response(message(*parts)))
    moved = {"container_id": "c", "file_id": "f", "start_index": 3, "end_index": 5}
    assert result["file_citations"] == [
        {"type": "file_citation", "file_citation": {k: FILE[k] for k in FILE if k != "type"}},
        {"type": "container_file_citation", "container_file_citation": moved},
    ]
    assert len(result["annotations"]) == 1
    cited = response(message(text("there", annotations=[FILE, CONTAINER])))
    for stop, shown in (("re", [FILE, CONTAINER]), ("he", [FILE])):
        cut = message_of({"stop": stop}, cited)["file_citations"]
        assert [each["type"] for each in cut] == [each["type"] for each in shown]
    assert "file_citations" not in everywhere(response(message(text("a", annotations=[{"x": 1}]))))


def test_pictures_are_images_of_the_message() -> None:
    alone = everywhere(response(image_call()))
    assert (alone["content"], alone["images"]) == (None, [PNG])
    webp = image_call("QQ==", id="ig_2", output_format="webp")
    result = everywhere(response(image_call(), message(text("Look!")), webp))
    assert result["content"] == "Look!"
    assert result["images"][1]["image_url"]["url"] == "data:image/webp;base64,QQ=="
    for nothing in (image_call(None), image_call(""), {**image_call(), "result": 5}):
        assert "images" not in everywhere(response(nothing, message(text("a"))))


FAILED: Json = {"status": "failed", "error": {"type": "server_error", "message": "No picture."}}


@pytest.mark.parametrize("failed", [FAILED, {"status": "failed"}, {"error": FAILED["error"]}])
def test_a_picture_that_failed_is_shown_as_it_is(failed: Json) -> None:
    item = image_call(None, **failed)
    result = everywhere(response(item, message(text("Sorry."))))
    assert (result["content"], result["output_items"]) == ("Sorry.", [item])
    assert everywhere(response(image_call(id="ig_2"), item))["output_items"] == [item]
    for sent in (events_of(response(item)), [ending(response(item))]):
        with pytest.raises(UpstreamError, match=r"only items .* hold: image_generation_call"):
            streamed({}, sent)


def test_a_summary_beside_the_reasoning_itself_is_sent_beside_it() -> None:
    reply = response(
        reasoning("long", summary=["one", "two"]),
        reasoning("on", id="rs_2", summary=["three"]),
        message(text("Hi")),
    )
    result = everywhere(reply)
    assert result["reasoning_content"] == "long\n\non"
    assert result["reasoning_summary"] == "one\n\ntwo\n\nthree"
    silent = message_of({}, reply, context(reasoning_out="none"))
    assert not silent.keys() & {"reasoning_content", "reasoning_summary"}
