"""What completions clients get of a chat message beside its text, whole and streamed alike."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.images import image
from gateway.translate.plan import plan

WEB = "https://a.test/b.png"
CITATION = {"type": "url_citation", "url_citation": {"url": WEB}}
CONTEXT = Context("m", "m")


def whole(message: Json, finish: Any = "stop", **request: Any) -> Json:
    body = {"model": "m", "prompt": "Hello", "max_tokens": 9, **request}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    reply = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).reply([{"choices": [choice]}])
    found: Json = reply["choices"][0]
    return {key: value for key, value in found.items() if key not in ("index", "logprobs")}


def streamed(*deltas: Json, finish: Any = "stop", **request: Any) -> list[Json]:
    body = {"model": "m", "prompt": "Hello", "max_tokens": 9, "stream": True, **request}
    stream = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).stream()
    last = {"delta": {}, "finish_reason": finish}
    pieces = [*({"delta": delta} for delta in deltas), last]
    events = [{"choices": [{"index": 0, **piece}]} for piece in pieces]
    chunks = [chunk for event in events for chunk in stream.feed(0, event)]
    chunks += stream.end(0)
    return [
        {
            key: value
            for key, value in choice.items()
            if key not in ("index", "logprobs") and value is not None
        }
        for chunk in chunks
        for choice in chunk["choices"]
    ]


EMPTY: Json = {"refusal": "", "annotations": [], "images": [], "audio": None, "phase": None}


@pytest.mark.parametrize(
    ("message", "text", "more"),
    [
        ({"content": "Hi", **EMPTY}, "Hi", {}),
        ({"content": None, "refusal": "No."}, "No.", {}),
        ({"content": "Hi", "refusal": "No."}, "Hi", {"refusal": "No."}),
        ({"content": "Hi", "phase": "commentary"}, "Hi", {"phase": "commentary"}),
        ({"content": "Hi", "annotations": [CITATION]}, "Hi", {"annotations": [CITATION]}),
        ({"content": "", "images": [{"image_url": WEB}]}, "", {"images": [image(WEB)]}),
        (
            {"content": [{"type": "text", "text": "Hi"}, {"type": "image", "url": WEB}]},
            "Hi",
            {"images": [image(WEB)]},
        ),
        (
            {"content": None, "audio": {"id": "a", "transcript": "Hi"}},
            "Hi",
            {"audio": {"id": "a", "transcript": "Hi"}},
        ),
    ],
)
def test_nothing_beside_the_text_is_lost(message: Json, text: str, more: Json) -> None:
    assert whole(message) == {"text": text, "finish_reason": "stop", **more}
    said = {"text": text, **more}
    assert streamed(message) == [said, {"text": "", "finish_reason": "stop"}]


def test_a_picture_alone_is_an_answer() -> None:
    for finish in (None, "whatever"):
        told = whole({"content": None, "images": [WEB]}, finish)
        assert (told["images"], told["finish_reason"]) == ([image(WEB)], "stop")


def test_a_refusal_that_follows_text_is_told_apart_in_streams() -> None:
    assert streamed({"content": "Well"}, {"refusal": "No"}, {"refusal": "."}) == [
        {"text": "Well"},
        {"text": "", "refusal": "No"},
        {"text": "", "refusal": "."},
        {"text": "", "finish_reason": "stop"},
    ]
    assert streamed({"refusal": "No"}, {"refusal": "."})[:2] == [{"text": "No"}, {"text": "."}]


def test_what_is_cited_behind_the_finish_reason_is_not_lost() -> None:
    ended: Json = {"content": "Hi"}
    body = {"model": "m", "prompt": "Hello", "stream": True}
    stream = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).stream()
    last = [{"annotations": [CITATION]}, {"citations": [WEB]}, {"content": "more"}, {}]
    pieces: list[Json] = [{"delta": ended, "finish_reason": "stop"}, *({"delta": d} for d in last)]
    told = [
        choice
        for piece in pieces
        for chunk in stream.feed(0, {"choices": [{"index": 0, **piece}]})
        for choice in chunk["choices"]
    ]
    assert [each["finish_reason"] for each in told] == ["stop", None, None]
    assert (told[1]["annotations"], told[2]["citations"]) == ([CITATION], [WEB])
    assert [each["text"] for each in told] == ["Hi", "", ""]


def test_what_is_beside_a_text_that_is_cut_here_stays() -> None:
    assert whole({"content": "a!b", "phase": "x"}, stop=[*"1234!"]) == {
        "text": "a",
        "finish_reason": "stop",
        "phase": "x",
    }


@pytest.mark.parametrize("text", ["Hi", ""])
def test_the_servers_word_for_a_filter_is_kept(text: str) -> None:
    expected = {"finish_reason": "content_filter", "native_finish_reason": "SAFETY"}
    assert whole({"content": text}, "SAFETY") == {"text": text, **expected}
    assert streamed({"content": text}, finish="SAFETY")[-1] == {"text": "", **expected}
