"""Streams. `stream_of` sends each whole, byte by byte and cut off after every event.

Every stream that comes out is checked against OpenAI's schema and the grammar of responses.
"""

from typing import Any

import pytest

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
    UpstreamReplied,
)
from gateway.shapes import Json, Shape
from gateway.translate import contract
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.responses_via_chat.chat_backend import (
    CITATION,
    CREATED,
    NOW,
    OPENAI,
    ROLE,
    USAGE,
    asking,
    chunk,
    completion,
    context,
    entry,
    fragment,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import deltas, kinds, read, read_any, texts
from tests.translate.responses_via_chat.everywhere import WEB, everywhere

F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
PATCH = {"type": "custom", "name": "apply_patch"}
LOGPROBS = "message.output_text.logprobs"


def test_a_chat_stream_becomes_a_stream_of_responses_events() -> None:
    events = stream_of([ROLE, chunk("Hel"), chunk("lo"), chunk(finish="stop"), USAGE])
    assert kinds(events) == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    response = read(events)
    assert response["id"] == f"resp_{1:032x}"
    assert response["created_at"] == CREATED
    assert response["completed_at"] == NOW
    assert response["model"] == "asked"
    assert response["output"] == [
        {
            "id": f"msg_{2:032x}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
            ],
        }
    ]
    assert response["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 8,
    }


def test_deltas_are_forwarded_at_once() -> None:
    fold = asking(stream=True).stream()
    assert fold.feed(0, {"choices": []}) == []
    assert [e["type"] for e in fold.feed(0, ROLE)] == ["response.created", "response.in_progress"]
    assert deltas(fold.feed(0, chunk("a"))) == ["a"]
    assert deltas(fold.feed(0, chunk("b"))) == ["b"]
    assert fold.feed(0, chunk(finish="stop")) == []


def test_a_role_only_first_chunk_opens_no_message() -> None:
    events = stream_of([ROLE, chunk(reasoning_content="hm"), chunk("a"), chunk(finish="stop")])
    assert [item["type"] for item in read(events)["output"]] == ["reasoning", "message"]


def test_a_finish_before_the_last_call_does_not_end_the_stream() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]),
            chunk(finish="tool_calls"),
            chunk(tool_calls=[fragment(1, "{}", name="g", call_id="call_b")]),
            chunk(finish="stop"),
        ],
        tools=[F],
    )
    assert texts(read(events)) == ["f({})", "g({})"]


def test_logprobs_are_streamed_and_kept_with_their_bytes() -> None:
    first, second = entry("a", Z=-1.0, Y=-0.7), entry("b")
    events = stream_of(
        [
            chunk("a", logprobs={"content": [first]}),
            chunk("b", "stop", logprobs={"content": [second], "refusal": None}),
        ],
        include=[LOGPROBS],
        top_logprobs=1,
    )
    first["top_logprobs"] = [{"token": "Y", "logprob": -0.7, "bytes": [89]}]
    streamed = [e["logprobs"] for e in events if e["type"] == "response.output_text.delta"]
    assert streamed == [[first], [second]]
    (done,) = [e for e in events if e["type"] == "response.output_text.done"]
    assert done["logprobs"] == [first, second]
    (part,) = read(events)["output"][0]["content"]
    assert part["logprobs"] == [first, second]


def test_logprobs_of_a_split_character_come_with_its_text() -> None:
    half = {**entry("?"), "bytes": [0xC3]}
    rest = {**entry("?"), "bytes": [0xA9]}
    events = stream_of(
        [
            chunk("", logprobs={"content": [half]}),
            chunk("é", "stop", logprobs={"content": [rest]}),
        ],
        include=[LOGPROBS],
    )
    (part,) = read(events)["output"][0]["content"]
    assert [each["bytes"] for each in part["logprobs"]] == [[0xC3], [0xA9]]
    (delta,) = [e for e in events if e["type"] == "response.output_text.delta"]
    assert delta["logprobs"] == part["logprobs"]


def test_logprobs_that_nobody_asked_for_or_that_are_of_reasoning_are_dropped() -> None:
    for include, delta in (([], chunk("a")), ([LOGPROBS], chunk(reasoning="r"))):
        delta["choices"][0]["logprobs"] = {"content": [entry("x")]}
        events = stream_of([delta, chunk("b", "stop")], include=include)
        (part,) = read(events)["output"][-1]["content"]
        assert part["logprobs"] == []


def test_logprobs_of_reasoning_in_the_same_chunk_are_left_out() -> None:
    tokens = [entry("hm"), entry("</think>"), entry("a"), entry("b")]
    both = chunk("ab", "stop", reasoning="hm", logprobs={"content": tokens})
    (part,) = read(stream_of([both], include=[LOGPROBS]))["output"][-1]["content"]
    assert [each["token"] for each in part["logprobs"]] == ["a", "b"]


def test_an_annotation_whose_message_is_closed_is_dropped() -> None:
    nested = {"type": "url_citation", "url_citation": CITATION}
    events = stream_of(
        [
            chunk("a"),
            chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]),
            chunk(annotations=[nested]),
            chunk(finish="stop"),
        ]
    )
    assert texts(read(events)) == ["a", "f({})"]


def test_a_second_choice_is_ignored() -> None:
    other = {"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}
    first = chunk("a")
    first["choices"].append(other)
    assert texts(read(stream_of([first, chunk(finish="stop")]))) == ["a"]


def test_an_error_event_is_raised_with_the_clients_parameter() -> None:
    fold = asking(stream=True, max_output_tokens=100).stream()
    error = {"message": "too many", "type": "invalid_request_error", "code": 400}
    with pytest.raises(UpstreamReplied) as caught:
        fold.feed(0, {"error": {**error, "param": "max_completion_tokens"}})
    assert caught.value.param == "max_output_tokens"
    assert caught.value.message == "too many (upstream parameter: max_completion_tokens)."
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            UpstreamReplied("slow down", status=429, code="rate_limit_exceeded"),
            "rate_limit_exceeded",
        ),
        (InvalidRequest("no", param="input"), "invalid_prompt"),
        (TruncatedStream("cut"), "server_error"),
    ],
)
def test_a_failure_is_sent_in_both_forms_and_ends_the_stream(
    error: GatewayError, code: str
) -> None:
    fold = asking(stream=True).stream()
    events = fold.feed(0, chunk(reasoning="hm")) + fold.feed(0, chunk("a"))
    events += fold.fail(error)
    response = events[-2]
    told = error.code or code
    assert response["error"] == {**error.envelope()["error"], "code": told}
    assert (response["message"], response["param"], response["code"]) == (
        error.message,
        error.param,
        told,
    )
    response = read_any(events)
    assert response["error"] == {"code": code, "message": error.message}
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]
    assert texts(response) == ["hm", "a"]
    assert fold.fail(error) == []
    assert fold.feed(0, chunk("late")) == []
    assert fold.end(0) == []


def test_a_failure_before_the_first_chunk_still_opens_the_response() -> None:
    events = asking(stream=True).stream().fail(TruncatedStream("cut"))
    assert kinds(events) == ["error", "failed"]
    assert read_any(events)["output"] == []


def test_a_failure_in_the_middle_of_a_chunk_keeps_what_it_said_before() -> None:
    fold = asking(stream=True).stream()
    bad = chunk("a", tool_calls=["x"])
    with pytest.raises(UpstreamError) as caught:
        fold.feed(0, bad)
    assert read_any(fold.fail(caught.value))["status"] == "failed"
    fold = asking(stream=True).stream()
    two = chunk("a")
    two["choices"].append({"index": 0, "delta": {"content": 1}})
    with pytest.raises(UpstreamError) as caught:
        fold.feed(0, two)
    assert texts(read_any(fold.fail(caught.value))) == ["a"]


def test_a_failed_generation_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk("a", "abort"))
    with pytest.raises(UpstreamError, match="abort"):
        fold.end(0)


def test_a_reply_without_limits_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MAX_REPLY_CHARACTERS", 10)
    fold = asking(stream=True).stream()
    fold.feed(0, chunk("12345"))
    fold.feed(0, chunk(tool_calls=[fragment(0, "12345", name="f")]))
    with pytest.raises(UpstreamError, match="more than 10 characters"):
        fold.feed(0, chunk(reasoning="1"))


def test_a_whole_reply_given_as_an_event_streams_the_same_output() -> None:
    reply = completion(
        "text",
        "tool_calls",
        reasoning_content="hm",
        tool_calls=[tool_call("f", '{"a":1}'), tool_call("g", "", "call_b")],
    )
    response = read(stream_of([whole_as_event(Shape.CHAT, reply)], tools=[F]))
    assert response == replied(reply, stream=True, tools=[F])


def test_a_stream_and_a_whole_reply_make_the_same_response() -> None:
    chat = [
        chunk(reasoning="h"),
        chunk(reasoning="m"),
        chunk("te"),
        chunk("xt"),
        chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
        chunk(tool_calls=[fragment(0, ":1}")]),
        chunk(tool_calls=[fragment(1, "", name="g", call_id="call_b")]),
        chunk(finish="tool_calls"),
        USAGE,
    ]
    calls = [tool_call("f", '{"a":1}'), tool_call("g", "", "call_b")]
    whole = completion("text", "tool_calls", reasoning="hm", tool_calls=calls)
    assert read(stream_of(chat)) == replied(whole, context(OPENAI), stream=True)


REFERENCE: Json = {"type": "reference", "reference_ids": [1]}


def test_parts_of_an_unknown_type_stand_beside_the_output() -> None:
    parts: list[Any] = [{"type": "text", "text": "A"}, REFERENCE, "B", None, REFERENCE]
    response = everywhere([*parts, {"type": "refusal", "refusal": "No."}])
    assert response["content_parts"] == [REFERENCE, REFERENCE]
    assert [part.get("text") or part["refusal"] for part in response["output"][0]["content"]] == [
        *("AB", "No.")
    ]
    alone = everywhere([REFERENCE], "whatever")
    assert (alone["status"], alone["content_parts"]) == ("completed", [REFERENCE])
    events = stream_of([chunk([REFERENCE]), chunk(["A"]), chunk([REFERENCE]), chunk(None, "stop")])
    assert events[-1]["response"]["content_parts"] == [REFERENCE, REFERENCE]
    assert "content_parts" not in events[0]["response"]


def test_a_citation_of_a_message_that_has_ended_stands_beside_the_output() -> None:
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


def test_a_citation_after_a_refusal_stands_beside_the_output_if_its_text_has_ended() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": WEB}}
    last = [chunk(refusal="No."), chunk(annotations=[cited]), chunk(None, "stop")]
    response = stream_of([chunk("Hi"), *last])[-1]["response"]
    assert [part["type"] for part in response["output"][0]["content"]] == ["output_text", "refusal"]
    assert [each["url"] for each in response["annotations"]] == [WEB]
    alone = stream_of(last)[-1]["response"]
    assert "annotations" not in alone
    assert alone["output"][0]["content"][1]["annotations"][0]["url"] == WEB


@pytest.mark.parametrize("audio", [{"id": "a"}, {"data": "b"}, "x", [1]])
def test_audio_without_a_transcript_is_an_error(audio: Any) -> None:
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
def test_finish_reasons_become_a_status(
    word: str, status: str, reason: str | None, native: str | None
) -> None:
    response = everywhere("Hi", word)
    assert (response["status"], response.get("native_finish_reason")) == (status, native)
    assert (response["incomplete_details"] or {}).get("reason") == reason
    if reason is not None:
        empty = everywhere(None, word)
        assert empty["incomplete_details"] == {"reason": reason}
