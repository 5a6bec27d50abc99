"""Whole responses as chat completions."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    USAGE,
    VLLM,
    citation,
    context,
    custom_call,
    entries,
    function_call,
    message,
    message_of,
    reasoning,
    refusal,
    response,
    text,
    translated,
    whole,
)
from tests.translate.openai_schema import check_schema

TOOLS = [{"type": "function", "function": {"name": "f"}}]
PATCH = [{"type": "custom", "custom": {"name": "patch"}}]
JSON_FORMAT = {"response_format": {"type": "json_object"}}


def test_a_text_becomes_a_message() -> None:
    reply = whole({}, response(message(text("Hello"), text(" you"))))
    assert reply == {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1_690_000_000,
        "model": "thinker",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello you", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "total_tokens": 14,
            "prompt_tokens_details": {
                "audio_tokens": 0,
                "cached_tokens": 4,
                "cache_write_tokens": 0,
            },
            "completion_tokens_details": {
                "accepted_prediction_tokens": 0,
                "audio_tokens": 0,
                "reasoning_tokens": 2,
                "rejected_prediction_tokens": 0,
            },
        },
    }
    check_schema("CreateChatCompletionResponse", reply)


def test_texts_of_several_messages_are_joined_without_a_separator() -> None:
    reply = response(
        message(text("a"), phase="commentary"), message(text("b"), id="2", phase="final_answer")
    )
    assert message_of({}, reply)["content"] == "ab"


def test_of_several_messages_only_the_final_answer_is_a_json_document() -> None:
    reply = response(
        message(text("{}"), phase="commentary"), message(text("[]"), id="2", phase="final_answer")
    )
    assert message_of(JSON_FORMAT, reply)["content"] == "[]"


def test_of_several_messages_without_phases_the_first_is_the_json_document() -> None:
    reply = response(message(text("{}")), message(text("[]"), refusal("no"), id="2"))
    said = message_of(JSON_FORMAT, reply)
    assert (said["content"], said["refusal"]) == ("{}", "no")


def test_parts_of_a_refusal_become_one() -> None:
    said = message_of({}, response(message(refusal("I "), refusal("won't"))))
    assert said == {"role": "assistant", "content": None, "refusal": "I won't"}


def test_nothing_at_all_is_an_empty_message() -> None:
    assert message_of({}, response())["content"] == ""


def test_citations_are_nested_and_moved_by_the_text_before_them() -> None:
    reply = response(
        message(text("12345")),
        message(
            text("abc", annotations=[citation(0, 3), {"type": "file_citation", "index": 1}]),
            text("def", annotations=[citation(1, 2, title=None), citation(True, 2)]),
            id="2",
        ),
    )
    said = message_of({}, reply)
    assert [each["url_citation"] for each in said["annotations"]] == [
        {"start_index": 5, "end_index": 8, "url": "https://example.org/", "title": "Example"},
        {"start_index": 9, "end_index": 10, "url": "https://example.org/", "title": ""},
        {"start_index": 0, "end_index": 0, "url": "https://example.org/", "title": "Example"},
    ]
    check_schema("CreateChatCompletionResponse", whole({}, reply))


def test_citations_of_text_that_is_cut_off_are_left_out() -> None:
    part = text("seen###unseen", annotations=[citation(0, 4), citation(7, 9)])
    said = message_of({"stop": "###"}, response(message(part)))
    assert (said["content"], len(said["annotations"])) == ("seen", 1)


def test_calls_become_tool_calls_of_one_choice() -> None:
    reply = whole(
        {"tools": TOOLS + PATCH},
        response(message(text("hm")), function_call("f", '{"x":1}'), custom_call()),
    )
    (choice,) = reply["choices"]
    assert choice["message"]["tool_calls"] == [
        {"id": "call_f", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "call_patch", "type": "custom", "custom": {"name": "patch", "input": "raw"}},
    ]
    assert choice["message"]["content"] == "hm"
    assert choice["finish_reason"] == "tool_calls"
    check_schema("CreateChatCompletionResponse", reply)


def test_content_is_null_beside_calls() -> None:
    assert message_of({"tools": TOOLS}, response(function_call()))["content"] is None


def test_a_custom_call_is_a_function_to_a_client_without_custom_tools() -> None:
    said = message_of({"tools": TOOLS}, response(custom_call()))
    assert said["tool_calls"] == [
        {"id": "call_patch", "type": "function", "function": {"name": "patch", "arguments": "raw"}}
    ]


def test_a_wrapped_custom_tool_is_unwrapped() -> None:
    reply = response(function_call("patch", '{"input": "a\\nb"}'))
    said = message_of({"tools": PATCH}, reply, context(VLLM))
    assert said["tool_calls"] == [
        {"id": "call_patch", "type": "custom", "custom": {"name": "patch", "input": "a\nb"}}
    ]


def test_a_call_without_an_id_gets_one() -> None:
    reply = response(function_call(call_id=""), function_call("g", call_id=None))
    calls = message_of({"tools": TOOLS}, reply)["tool_calls"]
    assert calls[0]["id"].startswith("call_")
    assert calls[0]["id"] != calls[1]["id"]


def test_arguments_that_are_an_object_become_text() -> None:
    reply = response(function_call(arguments={"x": 1}))  # type: ignore[arg-type]
    (call,) = message_of({"tools": TOOLS}, reply)["tool_calls"]
    assert call["function"]["arguments"] == '{"x": 1}'


def test_a_call_without_a_name_is_unusable() -> None:
    with pytest.raises(UpstreamError, match="without a name"):
        whole({}, response(function_call("")))


def test_functions_are_answered_with_one_function_call() -> None:
    reply = response(function_call("f", "{}"), function_call("g", "{}"))
    (choice,) = whole({"functions": [{"name": "f"}]}, reply)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "function_call": {"name": "f", "arguments": "{}"},
    }
    assert choice["finish_reason"] == "function_call"


def test_reasoning_text_comes_before_its_summary() -> None:
    reply = response(reasoning("a", "b", summary=["s"]), message(text("c")))
    said = message_of({}, reply)
    assert (said["reasoning_content"], said["content"]) == ("ab", "c")


def test_parts_of_a_summary_and_items_are_joined_by_blank_lines() -> None:
    reply = response(reasoning(summary=["a", "b"]), reasoning(summary=["c"], id="rs_2"))
    assert message_of({}, reply)["reasoning_content"] == "a\n\nb\n\nc"


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("reasoning_content", {"reasoning_content"}),
        ("reasoning", {"reasoning"}),
        ("both", {"reasoning_content", "reasoning"}),
        ("none", set()),
    ],
)
def test_reasoning_goes_where_the_operator_wants_it(setting: str, names: set[str]) -> None:
    said = message_of({}, response(reasoning("hm")), context(reasoning_out=setting))
    assert set(said) - {"role", "content", "refusal"} == names


def test_logprobs_are_joined_and_trimmed_to_what_was_asked_for() -> None:
    reply = response(
        message(text("ab", logprobs=entries("a", "b"))),
        message(text("c", logprobs=entries("c")), id="2"),
    )
    folded = whole({"logprobs": True, "top_logprobs": 1}, reply)
    logprobs = folded["choices"][0]["logprobs"]
    assert logprobs["refusal"] is None
    assert [entry["token"] for entry in logprobs["content"]] == ["a", "b", "c"]
    assert [len(entry["top_logprobs"]) for entry in logprobs["content"]] == [1, 1, 1]
    check_schema("CreateChatCompletionResponse", folded)
    none = whole({"logprobs": True}, reply)["choices"][0]["logprobs"]["content"]
    assert [entry["top_logprobs"] for entry in none] == [[], [], []]


def test_logprobs_that_nobody_asked_for_are_left_out() -> None:
    reply = response(message(text("a", logprobs=entries("a"))))
    assert whole({}, reply)["choices"][0]["logprobs"] is None


def test_logprobs_end_where_the_text_does() -> None:
    part = text("abc", logprobs=entries("a", "b", "c"))
    folded = whole({"logprobs": True, "stop": "b"}, response(message(part)))
    (choice,) = folded["choices"]
    assert choice["message"]["content"] == "a"
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["a"]


def test_nothing_follows_a_stop_sequence() -> None:
    reply = response(message(text("a.b"), text("c")), function_call(), reasoning("r"))
    (choice,) = whole({"stop": ".", "tools": TOOLS}, reply)["choices"]
    assert choice["message"] == {"role": "assistant", "content": "a", "refusal": None}
    assert choice["finish_reason"] == "stop"


def test_what_both_shapes_call_the_same_is_kept() -> None:
    results: Json = {"results": []}
    reply = response(service_tier="flex", metadata={"a": "b"}, moderation=results)
    folded = whole({"moderation": {"model": "m"}}, reply)
    assert folded["service_tier"] == "flex"
    assert folded["metadata"] == {"a": "b"}
    assert folded["moderation"] == results
    assert "moderation" not in whole({}, reply)


def test_the_moderations_of_several_choices_are_one() -> None:
    found = [{"results": [word]} for word in "ab"]
    replies = [response(), *(response(moderation={"output": output}) for output in found)]
    folded = translated({"n": 3, "moderation": {"model": "m"}}).reply(replies)
    assert folded["moderation"] == {"output": {"results": ["a", "b"]}}


def test_unknown_usage_stays_unknown() -> None:
    assert "usage" not in whole({}, response(usage=None))
    assert "usage" not in translated({"n": 2}).reply([response(), response(usage={})])


def test_the_upstreams_model_is_named_where_the_operator_wants_it() -> None:
    reply = whole({}, response(), context(echo_model="upstream"))
    assert reply["model"] == "gpt-5-pro-2025"


def test_several_choices_are_several_responses() -> None:
    replies = [response(message(text(words)), id=f"resp_{words}") for words in "abc"]
    folded = translated({"n": 3}).reply(replies)
    assert [choice["index"] for choice in folded["choices"]] == [0, 1, 2]
    assert [choice["message"]["content"] for choice in folded["choices"]] == ["a", "b", "c"]
    assert folded["id"] == f"chatcmpl-{1:032x}"
    assert folded["usage"]["prompt_tokens"] == USAGE["input_tokens"]
    assert folded["usage"]["completion_tokens"] == 3 * 5
    assert folded["usage"]["total_tokens"] == 9 + 3 * 5
    assert folded["usage"]["prompt_tokens_details"]["cached_tokens"] == 4


def test_a_missing_reply_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="1 of 2"):
        translated({"n": 2}).reply([response()])


def test_logprobs_that_are_not_a_list_are_errors() -> None:
    reply = response(message(text("a", logprobs={"a": 1})))
    with pytest.raises(UpstreamError, match="not a list"):
        whole({"logprobs": True}, reply)
