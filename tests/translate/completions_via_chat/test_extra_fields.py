"""What completions clients get of a chat message beside its text, whole and streamed alike."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat import streamed_choice
from gateway.translate.completions_via_chat.extra_fields import report_calls
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.images import image
from gateway.translate.plan import plan
from gateway.translate.stream.folding.fields import add_delta
from tests.translate.completions_via_chat.chat_backend import entry

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
    return [kept(choice) for chunk in chunks for choice in chunk["choices"]]


def kept(choice: Json) -> Json:
    """Return what a choice of a chunk says of its text and beside it."""
    return {
        name: value
        for name, value in choice.items()
        if name not in ("index", "logprobs") and value is not None
    }


EMPTY: Json = {"refusal": "", "annotations": [], "images": [], "audio": None, "phase": None}
BLANK: Json = {"function_call": {"name": "", "arguments": ""}, "audio": {"id": "", "data": ""}}


@pytest.mark.parametrize(
    ("message", "text", "more"),
    [
        ({"content": "Hi", **EMPTY}, "Hi", {}),
        ({"content": "Hi", **BLANK}, "Hi", {}),
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
            {"content": ["Hi", {"type": "reference", "ids": [1]}, None]},
            "Hi",
            {"content_parts": [{"type": "reference", "ids": [1]}]},
        ),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "No.", {}),
        (
            {"content": ["Hi", {"type": "refusal", "refusal": "No."}]},
            "Hi",
            {"refusal": "No."},
        ),
        (
            {"content": "Hi", "output_items": [CITATION]},
            "Hi",
            {"output_items": [CITATION]},
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
    for deltas in ([message], [{name: value} for name, value in message.items()]):
        assert joined(streamed(*deltas)) == {"text": text, "finish_reason": "stop", **more}


def joined(choices: list[Json]) -> Json:
    """Return what a client makes of the choices of a stream: nothing comes twice but texts."""
    made: Json = {}
    for choice in choices:
        for name, value in choice.items():
            assert name in ("text", "refusal") or name not in made
            made[name] = made[name] + value if name in made else value
    return made


@pytest.mark.parametrize("calls", [[{}], [{"index": 0, "function": {"name": ""}}], [None], [], {}])
def test_calls_that_say_nothing_are_not_reported_as_lost(calls: object) -> None:
    report = Report(Shape.COMPLETIONS, Shape.CHAT)
    report_calls({"content": "Hi", "tool_calls": calls}, report)
    assert report.dropped == []
    report_calls({"content": "Hi", "tool_calls": [{}, {"id": "a"}]}, report)
    assert report.dropped == ["tool_calls"]


def test_a_picture_alone_is_an_answer() -> None:
    for finish in (None, "whatever"):
        result = whole({"content": None, "images": [WEB]}, finish)
        assert (result["images"], result["finish_reason"]) == ([image(WEB)], "stop")


def test_a_refusal_that_follows_text_has_its_own_field_in_streams() -> None:
    assert streamed({"content": "Well"}, {"refusal": "No"}, {"refusal": "."}) == [
        {"text": "Well"},
        {"text": "", "refusal": "No"},
        {"text": "", "refusal": "."},
        {"text": "", "finish_reason": "stop"},
    ]
    assert streamed({"refusal": "No"}, {"refusal": "."}) == [
        {"text": "No.", "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("deltas", list(permutations(("refusal", "content", "audio"))))
def test_refusal_text_and_speech_stay_apart_in_any_order(deltas: Sequence[str]) -> None:
    said: dict[str, list[Json]] = {
        "refusal": [{"refusal": "No"}, {"refusal": "."}],
        "content": [{"content": "Hi"}, {"content": "!"}],
        "audio": [{"audio": {"transcript": "He"}}],
    }
    for count in (1, 2, 3):
        names = deltas[:count]
        message: Json = {"content": None}
        for name in names:
            add_delta(message, {name: said[name][0][name]})
            for more in said[name][1:]:
                message[name] += more[name]
        result = joined(streamed(*(delta for name in names for delta in said[name])))
        assert result == whole(message)


def test_logprobs_are_those_of_the_text_that_is_shown() -> None:
    no, hi = entry("No"), entry("Hi")
    refused: Json = {"delta": {"refusal": "No"}, "logprobs": {"content": None, "refusal": [no]}}
    said: Json = {"delta": {"content": "Hi"}, "logprobs": {"content": [hi], "refusal": None}}
    for given, tokens in (
        ([refused, said], ["Hi"]),
        ([said, refused], ["Hi"]),
        ([refused], ["No"]),
        ([said], ["Hi"]),
    ):
        body = {"model": "m", "prompt": "Hello", "stream": True, "logprobs": 0, "stop": [*"1234!"]}
        stream = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).stream()
        pieces = [{"index": 0, **piece} for piece in given]
        chunks = [c for piece in pieces for c in stream.feed(0, {"choices": [piece]})]
        chunks += stream.feed(0, {"choices": [{"index": 0, "finish_reason": "stop"}]})
        result = [choice["logprobs"] for c in [*chunks, *stream.end(0)] for choice in c["choices"]]
        assert [token for each in result if each for token in each["tokens"]] == tokens


def test_a_refusal_is_cut_at_a_stop_sequence_too() -> None:
    stops = [*"1234!"]
    result = joined(streamed({"refusal": "No"}, {"refusal": "!way"}, stop=stops))
    assert (
        result
        == whole({"refusal": "No!way"}, stop=stops)
        == {"text": "No", "finish_reason": "stop"}
    )


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_choice, "MAX_HELD_CHARACTERS", 4)
    with pytest.raises(UpstreamError, match="more than 4 characters"):
        streamed({"refusal": "long"}, {"refusal": "er"})
    with pytest.raises(UpstreamError, match="not text"):
        streamed({"refusal": 5})


LATE: list[Json] = [
    {"content": " more"},
    {"refusal": "No."},
    {"annotations": [CITATION]},
    {"images": [{"image_url": WEB}]},
    {"citations": [WEB]},
]


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("stops", [None, [*"1234!"]])
def test_what_comes_after_the_finish_reason_is_not_lost(
    late: Json, stops: list[str] | None
) -> None:
    events: list[Json] = [
        {"delta": {"content": "Hi"}, "finish_reason": "stop"},
        {"delta": late},
        {"delta": {}, "finish_reason": "length"},
    ]
    body = {"model": "m", "prompt": "Hello", "max_tokens": 9, "stream": True, "stop": stops}
    stream = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).stream()
    chunks = [
        chunk for event in events for chunk in stream.feed(0, {"choices": [{"index": 0, **event}]})
    ]
    chunks += stream.end(0)
    result = [choice for chunk in chunks for choice in chunk["choices"]]
    # The finish reason ends the choice, so it waits for the end.
    assert [each["finish_reason"] for each in result] == [*[None] * (len(result) - 1), "stop"]
    message = {**late, "content": "Hi" + late.get("content", "")}
    shown = [
        {k: v for k, v in each.items() if k not in ("index", "logprobs") and v is not None}
        for each in result
    ]
    assert joined(shown) == whole(message, stop=stops)


def test_what_is_cited_after_a_text_that_was_cut_at_stops_is_not_lost() -> None:
    assert streamed({"content": "Hi!"}, *LATE, stop=[*"1234!"]) == [
        {"text": "Hi", "finish_reason": "stop"},
        {"text": "", "refusal": "No."},
        {"text": "", "annotations": [CITATION]},
        {"text": "", "images": [image(WEB)]},
        {"text": "", "citations": [WEB]},
    ]


def test_what_is_beside_a_text_comes_after_it_was_cut_at_stops_too() -> None:
    more: list[Json] = [
        {"images": [image(WEB)]},
        {"content": "b", "output_items": [CITATION]},
        {"phase": "final", "refusal": "No."},
    ]
    message: Json = {"content": "Hi!b"}
    for each in more:
        message = {**each, **message}
    shown = streamed({"content": "Hi!"}, *more, stop=[*"1234!"])
    assert [set(each) - {"text"} for each in shown] == [
        {"finish_reason"},
        {"images"},
        {"output_items"},
        {"phase", "refusal"},
    ]
    assert joined(shown) == whole(message, stop=[*"1234!"])


def test_a_stop_sequence_after_the_finish_reason_ends_the_text() -> None:
    body = {"model": "m", "prompt": "Hello", "stream": True, "stop": [*"1234!"]}
    stream = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT).stream()
    pieces: list[Json] = [
        {"delta": {"content": "Hi!"}, "finish_reason": "length"},
        {"delta": {"content": "x", "annotations": [CITATION]}},
    ]
    chunks = [c for each in pieces for c in stream.feed(0, {"choices": [{"index": 0, **each}]})]
    result = [kept(choice) for chunk in chunks for choice in chunk["choices"]]
    assert result == [
        {"text": "Hi", "finish_reason": "stop"},
        {"text": "", "annotations": [CITATION]},
    ]
    assert stream.end(0) == []
    assert not stream.satisfied(0), "the upstream has ended"


def test_what_is_beside_a_text_that_is_cut_at_stops_stays() -> None:
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
