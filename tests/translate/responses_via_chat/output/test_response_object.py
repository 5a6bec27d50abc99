"""The response object repeats the request, and has the fields of the whole reply."""

import pytest

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    CREATED,
    NOW,
    USAGE,
    chunk,
    completion,
    context,
    replied,
    stream_of,
    usage,
)
from tests.translate.responses_via_chat.client_stream import read
from tests.translate.responses_via_chat.tools.tools import EMPTY, PATCH, G, named

LOGPROBS = "message.output_text.logprobs"


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


def test_service_tier_and_moderation_pass_through() -> None:
    moderation = {"input": {"type": "error", "code": "c", "message": "m"}}
    moderation["output"] = moderation["input"]
    last = {**chunk("a", "stop"), "service_tier": "flex", "moderation": moderation}
    response = read(stream_of([last], moderation={"model": "omni-moderation-latest"}))
    assert (response["service_tier"], response["moderation"]) == ("flex", moderation)
    unasked = read(stream_of([{**last, "service_tier": "on_demand"}]))
    assert (unasked["service_tier"], "moderation" in unasked) == ("default", False)


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


def test_tools_are_echoed_in_the_clients_shape() -> None:
    strict = {**EMPTY, "additionalProperties": False}
    namespace = {"type": "namespace", "name": "n", "tools": [G]}
    tools = [named("f"), named("h") | {"parameters": strict}, PATCH, namespace]
    choice = named("f")
    response = replied(completion("a"), tools=tools, tool_choice=choice)
    assert response["tools"] == [
        {"type": "function", "name": "f", "parameters": None, "strict": False},
        {"type": "function", "name": "h", "parameters": strict, "strict": True},
        PATCH,
        {"description": "", **namespace},
    ]
    assert response["tool_choice"] == choice


def test_sources_of_a_reply_are_fields_of_the_response() -> None:
    reply = {**completion("a"), "citations": ["https://a.example"]}
    assert replied(reply)["citations"] == ["https://a.example"]
    events = stream_of([{**chunk("a"), "citations": ["https://a.example"]}, chunk(finish="stop")])
    assert read(events)["citations"] == ["https://a.example"]
    assert "citations" not in events[0]["response"]
