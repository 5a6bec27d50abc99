"""Whole replies; `replied` checks each against OpenAI's schema."""

from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    CREATED,
    NOW,
    asking,
    completion,
    context,
    entry,
    replied,
    tool_call,
)

LOGPROBS = "message.output_text.logprobs"


def test_a_chat_completion_becomes_a_response_object() -> None:
    assert replied(completion("Hi")) == {
        "id": f"resp_{1:032x}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "completed_at": NOW,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": "asked",
        "output": [
            {
                "id": f"msg_{2:032x}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}
                ],
            }
        ],
        "frequency_penalty": 0.0,
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 8,
        },
        "user": None,
    }


def test_the_clients_parameters_are_echoed() -> None:
    asked: Json = {
        "instructions": "be kind",
        "max_output_tokens": 99,
        "temperature": 0.5,
        "top_p": 0.25,
        "top_logprobs": 2,
        "include": [LOGPROBS],
        "user": "u",
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    response = replied(completion("a"), **asked)
    del asked["include"]
    assert {name: response[name] for name in asked} == asked


def test_reasoning_text_and_calls_come_in_that_order() -> None:
    calls = [tool_call("f", '{"a":1}'), tool_call("g", "", "call_b")]
    reply = completion("text", "tool_calls", reasoning_content="hm", tool_calls=calls)
    output = replied(reply)["output"]
    assert [item["type"] for item in output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert [item.get("call_id") for item in output[2:]] == ["call_a", "call_b"]
    assert len({item["id"] for item in output}) == 4


@pytest.mark.parametrize("content", [None, ""])
def test_calls_alone_make_no_message(content: Any) -> None:
    reply = completion(content, "tool_calls", tool_calls=[tool_call("f", "{}")])
    assert [item["type"] for item in replied(reply)["output"]] == ["function_call"]


@pytest.mark.parametrize("content", [None, ""])
def test_nothing_at_all_is_an_empty_message(content: Any) -> None:
    (item,) = replied(completion(content))["output"]
    assert item["content"][0]["text"] == ""


def test_a_refusal_is_a_refusal_part() -> None:
    (item,) = replied(completion(None, refusal="no"))["output"]
    assert item["content"] == [{"type": "refusal", "refusal": "no"}]


def test_an_old_function_call_is_a_call_with_a_fresh_call_id() -> None:
    reply = completion(None, "function_call", function_call={"name": "f", "arguments": "{}"})
    (item,) = replied(reply)["output"]
    assert (item["type"], item["call_id"]) == ("function_call", f"call_{2:032x}")


@pytest.mark.parametrize(
    ("word", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_incomplete_reply_says_why(word: str, reason: str) -> None:
    response = replied(completion("a", word, reasoning="hm"))
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": reason}
    assert response["completed_at"] is None
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]


def test_a_missing_finish_reason_is_a_stop_if_there_is_text() -> None:
    assert replied(completion("a", None))["status"] == "completed"
    with pytest.raises(UpstreamError):
        asking().reply([completion(None, None)])


def test_logprobs_have_bytes() -> None:
    entries = [entry("a", b=-1.0)]
    reply = completion("a", logprobs={"content": entries, "refusal": None})
    (item,) = replied(reply, include=[LOGPROBS], top_logprobs=1)["output"]
    assert item["content"][0]["logprobs"] == entries
    (item,) = replied(reply)["output"]
    assert item["content"][0]["logprobs"] == []


def test_annotations_are_flattened() -> None:
    citation = {"url": "https://a.example", "start_index": 0, "end_index": 1, "title": "A"}
    nested = {"type": "url_citation", "url_citation": citation}
    (item,) = replied(completion("a", annotations=[nested]))["output"]
    assert item["content"][0]["annotations"] == [{"type": "url_citation", **citation}]


def test_usage_details_are_kept() -> None:
    reply = completion("a")
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 2}
    reply["usage"]["completion_tokens_details"] = {"reasoning_tokens": 4}
    usage = replied(reply)["usage"]
    assert usage["input_tokens_details"]["cached_tokens"] == 2
    assert usage["output_tokens_details"]["reasoning_tokens"] == 4
    del reply["usage"]
    assert replied(reply)["usage"] is None


def test_a_response_is_not_completed_before_it_was_created() -> None:
    reply = {**completion("a"), "created": NOW + 5}
    assert replied(reply)["completed_at"] == NOW + 5
    assert replied({**completion("a"), "created": None})["created_at"] == NOW


@pytest.mark.parametrize("upstream_id", ["chatcmpl-417", "resp_417", "", None, 7])
def test_a_response_has_an_id_of_its_own_whatever_the_upstreams_is(upstream_id: object) -> None:
    assert replied({**completion("a"), "id": upstream_id})["id"] == f"resp_{1:032x}"


def test_only_the_first_choice_counts() -> None:
    reply = completion("a")
    reply["choices"].insert(0, {**completion("b")["choices"][0], "index": 1})
    assert replied(reply)["output"][0]["content"][0]["text"] == "a"
    for choice in reply["choices"]:
        del choice["index"]
    assert replied(reply)["output"][0]["content"][0]["text"] == "b"


def test_an_error_in_a_200_body_is_raised_in_the_clients_terms() -> None:
    error = {"message": "bad", "type": "t", "param": "messages[0].content", "code": "c"}
    with pytest.raises(UpstreamReplied) as caught:
        asking().reply([{"error": error}])
    assert caught.value.param == "input"
    assert caught.value.message == "bad (upstream parameter: messages[0].content)."
    with pytest.raises(UpstreamReplied) as caught:
        asking().reply([{"error": {**error, "param": None}}])
    assert (caught.value.message, caught.value.code) == ("bad", "c")


@pytest.mark.parametrize(
    "reply",
    [
        [],
        "text",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [1]},
        {"choices": [{}]},
        {"choices": [{"message": "a"}]},
        {"choices": [{"message": {"content": 1}}]},
        {"choices": [{"message": {"audio": {"id": "a", "data": "b"}}}]},
        {"choices": [{"message": {"content": "a"}, "finish_reason": "abort"}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"arguments": "{}"}}]}}]},
    ],
)
def test_a_reply_that_is_no_chat_completion_is_an_error(reply: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        asking().reply([reply])
    assert caught.value.status == 502


def test_one_call_has_one_reply() -> None:
    with pytest.raises(UpstreamError):
        asking().reply([])


def test_echo_model_upstream_names_the_backends_model() -> None:
    assert replied(completion("a"), context(echo_model="upstream"))["model"] == "sent-0613"
