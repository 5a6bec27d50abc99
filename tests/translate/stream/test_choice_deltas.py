"""Whole messages where deltas belong: what has not been said of them, and nothing else."""

import json
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.stream.choice_deltas import ChoiceDeltas
from gateway.translate.stream.folding.replies import events_as_whole
from tests.translate.completions_via_chat import chat_backend as backend
from tests.translate.responses_via_chat import chat_backend
from tests.translate.responses_via_chat.chat_backend import chunk, completion, fragment, tool_call
from tests.translate.responses_via_chat.client_stream import read

A, B = '{"city":"A"}', '{"city":"B"}'


def deltas(*choices: Json) -> list[Json]:
    said = ChoiceDeltas()
    return [made["delta"] for choice in choices for made in said.take(choice)]


def delta(**fields: Any) -> Json:
    return {"index": 0, "delta": fields}


def message(**fields: Any) -> Json:
    return {"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}


def test_a_message_alone_is_the_delta() -> None:
    whole = message(content="ab", reasoning="r", images=[1], audio={"id": "x", "transcript": "t"})
    assert deltas(whole) == [whole["message"]]
    assert deltas(delta(role="assistant", content=""), whole)[1:] == [
        {name: value for name, value in whole["message"].items() if name != "role"}
    ]
    assert deltas({"message": None, "delta": {"content": "a"}}) == [{"content": "a"}]


TEXTS = ("content", "refusal", "reasoning_content", "reasoning", "thinking")


@pytest.mark.parametrize("name", TEXTS)
def test_of_a_text_that_was_said_the_rest_is_taken(name: str) -> None:
    said = [delta(**{name: "a"}), delta(**{name: "\ud83d\udca1"})]
    whole = "a\ud83d\udca1"
    assert deltas(*said, message(**{name: whole}))[2:] == [{"role": "assistant"}]
    assert deltas(*said, message(**{name: whole + "b"}))[2] == {"role": "assistant", name: "b"}
    for other in ("a", "", "xyz", "A" + whole[1:]):
        assert deltas(*said, message(**{name: other}))[2:] == [{"role": "assistant"}]
    twice = deltas(*said, message(**{name: whole + "b"}), message(**{name: whole + "bc"}))
    assert [each.get(name) for each in twice] == ["a", "\ud83d\udca1", "b", "c"]


def test_reasoning_may_have_another_name_in_the_message() -> None:
    said = delta(reasoning_content="a")
    assert deltas(said, message(reasoning="a", content="t"))[1] == {
        "role": "assistant",
        "content": "t",
    }
    assert deltas(said, message(reasoning="ab", reasoning_content="ab"))[1] == {
        "role": "assistant",
        "reasoning_content": "b",
    }
    thinking = delta(content=[{"type": "thinking", "thinking": "a"}])
    assert deltas(thinking, message(reasoning="ab"))[1]["reasoning"] == "b"


def test_content_in_parts_is_compared_by_what_it_says() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    parts = [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "ab"}, picture]
    assert deltas(message(content=parts))[0]["content"] == parts
    assert deltas(delta(content="a"), message(content=parts))[1]["content"] == [
        {"type": "thinking", "thinking": "t"},
        {"type": "text", "text": "b"},
        picture,
    ]
    assert "content" not in deltas(delta(content=parts), message(content=parts))[1]
    assert deltas(delta(content=parts), message(content="abc"))[1]["content"] == "c"


def test_messages_in_place_of_all_deltas_go_on_or_repeat() -> None:
    def texts(*contents: str) -> list[Any]:
        return [each.get("content") for each in deltas(*(message(content=c) for c in contents))]

    assert texts("a", "b", "c") == ["a", "b", "c"]
    assert texts("a", "ab", "ab", "abc") == ["a", "b", None, "c"]


def test_lists_are_compared_by_their_entries() -> None:
    one, two = {"url": "1"}, {"url": "2"}
    said = delta(images=[{"index": 0, **one}], annotations=[two])
    assert deltas(said, message(images=[one, two], annotations=[two, one]))[1] == {
        "role": "assistant",
        "images": [two],
        "annotations": [one],
    }
    details = [{"type": "reasoning.text", "text": "ab"}]
    assert (
        "reasoning_details"
        not in deltas(
            delta(reasoning_details=[{"type": "reasoning.text", "text": "a"}]),
            message(reasoning_details=details),
        )[1]
    )
    assert deltas(delta(), message(reasoning_details=details))[1]["reasoning_details"] == details


def test_sources_are_sent_once() -> None:
    said = delta(content="a", citations=["u1"], annotations=[{"url": "u1"}])
    whole = message(content="ab", citations=["u1", "u2"], annotations=[{"url": "u1"}])
    assert deltas(said, whole)[1] == {"role": "assistant", "content": "b", "citations": ["u2"]}
    made = events_as_whole(Shape.CHAT, [{"choices": [each]} for each in (said, whole)])
    assert made["choices"][0]["message"]["citations"] == ["u1", "u2"]


def test_audio_goes_on_and_other_fields_are_said_once() -> None:
    said = delta(audio={"id": "x", "transcript": "a", "expires_at": 5}, flag=True, odd={"a": 1})
    whole = message(
        audio={"id": "x", "transcript": "ab", "data": "d", "expires_at": 5},
        flag=True,
        odd={"a": 2},
        more=1,
    )
    news = deltas(said, whole)[1]
    assert news.pop("audio") == {"id": "", "transcript": "b", "data": "d", "expires_at": None}
    assert news == {"role": "assistant", "more": 1}


def test_what_was_said_beside_a_call_is_not_said_again() -> None:
    signed = {**tool_call("f", A), "extra_content": {"google": {"thought_signature": "s"}}}
    said = delta(tool_calls=[signed, None])
    assert deltas(said, message(tool_calls=[signed, None]))[1]["tool_calls"] == [
        {"index": 0, **tool_call("f", A)},
        None,
    ]
    assert deltas(delta(), message(tool_calls=[signed]))[1]["tool_calls"] == [
        {"index": 0, **signed}
    ]
    assert deltas(message(tool_calls="x"))[0]["tool_calls"] == "x"


def test_a_delta_beside_a_message_comes_first() -> None:
    both = {**message(content="ab"), "delta": {"content": "a"}, "logprobs": {"content": []}}
    first, second = ChoiceDeltas().take(both)
    assert first == {
        "index": 0,
        "delta": {"content": "a"},
        "logprobs": {"content": []},
        "finish_reason": None,
    }
    assert second["delta"]["content"] == "b"
    assert (second["finish_reason"], second["logprobs"]) == ("stop", None)


def test_logprobs_of_a_text_that_was_said_are_left_out() -> None:
    entries = {"content": [{"token": "ab"}]}
    whole = {**message(content="ab"), "logprobs": entries}
    (made,) = ChoiceDeltas().take(whole)
    assert made["logprobs"] == entries
    said = ChoiceDeltas()
    said.take(delta(content="a"))
    assert said.take(whole)[0]["logprobs"] is None


def test_odd_messages_are_errors_or_nothing() -> None:
    with pytest.raises(UpstreamError):
        deltas(message(content=[{"type": "text", "text": 5}]))
    assert deltas({"message": {}, "delta": ["x"]}) == [{}]


# --- what clients get --------------------------------------------------------------------------

CALLED = [tool_call("f", A, "x"), tool_call("g", B, "y")]
WHOLE = completion(
    "Hello you", "tool_calls", reasoning_content="Hm, so.", tool_calls=CALLED, images=["data:,"]
)
STREAMS: dict[str, list[Json]] = {
    "the message alone": [],
    "a role first": [chunk("", role="assistant")],
    "some of the text": [chunk("Hello"), chunk(" ")],
    "all of the text": [chunk("Hello you", reasoning_content="Hm, so.")],
    "some of it all": [
        chunk(reasoning_content="Hm"),
        chunk("Hel"),
        chunk(tool_calls=[fragment(0, '{"city"', name="f", call_id="x")]),
    ],
    "all of it": [
        chunk(reasoning_content="Hm, "),
        chunk(reasoning_content="so."),
        chunk("Hello "),
        chunk("you"),
        chunk(tool_calls=[fragment(0, A, name="f", call_id="x")]),
        chunk(tool_calls=[fragment(1, "", name="g", call_id="y")]),
        chunk(tool_calls=[fragment(1, B)]),
        chunk(images=["data:,"]),
    ],
    "all of it, with its finish": [
        chunk("Hello you", reasoning_content="Hm, so.", images=["data:,"]),
        chunk(tool_calls=[{"index": i, **call} for i, call in enumerate(CALLED)]),
        chunk(finish="tool_calls"),
    ],
    "calls without ids": [
        chunk(tool_calls=[fragment(0, '{"city": "A"}', name="f"), fragment(1, name="g")])
    ],
    "a placeholder": [chunk(tool_calls=[fragment(0, "{}", name="f", call_id="x")])],
    "the second call": [chunk(tool_calls=[fragment(1, B, name="g", call_id="y")])],
}


@pytest.mark.parametrize("name", STREAMS)
def test_responses_clients_get_all_of_it_once(name: str) -> None:
    output = read(chat_backend.stream_of([*STREAMS[name], WHOLE]))["output"]
    made: dict[str, list[Json]] = {}
    for item in output:
        made.setdefault(item["type"], []).append(item)
    texts = [part["text"] for item in made["message"] for part in item["content"]]
    assert "".join(texts) == "Hello you"
    texts = [part["text"] for item in made["reasoning"] for part in item["content"]]
    assert "".join(texts) == "Hm, so."
    calls = sorted((call["name"], call["arguments"]) for call in made["function_call"])
    assert [name for name, _ in calls] == ["f", "g"]
    assert [json.loads(text)["city"] for _, text in calls] == ["A", "B"]
    assert len(made["image_generation_call"]) == 1


@pytest.mark.parametrize("name", STREAMS)
def test_a_folded_stream_has_all_of_it_once(name: str) -> None:
    choice = events_as_whole(Shape.CHAT, [*STREAMS[name], WHOLE])["choices"][0]
    made = choice["message"]
    assert (made["content"], made["reasoning_content"]) == ("Hello you", "Hm, so.")
    calls = sorted(
        (call["function"]["name"], json.loads(call["function"]["arguments"])["city"])
        for call in made["tool_calls"]
    )
    assert calls == [("f", "A"), ("g", "B")]
    assert made["images"] == ["data:,"]


@pytest.mark.parametrize("name", STREAMS)
def test_completions_clients_get_all_of_the_text_once(name: str) -> None:
    made = [
        choice
        for event in backend.streamed(backend.asking(stream=True), [*STREAMS[name], WHOLE])
        for choice in event["choices"]
    ]
    assert "".join(choice["text"] for choice in made) == "Hello you"
    assert [choice["finish_reason"] for choice in made if choice["finish_reason"]] == ["stop"]
    assert sum(len(choice.get("images", ())) for choice in made) == 1
