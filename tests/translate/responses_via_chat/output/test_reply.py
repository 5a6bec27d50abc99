"""Whole replies; `replied` checks each against OpenAI's schema."""

from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    asking,
    completion,
    context,
    entry,
    replied,
    tool_call,
)

LOGPROBS = "message.output_text.logprobs"


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


def test_a_citation_belongs_to_the_text_before_a_refusal() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://a"}}
    (item,) = replied(completion("Hi", refusal="no", annotations=[cited]))["output"]
    said, refused = item["content"]
    assert (said["text"], [each["url"] for each in said["annotations"]]) == ("Hi", ["https://a"])
    assert refused == {"type": "refusal", "refusal": "no"}


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


@pytest.mark.parametrize(
    ("tokens", "more"),
    [
        (["<think>", "hm", "</think>", "a", "b"], {"reasoning": "hm"}),
        (["a", "b", "<tool>", "f"], {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}),
    ],
)
def test_logprobs_of_reasoning_and_calls_are_left_out(tokens: list[str], more: Json) -> None:
    logprobs = {"content": [entry(each) for each in tokens], "refusal": None}
    output = replied(completion("ab", logprobs=logprobs, **more), include=[LOGPROBS])["output"]
    (said,) = [item for item in output if item["type"] == "message"]
    assert [each["token"] for each in said["content"][0]["logprobs"]] == ["a", "b"]


def test_annotations_are_flattened() -> None:
    citation = {"url": "https://a.example", "start_index": 0, "end_index": 1, "title": "A"}
    nested = {"type": "url_citation", "url_citation": citation}
    (item,) = replied(completion("a", annotations=[nested]))["output"]
    assert item["content"][0]["annotations"] == [{"type": "url_citation", **citation}]


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
def test_a_reply_that_is_not_a_chat_completion_is_an_error(reply: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        asking().reply([reply])
    assert caught.value.status == 502


def test_one_call_has_one_reply() -> None:
    with pytest.raises(UpstreamError):
        asking().reply([])


def test_echo_model_upstream_names_the_backends_model() -> None:
    assert replied(completion("a"), context(echo_model="upstream"))["model"] == "sent-0613"
