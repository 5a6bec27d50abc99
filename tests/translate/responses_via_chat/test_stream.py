"""Streams. `stream_of` sends each whole, byte by byte and cut off after every event.

Every stream that comes out is checked against OpenAI's schema and the grammar of responses.
"""

import pytest

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
    UpstreamReplied,
)
from gateway.shapes import Json, Shape
from gateway.translate.responses_via_chat.output import stream as stream_module
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.responses_via_chat.chat_backend import (
    CREATED,
    NOW,
    OPENAI,
    ROLE,
    SELF_HOSTED,
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
    usage,
)
from tests.translate.responses_via_chat.client_stream import deltas, kinds, read, read_any

F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
PATCH = {"type": "custom", "name": "apply_patch"}
LOGPROBS = "message.output_text.logprobs"
MESSAGE_KINDS = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]


def texts(response: Json) -> list[str]:
    """Return what each item says, in order."""
    said: list[str] = []
    for item in response["output"]:
        if item["type"] in ("message", "reasoning"):
            parts = item["content"] + item.get("summary", [])
            said.append("|".join(part.get("text", part.get("refusal")) for part in parts))
        else:
            said.append(f"{item['name']}({item.get('arguments', item.get('input'))})")
    return said


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


def test_reasoning_text_and_a_call_come_one_after_another() -> None:
    events = stream_of(
        [
            ROLE,
            chunk(reasoning_content="think"),
            chunk("Let me check."),
            chunk(tool_calls=[fragment(0, "", name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, '{"x"')]),
            chunk(tool_calls=[fragment(0, ":1}")]),
            chunk(finish="tool_calls"),
            USAGE,
        ],
        tools=[F],
    )
    assert kinds(events) == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        *MESSAGE_KINDS,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    reasoning, message, call = read(events)["output"]
    assert reasoning == {
        "id": f"rs_{2:032x}",
        "type": "reasoning",
        "status": "completed",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "think"}],
    }
    assert message["id"] == f"msg_{3:032x}"
    assert call == {
        "id": f"fc_{4:032x}",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_a",
        "name": "f",
        "arguments": '{"x":1}',
    }


def test_reasoning_is_read_from_either_field_and_only_once() -> None:
    for delta in (
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_content": None},
    ):
        events = stream_of([chunk(**delta), chunk("a", "stop")])
        assert texts(read(events)) == ["hm", "a"]


def test_reasoning_is_a_summary_for_a_client_that_asks_for_one() -> None:
    events = stream_of([chunk(reasoning="hm"), chunk("a", "stop")], reasoning={"summary": "auto"})
    assert kinds(events)[:6] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    item = read(events)["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert item["content"] == []


def test_reasoning_item_decides_the_form_of_reasoning() -> None:
    chat = [chunk(reasoning="hm"), chunk("a", "stop")]
    dropped = stream_of(chat, lambda: context(reasoning_item="drop"))
    assert texts(read(dropped)) == ["a"]
    summary = stream_of(chat, lambda: context(reasoning_item="summary"))
    assert read(summary)["output"][0]["summary"]
    text = stream_of(chat, lambda: context(reasoning_item="text"), reasoning={"summary": "auto"})
    assert read(text)["output"][0]["content"]


def test_reasoning_after_text_opens_a_new_item() -> None:
    events = stream_of(
        [chunk(reasoning="a"), chunk("b"), chunk(reasoning="c"), chunk("d"), chunk(finish="stop")]
    )
    assert texts(read(events)) == ["a", "b", "c", "d"]


def test_mistrals_content_in_parts_is_text_and_reasoning() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    events = stream_of(
        [
            chunk([thinking]),
            chunk([{"type": "thinking", "thinking": "mh"}, {"type": "text", "text": "a"}]),
            chunk([{"type": "reference", "reference_ids": [1]}]),
            chunk(finish="stop"),
        ]
    )
    assert texts(read(events)) == ["hmmh", "a"]


def test_text_after_a_tool_call_opens_a_new_message() -> None:
    events = stream_of(
        [
            chunk("a"),
            chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]),
            chunk("b"),
            chunk(finish="tool_calls"),
        ],
        tools=[F],
    )
    assert texts(read(events)) == ["a", "f({})", "b"]


def test_interleaved_calls_are_written_one_after_another() -> None:
    fold = asking(stream=True, tools=[F]).stream()
    sent = fold.feed(0, chunk(tool_calls=[fragment(0, '{"a":', name="f", call_id="call_a")]))
    assert deltas(sent) == ['{"a":']
    sent = fold.feed(0, chunk(tool_calls=[fragment(1, '{"b":', name="g", call_id="call_b")]))
    assert sent == [], "the first call is not complete"
    assert deltas(fold.feed(0, chunk(tool_calls=[fragment(0, "1")]))) == ["1"]
    assert fold.feed(0, chunk(tool_calls=[fragment(1, "2}")])) == []
    sent = fold.feed(0, chunk(tool_calls=[fragment(0, "}")]))
    assert deltas(sent) == ["}", '{"b":', "2}"], "the first is complete: what waited is written"
    assert kinds(sent)[1:3] == ["function_call_arguments.done", "output_item.done"]


def test_interleaved_calls_keep_their_arguments() -> None:
    events = stream_of(
        [
            chunk(
                tool_calls=[
                    fragment(0, "", name="f", call_id="call_a"),
                    fragment(1, "", name="g", call_id="call_b"),
                ]
            ),
            chunk(tool_calls=[fragment(1, '{"b":')]),
            chunk("between"),
            chunk(tool_calls=[fragment(0, '{"a":'), fragment(1, "2}")]),
            chunk(tool_calls=[fragment(0, "1}")]),
            chunk(finish="tool_calls"),
            USAGE,
        ],
        tools=[F],
    )
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})', "between"]


def test_calls_are_closed_at_the_end_whatever_the_finish_reason() -> None:
    for reason in ("stop", "tool_calls", "function_call"):
        events = stream_of(
            [
                chunk(tool_calls=[fragment(0, "", name="f", call_id="call_a")]),
                chunk(tool_calls=[fragment(1, "", name="g", call_id="call_b")]),
                chunk(finish=reason),
            ],
            tools=[F],
        )
        response = read(events)
        assert texts(response) == ["f({})", "g({})"]
        assert response["status"] == "completed"


def test_arguments_that_only_look_complete_do_not_end_a_call() -> None:
    events = stream_of(
        [
            {**chunk(), "choices": [{"index": 0}]},
            chunk(tool_calls=[fragment(0, '{"a":{}', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(1, "{}", name="g", call_id="call_b")]),
            chunk(tool_calls=[fragment(0, "}")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":{}})', "g({})"]


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


def test_a_call_is_announced_once_its_name_and_id_are_known() -> None:
    name_first = [
        chunk(tool_calls=[fragment(0, name="f")]),
        chunk(tool_calls=[fragment(0, call_id="call_a")]),
        chunk(tool_calls=[fragment(0, '{"a":1}')]),
        chunk(finish="tool_calls"),
    ]
    id_first = [
        chunk(tool_calls=[fragment(0, call_id="call_a")]),
        chunk(tool_calls=[fragment(0, '{"a"')]),
        chunk(tool_calls=[fragment(0, ":1}", name="f")]),
        chunk(finish="tool_calls"),
    ]
    for chat in (name_first, id_first):
        (call,) = read(stream_of(chat, tools=[F]))["output"]
        assert (call["call_id"], call["name"], call["arguments"]) == ("call_a", "f", '{"a":1}')


def test_a_call_without_an_id_gets_one() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, "{}", name="f")]),
            chunk(tool_calls=[fragment(1, name="g")]),
            chunk(finish="stop"),
        ],
        tools=[F],
    )
    first, second = read(events)["output"]
    assert first["call_id"] == f"call_{2:032x}"
    assert second["call_id"] == f"call_{3:032x}"


def test_a_call_id_of_more_than_64_characters_is_replaced() -> None:
    events = stream_of(
        [chunk(tool_calls=[fragment(0, "{}", name="f", call_id="x" * 65)]), chunk(finish="stop")]
    )
    (call,) = read(events)["output"]
    assert len(call["call_id"]) == 37


def test_repeated_ids_and_names_are_taken_once() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, ":1}", name="f", call_id="call_a")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


def test_an_id_that_changes_without_a_name_is_no_new_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, ":1}", call_id="call_b")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


def test_the_same_index_with_another_id_and_name_is_a_new_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"a":1}', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, '{"b":2}', name="g", call_id="call_b")]),
            chunk(finish="tool_calls"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})']


def test_calls_without_an_index_are_told_apart_by_id_and_name() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(None, '{"a"', name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(None, ":1}")]),
            chunk(tool_calls=[fragment(None, '{"b"', name="g")]),
            chunk(tool_calls=[fragment(None, ":2}", call_id="call_b")]),
            chunk(tool_calls=[fragment(None, " ", call_id="call_a")]),
            chunk(tool_calls=[fragment(None, "{}", call_id="call_c")]),
            chunk(tool_calls=[fragment(None, name="h")]),
            chunk(finish="tool_calls"),
        ]
    )
    # The id that came after some arguments is too late to be the second call's own.
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})', "h({})"]


def test_text_after_a_call_was_complete_is_an_error_unless_it_is_another_call() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]))
    fold.feed(0, chunk(tool_calls=[fragment(1, "{}", name="g", call_id="call_b")]))
    for again in (" \n", "{}"):
        assert fold.feed(0, chunk(tool_calls=[fragment(0, again)])) == []
    with pytest.raises(UpstreamError, match="complete"):
        fold.feed(0, chunk(tool_calls=[fragment(0, "}")]))


def test_a_call_without_a_name_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk(tool_calls=[fragment(0, "{}", call_id="call_a")]))
    fold.feed(0, chunk("waits"))
    fold.feed(0, chunk(finish="stop"))
    with pytest.raises(UpstreamError, match="without a name"):
        fold.end(0)


def test_arguments_given_as_an_object_become_a_string() -> None:
    call = {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": {"a": 1}}}
    events = stream_of([chunk(tool_calls=[call]), chunk(finish="tool_calls")])
    assert texts(read(events)) == ['f({"a": 1})']


def test_a_legacy_function_call_is_a_call() -> None:
    events = stream_of(
        [
            chunk(function_call={"name": "f", "arguments": ""}),
            chunk(function_call={"arguments": '{"a":'}),
            chunk(function_call={"arguments": "1}"}),
            chunk(finish="function_call"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


def test_a_custom_tool_sent_as_a_function_comes_back_as_a_custom_call() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, '{"input": "*** Beg', name="apply_patch", call_id="c")]),
            chunk(tool_calls=[fragment(0, 'in\\n"}')]),
            chunk(finish="tool_calls"),
        ],
        lambda: context(SELF_HOSTED),
        tools=[PATCH],
    )
    assert kinds(events) == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    (call,) = read(events)["output"]
    assert call == {
        "id": f"ctc_{2:032x}",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c",
        "name": "apply_patch",
        "input": "*** Begin\n",
    }


def test_an_empty_custom_call_has_an_empty_input() -> None:
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, name="apply_patch", call_id="c")]),
            chunk("then"),
            chunk(finish="tool_calls"),
        ],
        lambda: context(SELF_HOSTED),
        tools=[PATCH],
    )
    assert texts(read(events)) == ["apply_patch()", "then"]


def test_a_custom_call_of_a_backend_that_has_them_is_streamed() -> None:
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "apply_patch"}}
    events = stream_of(
        [
            chunk(tool_calls=[{**custom, "custom": {"name": "apply_patch", "input": "a"}}]),
            chunk(tool_calls=[{"index": 0, "custom": {"input": "{}"}}]),
            chunk("then"),
            chunk(finish="tool_calls"),
        ],
        tools=[PATCH],
    )
    assert deltas(events) == ["a", "{}", "then"]
    assert texts(read(events)) == ["apply_patch(a{})", "then"]


def test_a_call_of_a_tool_in_a_namespace_gets_its_names_back() -> None:
    namespace = {"type": "namespace", "name": "crm", "description": "d", "tools": [F]}
    events = stream_of(
        [
            chunk(tool_calls=[fragment(0, "{}", name="crm__f", call_id="call_a")]),
            chunk(finish="tool_calls"),
        ],
        tools=[namespace],
    )
    (call,) = read(events)["output"]
    assert (call["namespace"], call["name"]) == ("crm", "f")


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


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("length", "max_output_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("content_filter", "content_filter"),
    ],
)
def test_a_limit_or_a_filter_makes_the_last_item_incomplete(word: str, reason: str) -> None:
    events = stream_of(
        [
            chunk("a"),
            chunk(tool_calls=[fragment(0, '{"a', name="f", call_id="call_a")]),
            chunk(finish=word),
            USAGE,
        ]
    )
    response = read(events)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": reason}
    assert response["completed_at"] is None
    assert response["usage"]["output_tokens"] == 5
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]


def test_unknown_usage_stays_unknown() -> None:
    assert read(stream_of([chunk("a", "stop")]))["usage"] is None


def test_the_last_of_several_usages_counts() -> None:
    first = {**chunk("a"), "usage": usage(3, 1)}
    last = {**chunk("b", "stop"), "usage": usage(3, 2)}
    response = read(stream_of([first, last, {**USAGE, "usage": None}]))
    assert response["usage"]["output_tokens"] == 2


def test_azures_first_chunk_does_not_date_the_response() -> None:
    filters = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    assert read(stream_of([filters, chunk("a", "stop")]))["created_at"] == CREATED


def test_the_upstreams_ids_are_not_the_responses() -> None:
    other = {**chunk("b", "stop"), "id": "chatcmpl-8", "created": CREATED + 9}
    response = read(stream_of([chunk("a"), other]))
    assert (response["id"], response["created_at"]) == (f"resp_{1:032x}", CREATED)


def test_echo_model_decides_the_name() -> None:
    response = read(stream_of([chunk("a", "stop")], lambda: context(echo_model="upstream")))
    assert response["model"] == "sent-0613"


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


CITATION = {"url": "https://a.example", "start_index": 0, "end_index": 1, "title": "A"}


def test_annotations_are_flattened() -> None:
    nested = {"type": "url_citation", "url_citation": CITATION}
    events = stream_of(
        [chunk("a"), chunk("", annotations=[nested, {"type": "other"}]), chunk(finish="stop")]
    )
    assert kinds(events)[3] == "output_text.annotation.added"
    (part,) = read(events)["output"][0]["content"]
    assert part["annotations"] == [{"type": "url_citation", **CITATION}]


def test_a_sloppy_annotation_is_completed() -> None:
    sloppy = {"url_citation": {"url": "https://a.example", "start_index": "x", "end_index": -1}}
    events = stream_of([chunk(annotations=[sloppy]), chunk("a", "stop")])
    (part,) = read(events)["output"][0]["content"]
    assert part["annotations"][0] == {
        "type": "url_citation",
        **CITATION,
        "end_index": 0,
        "title": "",
    }


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


def test_service_tier_and_moderation_pass_through() -> None:
    moderation = {"input": {"type": "error", "code": "c", "message": "m"}}
    moderation["output"] = moderation["input"]
    last = {**chunk("a", "stop"), "service_tier": "flex", "moderation": moderation}
    response = read(stream_of([last], moderation={"model": "omni-moderation-latest"}))
    assert (response["service_tier"], response["moderation"]) == ("flex", moderation)
    unasked = read(stream_of([{**last, "service_tier": "on_demand"}]))
    assert (unasked["service_tier"], "moderation" in unasked) == ("default", False)


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
def test_a_failure_is_told_in_both_forms_and_ends_the_stream(
    error: GatewayError, code: str
) -> None:
    fold = asking(stream=True).stream()
    events = fold.feed(0, chunk(reasoning="hm")) + fold.feed(0, chunk("a"))
    events += fold.fail(error)
    told = events[-2]
    assert told["error"] == error.envelope()["error"]
    assert (told["message"], told["param"], told["code"]) == (
        error.message,
        error.param,
        error.code,
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


def test_a_call_that_is_not_announced_is_not_in_a_failed_response() -> None:
    fold = asking(stream=True).stream()
    events = fold.feed(0, chunk(tool_calls=[fragment(0, call_id="call_a")]))
    events += fold.fail(TruncatedStream("cut"))
    assert read_any(events)["output"] == []


def test_a_failed_generation_is_an_error() -> None:
    fold = asking(stream=True).stream()
    fold.feed(0, chunk("a", "abort"))
    with pytest.raises(UpstreamError, match="abort"):
        fold.end(0)


def test_a_reply_without_limits_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_REPLY_CHARACTERS", 10)
    fold = asking(stream=True).stream()
    fold.feed(0, chunk("12345"))
    fold.feed(0, chunk(tool_calls=[fragment(0, "12345", name="f")]))
    with pytest.raises(UpstreamError, match="more than 10 characters"):
        fold.feed(0, chunk(reasoning="1"))


@pytest.mark.parametrize(
    "event",
    [
        [],
        {"choices": {}},
        {"choices": [1]},
        {"choices": [{"delta": 1}]},
        {"choices": [{"delta": {"content": 1}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": 1}]}}]},
        {"choices": [{"delta": {"refusal": 1}}]},
        {"choices": [{"delta": {"tool_calls": {}}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": 1}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"id": 1}]}}]},
        {"choices": [{"delta": {"annotations": 1}}]},
        {"choices": [{"delta": {"audio": {"id": "x"}}}]},
    ],
)
def test_an_event_that_is_no_chunk_is_an_error(event: Json) -> None:
    with pytest.raises(UpstreamError):
        asking(stream=True).stream().feed(0, event)


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
