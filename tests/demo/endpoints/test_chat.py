import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.demo import emulator
from tests.demo.client import Reply, post

APP = emulator.build()
PATH = "/v1/chat/completions"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def chat(text: str = "hello", /, **body: Any) -> Reply:
    messages = [{"role": "user", "content": text}]
    return post(APP, PATH, **{"model": "gpt-4o-mini", "messages": messages, **body})


def choices(text: str = "hello", /, **body: Any) -> list[dict[str, Any]]:
    reply = chat(text, **body)
    assert reply.status == 200, reply.body
    ChatCompletion.model_validate(reply.json())
    found: list[dict[str, Any]] = reply.json()["choices"]
    return found


def message(text: str = "hello", /, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = choices(text, **body)[0]["message"]
    return found


def content(text: str = "hello", /, **body: Any) -> str:
    return str(message(text, **body)["content"])


def add_call(calls: list[dict[str, Any]], fragment: dict[str, Any]) -> None:
    if fragment["index"] == len(calls):
        calls.append({"id": fragment["id"], "type": fragment["type"], "function": {}})
    for name, value in fragment["function"].items():
        function = calls[fragment["index"]]["function"]
        function[name] = function.get(name, "") + value


def streamed(text: str = "hello", /, **body: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """The choices that a stream adds up to, in the shape of the whole reply, and its events."""
    reply = chat(text, stream=True, **body)
    assert reply.complete
    *events, done = reply.events()
    assert done == "[DONE]"
    joined: list[dict[str, Any]] = []
    for event in events:
        ChatCompletionChunk.model_validate(event)
        for part in event["choices"]:
            delta = part["delta"]
            if "role" in delta:
                assert part["index"] == len(joined), "roles come first, in order, once"
                blank = {"role": delta["role"], "content": None, "refusal": None}
                joined.append(
                    {
                        "index": part["index"],
                        "message": {**blank, "annotations": []},
                        "logprobs": None,
                        "finish_reason": None,
                    }
                )
            whole = joined[part["index"]]
            assert whole["finish_reason"] is None, "nothing follows a finish reason"
            for name in ("content", "refusal"):
                if delta.get(name):
                    whole["message"][name] = (whole["message"][name] or "") + delta[name]
            for fragment in delta.get("tool_calls", ()):
                add_call(whole["message"].setdefault("tool_calls", []), fragment)
            for name, value in delta.get("function_call", {}).items():
                call = whole["message"].setdefault("function_call", {})
                call[name] = call.get(name, "") + value
            for name, entries in (part["logprobs"] or {}).items():
                listed = whole["logprobs"] = whole["logprobs"] or {"content": None, "refusal": None}
                if entries:
                    listed[name] = (listed[name] or []) + entries
            whole["finish_reason"] = part["finish_reason"]
    return joined, events


def test_the_model_says_back_what_the_user_said_last() -> None:
    assert content("hi there") == "You said: hi there"
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "ok"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "!"}],
        },
        {"role": "assistant", "content": "prefill"},
    ]
    assert content(messages=turns) == "You said: two!"
    assert content(messages=turns[:1]) == "You said: "


def test_a_part_that_is_not_text_shows_its_type() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "text", "text": "what is it?"},
    ]
    assert content(messages=[{"role": "user", "content": parts}]) == (
        "You said: [image_url]what is it?"
    )


def test_each_choice_is_another_take_counted_from_the_seed() -> None:
    assert [c["message"]["content"] for c in choices(n=2)] == [
        "You said: hello",
        "You said: hello (take 2)",
    ]
    assert content(seed=6) == "You said: hello (take 7)"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_text(name: str) -> None:
    (choice,) = choices("one two three", **{name: 4})
    assert choice["message"]["content"] == "You said: one"
    assert choice["finish_reason"] == "length"


def test_there_is_no_limit_by_default() -> None:
    assert content("!count 300").endswith(" 300")


def test_a_stop_sequence_ends_the_text() -> None:
    assert content("one two", stop=" two") == "You said: one"


def test_usage_counts_messages_and_every_choice() -> None:
    usage = chat("one two", n=2).json()["usage"]
    spent = sum(len(c["logprobs"]["content"]) for c in choices("one two", n=2, logprobs=True))
    assert usage["completion_tokens"] == spent
    assert usage["prompt_tokens"] == 2 + 3
    assert usage["total_tokens"] == spent + 5


def test_logprobs_spell_the_text_in_bytes() -> None:
    (choice,) = choices("né 😀", logprobs=True, top_logprobs=2)
    entries = choice["logprobs"]["content"]
    assert b"".join(bytes(one["bytes"]) for one in entries).decode() == "You said: né 😀"
    assert {len(one["top_logprobs"]) for one in entries} == {2}
    assert choice["logprobs"]["refusal"] is None
    assert choices(logprobs=True)[0]["logprobs"]["content"][0]["top_logprobs"] == []


def test_a_refusal_is_not_content() -> None:
    (choice,) = choices("!refuse", logprobs=True)
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"].startswith("I'm sorry")
    assert choice["logprobs"]["content"] is None
    assert choice["logprobs"]["refusal"]


def test_a_tool_named_by_the_user_is_called() -> None:
    (choice,) = choices("call get_weather Paris", tools=[WEATHER, CLOCK])
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "call get_weather Paris"}
    assert choice["message"]["content"] is None


def test_several_tools_are_called_unless_that_is_switched_off() -> None:
    text = "call get_weather and call clock"
    calls = message(text, tools=[WEATHER, CLOCK])["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "clock"]
    assert len({call["id"] for call in calls}) == 2
    one = message(text, tools=[WEATHER, CLOCK], parallel_tool_calls=False)["tool_calls"]
    assert len(one) == 1


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("call get_weather", "auto", ["get_weather"]),
        ("call nobody", "auto", None),
        ("What's the weather in Oslo?", "auto", ["get_weather"]),
        ("What's the weather by the clock?\n", "auto", ["get_weather", "clock"]),
        ("What's the weather in Oslo?", "none", None),
        ("The weather is fine.", "auto", None),
        ("What is that?", "auto", None),
        ("call get_weather", "none", None),
        ("hello", "required", ["get_weather"]),
        ("hello", {"type": "function", "function": {"name": "clock"}}, ["clock"]),
        (
            "hello",
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [CLOCK]}},
            ["get_weather"],
        ),
    ],
)
def test_tool_choice_is_honoured(text: str, choice: Any, called: list[str] | None) -> None:
    calls = message(text, tools=[WEATHER, CLOCK], tool_choice=choice).get("tool_calls")
    assert (calls and [call["function"]["name"] for call in calls]) == called


@pytest.mark.parametrize("kind", ["function", "custom"])
def test_a_choice_of_a_tool_that_is_not_there_is_refused(kind: str) -> None:
    choice = {"type": kind, kind: {"name": "nobody"}}
    patch = {"type": "custom", "custom": {"name": "patch"}}
    assert chat(tools=[WEATHER, patch], tool_choice=choice).error()[2] == "tool_choice"


PATCH = {"type": "custom", "custom": {"name": "patch"}}


@pytest.mark.parametrize(
    ("text", "more"), [("hello", {"tool_choice": PATCH}), ("call patch", {}), ("the patch?", {})]
)
def test_a_custom_tool_gets_what_the_user_said(text: str, more: dict[str, Any]) -> None:
    (choice,) = choices(text, tools=[CLOCK, PATCH], **more)
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert (call["type"], call["custom"]) == ("custom", {"name": "patch", "input": text})
    reply = chat(text, tools=[CLOCK, PATCH], stream=True, **more)
    deltas = [event["choices"][0]["delta"] for event in reply.events()[:-1]]
    first, *rest = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert (first["type"], first["index"], first["custom"]["name"]) == ("custom", 0, "patch")
    assert "".join(piece["custom"]["input"] for piece in (first, *rest)) == text
    assert all(piece["custom"].keys() == {"input"} for piece in rest)


def test_a_custom_tool_has_an_output_too() -> None:
    call = {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": "***"}}
    turns = [
        {"role": "user", "content": "call patch"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ]
    assert content(messages=turns, tools=[PATCH]) == "The tool said: done"


def test_a_limit_cuts_the_arguments_and_later_calls() -> None:
    text = "call get_weather and call clock"
    (choice,) = choices(text, tools=[WEATHER, CLOCK], max_tokens=3)
    assert choice["finish_reason"] == "length"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["arguments"] == '{"city'


def test_what_a_tool_returned_is_reported() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "call clock"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    assert content(messages=turns, tools=[CLOCK]) == "The tool said: noon"


def test_the_old_functions_are_called_as_well() -> None:
    (choice,) = choices("call clock", functions=[CLOCK["function"]])
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "clock", "arguments": "{}"}
    forced = message(functions=[CLOCK["function"]], function_call={"name": "clock"})
    assert forced["function_call"]["name"] == "clock"


def test_json_is_answered_where_json_is_asked_for() -> None:
    first = content("in json", response_format={"type": "json_object"})
    assert json.loads(first) == {"you_said": "in json"}
    second = content("in json", response_format={"type": "json_object"}, seed=1)
    assert json.loads(second) == {"you_said": "in json", "take": 2}
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    structured = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(content(response_format=structured)) == {"n": 1}


def test_a_reasoning_model_pays_for_thoughts_that_are_not_seen() -> None:
    body = {"model": "gpt-5.4-mini", "reasoning_effort": "low"}
    usage = chat(**body).json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 8
    (cut,) = choices(**body, max_completion_tokens=5)
    assert (cut["message"]["content"], cut["finish_reason"]) == ("", "length")
    effortless = chat(model="gpt-5.4-mini").json()["usage"]
    assert effortless["completion_tokens_details"]["reasoning_tokens"] == 0


TOOLS = [WEATHER, CLOCK]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("hello", {}),
        ("say 😀", {}),
        ("say 😀", {"logprobs": True, "top_logprobs": 2, "n": 2}),
        ("!refuse", {}),
        ("!refuse", {"logprobs": True}),
        ("call get_weather and call clock", {"tools": TOOLS, "n": 2}),
        ("call clock", {"tools": TOOLS, "logprobs": True}),
        ("call clock", {"functions": [CLOCK["function"]]}),
        ("call get_weather", {"tools": TOOLS, "max_tokens": 3}),
        ("one two three", {"max_tokens": 4}),
        ("!content-filter", {}),
        ("hello", {"stop": ["said"]}),
    ],
)
def test_a_stream_adds_up_to_the_whole_reply(text: str, body: dict[str, Any]) -> None:
    whole = choices(text, **body)
    found, events = streamed(text, **body)
    if "tools" in body:  # every request has its own call ids
        for choice in [*whole, *found]:
            for call in choice["message"]["tool_calls"]:
                call["id"] = call["id"].split("_", 2)[2]
    assert found == whole
    assert all("usage" not in event for event in events)
    assert len({event["id"] for event in events}) == 1


def test_usage_comes_last_when_asked_for_and_is_null_before() -> None:
    _, events = streamed(stream_options={"include_usage": True})
    *before, last = events
    assert all(event["usage"] is None for event in before)
    assert (last["choices"], last["usage"]) == ([], chat().json()["usage"])


def test_chunks_are_padded_unless_that_is_switched_off() -> None:
    _, events = streamed()
    assert all(event["obfuscation"] for event in events)
    _, events = streamed(stream_options={"include_obfuscation": False})
    assert not any("obfuscation" in event for event in events)


def test_a_conversation_beyond_the_context_is_refused() -> None:
    status, _, param, code = chat("word " * 17_000, model="gpt-3.5-turbo").error()
    assert (status, param, code) == (400, "messages", "context_length_exceeded")
