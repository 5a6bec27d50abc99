"""Chat streams as streams of messages events. `PAIR.streamed` checks each in many forms."""

from typing import Any

import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate import contract
from tests.messages_grammar import read_broken, read_message
from tests.translate.messages_client import context, failure, kinds, texts
from tests.translate.messages_via_chat.chat import PAIR
from tests.translate.responses_via_chat.chat_backend import (
    CITATION,
    ROLE,
    USAGE,
    chunk,
    completion,
    fragment,
    tool_call,
)

BOTH: Json = {"tools": frozenset({"ls", "now"})}


def calling(*fragments: Json, finish: str | None = None) -> Json:
    return chunk(tool_calls=list(fragments), finish=finish)


def test_a_chat_stream_becomes_a_stream_of_messages_events() -> None:
    events = PAIR.streamed([ROLE, chunk("Hel"), chunk("lo"), chunk(finish="stop"), USAGE])
    assert events == [
        {
            "type": "message_start",
            "message": {
                "id": f"msg_{1:032x}",
                "type": "message",
                "role": "assistant",
                "model": "asked",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "usage": {
                    "input_tokens": 0,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "output_tokens": 0,
                },
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hel"},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None},
            "usage": {
                "input_tokens": 3,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 5,
                "output_tokens_details": {"thinking_tokens": 0},
            },
        },
        {"type": "message_stop"},
    ]


def test_nothing_is_sent_before_the_model_says_something() -> None:
    fold = PAIR.asking().stream()
    assert fold.ping() == []
    silent: list[Json] = [{"choices": []}, ROLE, chunk(""), chunk(tool_calls=[])]
    for event in silent:
        assert fold.feed(0, event) == []
    error = {"error": {"message": "slow down", "code": 429}}
    assert failure(UpstreamReplied, lambda: fold.feed(0, error)).status == 429
    fold = PAIR.asking().stream()
    assert kinds(fold.feed(0, chunk("a"))) == ["message_start", "text", "text_delta"]
    assert fold.ping() == [{"type": "ping"}]
    assert kinds(fold.feed(0, chunk("b"))) == ["text_delta"]


def test_a_reply_without_content_is_an_empty_message() -> None:
    message = PAIR.message([ROLE, chunk("", finish="stop")])
    assert (message["content"], message["stop_reason"]) == ([], "end_turn")


def test_the_first_usage_is_that_of_the_start_and_the_last_one_that_of_the_end() -> None:
    first = {**chunk("a"), "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    events = PAIR.streamed([ROLE, first, chunk(finish="stop"), USAGE])
    assert events[0]["message"]["usage"]["input_tokens"] == 7
    assert events[-2]["usage"]["output_tokens"] == 5


def test_usage_may_be_missing() -> None:
    assert PAIR.message([chunk("a", "stop")])["usage"]["input_tokens"] == 0


def test_reasoning_text_and_calls_become_blocks_in_their_order() -> None:
    events = PAIR.streamed(
        [
            ROLE,
            chunk(reasoning_content="Two "),
            chunk(reasoning_content="numbers."),
            chunk("Let me "),
            chunk("look."),
            calling(fragment(0, "", name="ls", call_id="call_a")),
            calling(fragment(0, '{"dir":')),
            calling(fragment(0, '"/"}')),
            calling(fragment(1, "{}", name="now", call_id="call_b")),
            chunk(finish="tool_calls"),
        ],
        **BOTH,
    )
    assert kinds(events) == [
        "message_start",
        *("thinking", "thinking_delta", "thinking_delta", "signature_delta", "stop"),
        *("text", "text_delta", "text_delta", "stop"),
        *("tool_use", "input_json_delta", "input_json_delta", "stop"),
        *("tool_use", "input_json_delta", "stop"),
        *("message_delta", "message_stop"),
    ]
    message = read_message(events)
    assert message["content"] == [
        {"type": "thinking", "thinking": "Two numbers.", "signature": "gw1."},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_a", "name": "ls", "input": {"dir": "/"}},
        {"type": "tool_use", "id": "call_b", "name": "now", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"


def test_interleaved_calls_queue() -> None:
    events = PAIR.streamed(
        [
            calling(fragment(0, "", name="ls", call_id="call_a")),
            calling(fragment(1, "", name="now", call_id="call_b")),
            calling(fragment(0, '{"a"')),
            calling(fragment(1, '{"b"')),
            calling(fragment(0, ":1}")),
            calling(fragment(1, ":2}")),
            chunk("and text", "tool_calls"),
        ],
        **BOTH,
    )
    assert texts(read_message(events)) == ['ls({"a":1})', 'now({"b":2})', "and text"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert [delta.get("partial_json") for delta in deltas] == ['{"a"', ":1}", '{"b"', ":2}", None]


def test_a_call_that_waits_is_sent_as_soon_as_the_one_before_it_is_whole() -> None:
    fold = PAIR.asking(**BOTH).stream()
    fold.feed(0, calling(fragment(0, '{"a"', name="ls", call_id="call_a")))
    assert fold.feed(0, calling(fragment(1, '{"b"', name="now", call_id="call_b"))) == []
    assert kinds(fold.feed(0, calling(fragment(0, ":1}")))) == [
        *("input_json_delta", "stop", "tool_use", "input_json_delta"),
    ]
    assert kinds(fold.feed(0, calling(fragment(1, ":2}")))) == ["input_json_delta"]


def test_calls_may_share_an_index_where_they_have_ids_and_names() -> None:
    events = [
        calling(fragment(0, '{"a":1}', name="ls", call_id="call_a")),
        calling(fragment(0, '{"b":2}', name="now", call_id="call_b")),
        chunk(finish="stop"),
    ]
    message = PAIR.message(events, **BOTH)
    assert texts(message) == ['ls({"a":1})', 'now({"b":2})']
    assert message["stop_reason"] == "tool_use"


def test_all_calls_may_come_in_one_chunk_and_arguments_as_an_object() -> None:
    objects = [{**fragment(k, name=name, call_id=f"c{k}")} for k, name in enumerate(("ls", "now"))]
    objects[0]["function"]["arguments"] = {"dir": "é"}
    message = PAIR.message([calling(*objects, finish="tool_calls")], **BOTH)
    assert texts(message) == ['ls({"dir":"é"})', "now({})"]


def test_name_and_id_may_come_late_in_pieces_or_never() -> None:
    in_pieces = [fragment(0, "", name="l"), fragment(0, '{"a"', name="s"), fragment(0, ":1}")]
    late = [fragment(0, '{"a"'), fragment(0, "", name="ls"), fragment(0, ":1}")]
    for pieces in (in_pieces, late):
        events = [*map(calling, pieces), chunk(finish="stop")]
        block = PAIR.message(events, **BOTH)["content"][0]
        assert (block["name"], block["input"]) == ("ls", {"a": 1})
        assert block["id"] == f"toolu_{1:032x}"


def test_a_call_without_a_name_is_an_error() -> None:
    fold = PAIR.asking().stream()
    fold.feed(0, calling(fragment(0, "{}", call_id="call_a"), finish="stop"))
    assert "without a name" in failure(UpstreamError, lambda: fold.end(0)).message


def test_a_limit_may_cut_off_a_call_before_its_name() -> None:
    events = [chunk("a"), calling(fragment(0, "", call_id="call_a")), chunk(finish="length")]
    assert texts(PAIR.message(events, **BOTH)) == ["a"]


def test_the_old_form_of_a_call_is_a_call() -> None:
    events = [
        chunk(function_call={"name": "ls", "arguments": '{"a":'}),
        chunk(function_call={"arguments": "1}"}),
        chunk(finish="function_call"),
    ]
    assert texts(PAIR.message(events, **BOTH)) == ['ls({"a":1})']


def test_arguments_may_be_cut_anywhere() -> None:
    text = '{"q":"\\ud83d\\ude00 \\"é\\""}'
    pieces = [calling(fragment(0, character)) for character in text]
    begun = calling(fragment(0, "", name="ls", call_id="call_a"))
    message = PAIR.message([begun, *pieces, chunk(finish="tool_calls")], **BOTH)
    assert message["content"][0]["input"] == {"q": '😀 "é"'}


@pytest.mark.parametrize("text", ["[1]", '"x"', "12", "{'a': 1}", '{"a": NaN}', '{"a": 1} x'])
def test_arguments_that_are_not_an_object_are_an_error(text: str) -> None:
    fold = PAIR.asking(**BOTH).stream()
    received = fold.feed(0, calling(fragment(0, text, name="ls", call_id="call_a")))
    received += fold.feed(0, chunk(finish="tool_calls"))
    error = failure(UpstreamError, lambda: fold.end(0))
    assert "'ls'" in error.message
    assert read_broken(received + fold.fail(error))["type"] == "api_error"
    reply = completion(None, "tool_calls", tool_calls=[tool_call("ls", text)])
    assert "'ls'" in failure(UpstreamError, lambda: PAIR.replied(reply, **BOTH)).message


def test_a_limit_within_a_call_leaves_it_cut_off() -> None:
    events = [
        calling(fragment(0, "{}", name="ls", call_id="call_a")),
        calling(fragment(1, '{"a":"b', name="now", call_id="call_b")),
        chunk(finish="length"),
    ]
    message = PAIR.message(events, **BOTH)
    assert message["stop_reason"] == "max_tokens"
    assert [block["input"] for block in message["content"]] == [{}, '{"a":"b']


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["one END two"], "one "),
        (["one E", "ND", " two"], "one "),
        (["E", "N", "D"], None),
        (["EN", "E", "N", "D"], "EN"),
        (["one ST", "OP END"], "one "),
        (["one E", "N", " two"], "one EN two"),
    ],
)
def test_stop_sequences_are_found_across_pieces(pieces: list[str], shown: str | None) -> None:
    stream = [ROLE, *map(chunk, pieces), chunk(" more"), chunk(finish="stop"), USAGE]
    message = PAIR.message(stream, stop_sequences=("END", "STOP"))
    if "two" in (shown or ""):
        assert texts(message) == [f"{shown} more"]
        assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
    else:
        assert texts(message) == ([] if shown is None else [shown])
        found = "STOP" if "STOP" in "".join(pieces) else "END"
        assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", found)
    whole = PAIR.replied(completion("".join([*pieces, " more"])), stop_sequences=("END", "STOP"))
    assert {**whole, "usage": 0} == {**message, "usage": 0}


def test_nothing_more_is_needed_after_a_stop_sequence() -> None:
    fold = PAIR.asking(stop_sequences=("END",)).stream()
    assert not fold.passes_text
    fold.feed(0, chunk("a E"))
    assert not fold.satisfied(0)
    events = fold.feed(0, chunk("ND b"))
    assert kinds(events) == ["stop", "message_delta", "message_stop"]
    assert fold.satisfied(0)
    assert fold.feed(0, chunk("c")) == fold.end(0) == []
    assert PAIR.asking().stream().passes_text


def test_a_stop_sequence_does_not_go_on_after_other_content() -> None:
    events = [
        chunk("a E"),
        calling(fragment(0, "{}", name="ls", call_id="call_a")),
        chunk("ND"),
        chunk(reasoning="hm"),
        chunk("b E"),
        chunk(reasoning="hm"),
        chunk("ND"),
        chunk("c E"),
        chunk(refusal="no"),
        chunk(finish="stop"),
    ]
    message = PAIR.message(events, stop_sequences=("END",), **BOTH)
    assert texts(message) == ["a E", "ls({})", "ND", "<hm>", "b E", "<hm>", "NDc E", "no"]


def test_a_stop_sequence_ends_a_reply_with_a_call_that_is_not_whole() -> None:
    events = [
        calling(fragment(0, '{"a', name="ls", call_id="call_a")),
        chunk("x END"),
        calling(fragment(0, '":1}')),
        chunk(finish="stop"),
    ]
    message = PAIR.message(events, stop_sequences=("END",), **BOTH)
    assert message["stop_sequence"] == "END"
    assert message["content"][0]["input"] == '{"a'


def test_calls_and_reasoning_in_the_chunk_of_a_stop_sequence_do_not_count() -> None:
    events = [
        {**chunk("a END", tool_calls=[fragment(0, "{}", name="ls")])},
        chunk(finish="tool_calls"),
    ]
    assert texts(PAIR.message(events, stop_sequences=("END",), **BOTH)) == ["a "]


@pytest.mark.parametrize("field", ["stop_reason", "matched_stop"])
def test_a_server_may_name_the_stop_sequence_that_it_found(field: str) -> None:
    last = chunk(finish="stop")
    last["choices"][0][field] = "END"
    message = PAIR.message([chunk("a"), last], native_stops=("END",))
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")
    for of in ({}, {"native_stops": ("STOP",)}):
        assert PAIR.message([chunk("a"), last], **of)["stop_reason"] == "end_turn"
    last["choices"][0][field] = 128009
    assert PAIR.message([chunk("a"), last], native_stops=("END",))["stop_reason"] == "end_turn"


def test_names_that_were_shortened_are_the_clients_again() -> None:
    names = {"mcp__s_1234": "mcp__server__tool"}
    events = [
        calling(fragment(0, "{}", name="mcp__s_1234", call_id="call_a")),
        chunk(finish="tool_calls"),
    ]
    assert texts(PAIR.message(events, tool_names=names)) == ["mcp__server__tool({})"]


def test_ids_of_calls_are_unique_within_a_conversation() -> None:
    known = {"type": "tool_use", "id": "call_0", "name": "ls", "input": {}}
    history = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, known]},
    ]
    events = [
        calling(
            fragment(0, "{}", name="ls", call_id="call_0"),
            fragment(1, "{}", name="ls", call_id="call_1"),
            fragment(2, "{}", name="now", call_id="call_1"),
        ),
        chunk(finish="tool_calls"),
    ]
    ids = [
        block["id"]
        for block in PAIR.message(events, client={"messages": history}, **BOTH)["content"]
    ]
    assert ids == [f"toolu_{1:032x}", "call_1", f"toolu_{3:032x}"]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_hidden_or_left_out_as_the_client_wants_it(name: str) -> None:
    events = [chunk(**{name: "h"}), chunk(**{name: "m"}), chunk("a", "stop")]
    omitted = PAIR.streamed(events, thinking="omitted")
    assert kinds(omitted)[:4] == ["message_start", "thinking", "signature_delta", "stop"]
    assert read_message(omitted)["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "gw1.",
    }
    assert texts(PAIR.message(events, thinking="none")) == ["a"]


def test_a_refusal_is_text_and_the_reason() -> None:
    message = PAIR.message(
        [ROLE, chunk(refusal="I "), chunk(refusal="won't."), chunk(finish="stop")]
    )
    assert texts(message) == ["I won't."]
    assert message["stop_reason"] == "refusal"
    assert message["stop_details"] == {
        "type": "refusal",
        "category": None,
        "explanation": "I won't.",
    }


def test_a_refusal_is_not_glued_to_the_text_beside_it() -> None:
    refused = [chunk(refusal="I "), chunk(refusal="won't.")]
    message = PAIR.message([ROLE, chunk("Well."), *refused, chunk("Sorry."), chunk(finish="stop")])
    assert texts(message) == ["Well.", "I won't.", "Sorry."]
    assert message["stop_details"]["explanation"] == "I won't."
    reply = completion("Well.", "stop")
    reply["choices"][0]["message"]["refusal"] = "I won't."
    assert texts(PAIR.replied(reply)) == ["Well.", "I won't."]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("content_filter", "refusal"),
        ("SAFETY", "refusal"),
        ("length", "max_tokens"),
        ("model_length", "model_context_window_exceeded"),
        ("eos", "end_turn"),
        ("tool_calls", "end_turn"),
        ("surprise", "end_turn"),
    ],
)
def test_the_words_of_servers(word: str, reason: str) -> None:
    assert PAIR.message([chunk("a"), chunk(finish=word)])["stop_reason"] == reason
    translation = PAIR.asking()
    reply = translation.reply([completion("a", word)])
    assert reply["stop_reason"] == reason
    unusual = ["finish_reason:surprise->end_turn"] if word == "surprise" else []
    assert translation.report.changed == unusual


def test_a_generation_that_failed_is_an_error() -> None:
    fold = PAIR.asking().stream()
    received = fold.feed(0, chunk("a", "error"))
    error = failure(UpstreamError, lambda: fold.end(0))
    assert read_broken(received + fold.fail(error))["type"] == "api_error"


def test_an_error_after_some_events_ends_the_stream() -> None:
    fold = PAIR.asking().stream()
    received = fold.feed(0, chunk("a")) + fold.feed(0, chunk("b"))
    event = {"error": {"message": "overloaded", "type": "overloaded_error", "code": 529}}
    error = failure(UpstreamReplied, lambda: fold.feed(0, event))
    events = received + fold.fail(error)
    assert read_broken(events) == {"type": "overloaded_error", "message": "overloaded"}
    assert fold.end(0) == fold.feed(0, chunk("c")) == []


def test_a_stream_without_a_finish_reason_was_cut_off() -> None:
    fold = PAIR.asking().stream()
    fold.feed(0, chunk("a"))
    failure(TruncatedStream, lambda: fold.end(0))


def test_other_choices_are_left_out_and_reported() -> None:
    other = chunk("b")
    other["choices"][0]["index"] = 1
    translation = PAIR.asking()
    fold = translation.stream()
    received: list[Json] = []
    for event in (chunk("a"), other, chunk(finish="stop")):
        received += fold.feed(0, event)
    assert texts(read_message(received + fold.end(0))) == ["a"]
    assert translation.report.dropped == ["choices[1]"]


def test_what_messages_have_no_place_for_is_reported() -> None:
    translation = PAIR.asking()
    reply: Json = completion(
        [{"type": "text", "text": "a"}, {"type": "video", "url": "x"}],
        annotations=[{"type": "url_citation", "url_citation": CITATION}],
        images=[{"image_url": {"url": "data:image/png;base64,AA"}}],
        audio={"id": "x"},
        search_results=[1],
    )
    reply["citations"] = ["https://a.example"]
    assert texts(translation.reply([reply])) == ["a"]
    assert translation.report.dropped == [
        *("annotations", "images", "audio", "content.video", "search_results", "citations"),
    ]


def test_so_is_the_phase_of_a_reply() -> None:
    for phase, reported in (("final_answer", ["phase"]), (None, []), (5, [])):
        translation = PAIR.asking()
        assert texts(translation.reply([completion("a", phase=phase)])) == ["a"]
        assert translation.report.dropped == reported
        streamed = PAIR.asking()
        fold = streamed.stream()
        said = chunk("a")
        said["choices"][0]["delta"]["phase"] = phase
        received = [event for each in (said, chunk(finish="stop")) for event in fold.feed(0, each)]
        assert texts(read_message(received + fold.end(0))) == ["a"]
        assert streamed.report.dropped == reported


def test_a_whole_message_at_the_end_of_a_stream_is_not_repeated() -> None:
    last: Json = completion("Hello", tool_calls=[tool_call("ls", '{"a":1}')])
    events = [
        chunk("Hel"),
        calling(fragment(0, '{"a":1}', name="ls", call_id="call_a")),
        last,
    ]
    message = PAIR.message(events, **BOTH)
    assert texts(message) == ["Hel", 'ls({"a":1})', "lo"]


def test_a_message_in_the_chunk_of_a_stop_sequence_does_not_count() -> None:
    last = completion("a END b")["choices"][0]
    both = {"choices": [{**last, "delta": {"content": "a END"}}]}
    assert texts(PAIR.message([both], stop_sequences=("END",))) == ["a "]


def test_a_reply_is_not_longer_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MAX_REPLY_CHARACTERS", 8)
    fold = PAIR.asking().stream()
    fold.feed(0, chunk("12345678"))
    error: Any = failure(UpstreamError, lambda: fold.feed(0, chunk("9")))
    assert "'max_tokens'" in error.message


def test_parameters_in_errors_are_the_clients() -> None:
    event = {"error": {"message": "too large", "param": "max_completion_tokens", "code": 400}}
    error = failure(UpstreamReplied, lambda: PAIR.asking(context()).stream().feed(0, event))
    assert error.param == "max_tokens"
