import json
from typing import Any

import pytest
from openai.types.responses import Response

from gateway.demo import emulator
from tests.demo.client import Reply, post

APP = emulator.build()
PATH = "/v1/responses"
CLOCK = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
SAY = {
    "type": "function",
    "name": "say",
    "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
}
LOGPROBS = {"include": ["message.output_text.logprobs"]}


def respond(text: Any = "hello", /, **body: Any) -> Reply:
    return post(APP, PATH, **{"model": "gpt-4o-mini", "input": text, **body})


def response(text: Any = "hello", /, **body: Any) -> dict[str, Any]:
    reply = respond(text, **body)
    assert reply.status == 200, reply.body
    Response.model_validate(reply.json())
    found: dict[str, Any] = reply.json()
    return found


def text_of(found: dict[str, Any]) -> str:
    return "".join(
        part["text"]
        for item in found["output"]
        if item["type"] == "message"
        for part in item["content"]
    )


def streamed(text: Any = "hello", /, **body: Any) -> list[dict[str, Any]]:
    reply = respond(text, stream=True, **body)
    assert reply.complete
    events = reply.events()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    names = [line for line in reply.body.decode().split("\n") if line.startswith("event: ")]
    assert names == [f"event: {event['type']}" for event in events]
    return events


def test_the_model_says_back_what_the_user_said_last() -> None:
    assert text_of(response("hi")) == "You said: hi"
    items = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "message", "role": "user", "content": "two"},
    ]
    assert text_of(response(items)) == "You said: two"
    assert text_of(response([])) == "You said: "


def test_what_was_asked_for_is_said_back_in_the_object() -> None:
    found = response(
        instructions="Be brief.",
        temperature=0.5,
        metadata={"a": "b"},
        tools=[CLOCK],
        tool_choice="none",
        store=False,
        parallel_tool_calls=False,
        text={"verbosity": "low"},
    )
    assert found["status"] == "completed"
    assert found["completed_at"] == found["created_at"]
    assert (found["instructions"], found["temperature"], found["top_p"]) == ("Be brief.", 0.5, 1.0)
    assert (found["tools"], found["tool_choice"]) == ([{**CLOCK, "strict": True}], "none")
    assert (found["store"], found["parallel_tool_calls"]) == (False, False)
    assert found["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert found["metadata"] == {"a": "b"}


def test_a_limit_makes_the_response_incomplete() -> None:
    found = response("!count 50", max_output_tokens=16)
    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "max_output_tokens"}
    assert found["output"][0]["status"] == "incomplete"
    assert found["usage"]["output_tokens"] == 16


def test_the_content_filter_makes_the_response_incomplete() -> None:
    assert response("!content-filter")["incomplete_details"] == {"reason": "content_filter"}


def test_a_reasoning_model_thinks_first() -> None:
    found = response(model="o1-pro")
    assert [item["type"] for item in found["output"]] == ["reasoning", "message"]
    assert found["usage"]["output_tokens_details"]["reasoning_tokens"] == 8
    unthinking = response(model="gpt-5.4-mini", reasoning={"effort": "none"})
    assert [item["type"] for item in unthinking["output"]] == ["message"]


def test_logprobs_come_when_they_are_included() -> None:
    (item,) = response("né 😀", **LOGPROBS, top_logprobs=2)["output"]
    entries = item["content"][0]["logprobs"]
    assert b"".join(bytes(one["bytes"]) for one in entries).decode() == "You said: né 😀"
    assert {len(one["top_logprobs"]) for one in entries} == {2}
    assert response()["output"][0]["content"][0]["logprobs"] == []


def test_a_refusal_is_a_part_of_its_own() -> None:
    (item,) = response("!refuse")["output"]
    assert item["content"][0]["type"] == "refusal"


def test_a_tool_named_by_the_user_is_called() -> None:
    found = response("call clock", tools=[CLOCK])
    (item,) = found["output"]
    assert (item["type"], item["name"], item["arguments"]) == ("function_call", "clock", "{}")
    assert item["id"].startswith("fc_")
    assert item["call_id"].startswith("call_")
    assert found["status"] == "completed"


def test_a_limit_cuts_the_arguments() -> None:
    long = {"type": "object", "properties": {"q": {"type": "string"}}}
    text = "call clock " + "word " * 30
    found = response(text, tools=[{**CLOCK, "parameters": long}], max_output_tokens=16)
    assert found["status"] == found["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("required", True),
        ("auto", False),
        ({"type": "function", "name": "clock"}, True),
        ({"type": "allowed_tools", "mode": "required", "tools": [CLOCK]}, True),
    ],
)
def test_tool_choice_is_honoured(choice: Any, called: bool) -> None:
    (item,) = response("hello", tools=[CLOCK], tool_choice=choice)["output"]
    assert (item["type"] == "function_call") == called


def test_what_a_tool_returned_is_reported() -> None:
    items = [
        {"role": "user", "content": "call clock"},
        {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "noon"},
    ]
    assert text_of(response(items, tools=[CLOCK])) == "The tool said: noon"


def test_structured_text_is_json() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form = {"type": "json_schema", "name": "x", "schema": schema}
    assert json.loads(text_of(response(text={"format": form}))) == {"n": 1}


def test_reasoning_is_sealed_for_clients_that_keep_it_themselves() -> None:
    asked = {"model": "gpt-5-codex", "store": False}
    assert "encrypted_content" not in response(**asked)["output"][0]
    sealed = response(**asked, include=["reasoning.encrypted_content"])["output"]
    assert sealed[0]["encrypted_content"]
    assert text_of(response([*sealed, {"role": "user", "content": "bye"}])) == "You said: bye"


PATCH = {"type": "custom", "name": "patch"}
SPACE = {"type": "namespace", "name": "files", "description": "Files."}


@pytest.mark.parametrize("text", ["call patch", "the patch?"])
@pytest.mark.parametrize("tools", [[CLOCK, PATCH], [{**SPACE, "tools": [CLOCK, PATCH]}]])
def test_a_custom_tool_gets_what_the_user_said(text: str, tools: list[dict[str, Any]]) -> None:
    found = response(text, tools=tools)
    (item,) = found["output"]
    namespace = {"namespace": "files"} if tools[0] is not CLOCK else {}
    assert item == {
        "id": item["id"],
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": item["call_id"],
        "name": "patch",
        "input": text,
        **namespace,
    }
    events = streamed(text, tools=tools)
    kinds = ["delta", "done"]
    delta, done = (f"response.custom_tool_call_input.{kind}" for kind in kinds)
    assert "".join(event["delta"] for event in events if event["type"] == delta) == text
    (whole,) = [event for event in events if event["type"] == done]
    assert (whole["input"], "name" in whole) == (text, False)
    assert events[-1]["response"]["output"][0]["input"] == text
    output = {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "done"}
    again = response([{"role": "user", "content": text}, item, output], tools=tools)
    assert text_of(again) == "The tool said: done"


def test_a_custom_tool_can_be_chosen() -> None:
    choice = {"type": "custom", "name": "patch"}
    (item,) = response("hello", tools=[CLOCK, PATCH], tool_choice=choice)["output"]
    assert (item["type"], item["input"]) == ("custom_tool_call", "hello")
    assert respond("hello", tools=[CLOCK], tool_choice=choice).error()[2] == "tool_choice"
