"""How responses end: with errors, at limits, and as they should."""

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    LLAMACPP,
    context,
    events_of,
    finishes_of,
    function_call,
    incomplete,
    message,
    opening,
    reasoning,
    response,
    streamed,
    text,
    translated,
    whole,
)


def failed(code: str | None = "server_error", message: str = "it broke") -> Json:
    return response(status="failed", error={"code": code, "message": message})


def raised_by_reply(reply: Json, body: Json | None = None) -> UpstreamReplied:
    with pytest.raises(UpstreamReplied) as caught:
        translated(body or {}).reply([reply])
    return caught.value


def raised_by_event(event: Json, body: Json | None = None) -> UpstreamReplied:
    stream = translated({"stream": True, **(body or {})}).stream()
    with pytest.raises(UpstreamReplied) as caught:
        stream.feed(0, event)
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("server_error", 502, "server_error"),
        ("vector_store_timeout", 502, "server_error"),
        (None, 502, "server_error"),
        ("rate_limit_exceeded", 429, "rate_limit_error"),
        ("insufficient_quota", 429, "insufficient_quota"),
        ("server_is_overloaded", 503, "server_error"),
        ("slow_down", 503, "server_error"),
        ("invalid_prompt", 400, "invalid_request_error"),
        ("cyber_policy", 400, "invalid_request_error"),
        ("invalid_image_url", 400, "invalid_request_error"),
        ("image_too_large", 400, "invalid_request_error"),
    ],
)
def test_a_failed_response_has_the_status_that_its_code_means(
    code: str | None, status: int, kind: str
) -> None:
    for error in (
        raised_by_reply(failed(code)),
        raised_by_event({"type": "response.failed", "response": failed(code)}),
    ):
        assert (error.message, error.code) == ("it broke", code)
        assert (error.status, error.type) == (status, kind)


def test_a_failed_response_without_a_reason_is_an_error_too() -> None:
    reply = response(status="failed")
    assert raised_by_reply(reply).status == 502
    assert raised_by_event({"type": "response.completed", "response": reply}).status == 502


def test_error_events_are_read_nested_and_flat() -> None:
    inner = {
        "type": "invalid_request_error",
        "code": "unsupported_value",
        "message": "no",
        "param": "reasoning.effort",
    }
    nested = raised_by_event({"type": "error", "error": inner}, {"reasoning_effort": "low"})
    assert (nested.status, nested.type) == (400, "invalid_request_error")
    assert nested.param == "reasoning_effort"
    assert nested.message == "no (upstream parameter: reasoning.effort)."
    flat = raised_by_event({"type": "error", "code": "c", "message": "no", "param": None})
    assert (flat.code, flat.message, flat.param, flat.status) == ("c", "no", None, 502)


def test_an_error_in_llamacpp_words() -> None:
    error = raised_by_event({"error": {"code": 400, "message": "too long", "type": "exceed"}})
    assert (error.status, error.code, error.type) == (400, None, "exceed")


def test_a_parameter_of_the_same_name_is_not_mentioned_twice() -> None:
    error = raised_by_event(
        {"type": "error", "message": "no", "param": "temperature"}, {"temperature": 1}
    )
    assert (error.param, error.message) == ("temperature", "no")


def test_a_response_that_fails_after_it_was_created_has_sent_nothing() -> None:
    stream = translated({"stream": True}).stream()
    for event in [*opening(response()), {"type": "response.queued", "response": response()}]:
        assert stream.feed(0, event) == []
    with pytest.raises(UpstreamReplied):
        stream.feed(0, {"type": "response.failed", "response": failed("rate_limit_exceeded")})


@pytest.mark.parametrize("status", ["cancelled", "queued", "in_progress", "odd", ["x"]])
def test_a_response_that_is_not_complete_is_unusable(status: object) -> None:
    with pytest.raises(UpstreamError) as caught:
        translated({}).reply([response(status=status)])
    assert caught.value.status == 502
    event = {"type": "response.cancelled", "response": response(status=status)}
    with pytest.raises(UpstreamError):
        translated({"stream": True}).stream().feed(0, event)


@pytest.mark.parametrize("reply", [[], "x", None, {}, {"output": 1}, {"choices": []}])
def test_what_is_not_a_response_is_unusable(reply: object) -> None:
    with pytest.raises(UpstreamError):
        translated({}).reply([reply])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("reason", "finish", "native"),
    [
        ("max_output_tokens", "length", None),
        ("content_filter", "content_filter", None),
        ("SAFETY", "content_filter", "SAFETY"),
        ("content_filter: RECITATION", "content_filter", "content_filter: RECITATION"),
        ("max_tool_calls", "length", "max_tool_calls"),
        ("whatever", "length", "whatever"),
        (None, "length", None),
    ],
)
def test_why_a_response_is_incomplete_is_said_in_chats_words_and_the_servers_own(
    reason: str, finish: str, native: str | None
) -> None:
    reply = incomplete(message(text("Hi")), reason=reason)
    choice = whole({}, reply)["choices"][0]
    assert (choice["finish_reason"], choice.get("native_finish_reason")) == (finish, native)
    chunks = streamed({}, events_of(reply))
    assert finishes_of(chunks) == [finish]
    last = next(each for chunk in chunks for each in chunk["choices"] if each["finish_reason"])
    assert last.get("native_finish_reason") == native


def test_a_word_that_came_through_another_gateway_is_kept() -> None:
    reply = response(message(text("Hi")), native_finish_reason="whatever")
    assert whole({}, reply)["choices"][0]["native_finish_reason"] == "whatever"


TOOLS = [{"type": "function", "function": {"name": "f"}}]


def test_an_incomplete_response_reached_its_limit_even_with_calls() -> None:
    reply = incomplete(function_call("f", '{"x'))
    (choice,) = whole({"tools": TOOLS}, reply)["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"x'


def test_an_incomplete_response_without_any_message() -> None:
    (choice,) = whole({}, incomplete(reasoning()))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")


@pytest.mark.parametrize(
    ("details", "finish"),
    [
        ({"reason": "content_filter"}, "content_filter"),
        ({"reason": "max_output_tokens"}, "length"),
        ({"reason": "whatever"}, "length"),
        (None, "length"),
    ],
)
def test_why_a_response_is_incomplete(details: Json | None, finish: str) -> None:
    reply = response(message(text("a")), status="incomplete", incomplete_details=details)
    assert whole({}, reply)["choices"][0]["finish_reason"] == finish


def test_a_server_without_that_status_reached_its_limit_if_the_usage_says_so() -> None:
    reply = response(message(text("a")))
    finishes = [
        whole({"max_tokens": limit}, reply, context(able))["choices"][0]["finish_reason"]
        for limit, able in ((5, LLAMACPP), (6, LLAMACPP), (16, context().capabilities))
    ]
    assert finishes == ["length", "stop", "stop"]
    unknown = {**reply, "usage": None}
    body = {"max_tokens": 5}
    assert whole(body, unknown, context(LLAMACPP))["choices"][0]["finish_reason"] == "stop"


def test_a_missing_status_is_complete() -> None:
    reply = response(message(text("a")))
    del reply["status"]
    assert whole({}, reply)["choices"][0]["finish_reason"] == "stop"
