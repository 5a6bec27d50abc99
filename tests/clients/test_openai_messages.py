"""The current `openai` package over a socket, with models that live at `/v1/messages` only."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest

from tests.clients.running import Stage, stage
from tests.clients.test_openai_responses import (
    CALL,
    CHAT_TOOL,
    HELLO,
    RESPONSES_TOOL,
    Person,
    client_of,
)
from tests.rows import module_fixture

ADAPTIVE, BUDGETED, PLAIN = (
    "claude-demo-opus-5",
    "claude-demo-sonnet-4-5",
    "claude-demo-haiku-3-5",
)
MODELS = (ADAPTIVE, BUDGETED, PLAIN)
SAID = "You said: Hello there"
CLOCK: Any = {"type": "function", "function": {"name": "clock"}}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"


class Team(pydantic.BaseModel):
    people: list[Person]


@module_fixture
def running() -> Iterator[Stage]:
    with stage(with_anthropic=True) as both:
        yield both


@module_fixture
def client(running: Stage) -> Iterator[openai.OpenAI]:
    with client_of(running.base_url) as made:
        yield made


def last_request(running: Stage) -> Any:
    record = running.upstream.journal[-1]
    assert (record.path, record.status) == ("/v1/messages", 200)
    assert record.headers["x-api-key"] == "sk-test"
    assert "authorization" not in record.headers
    return json.loads(record.body)


# --- chat ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_chat_client_gets_texts(client: openai.OpenAI, running: Stage, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=HELLO)
    assert (whole.object, whole.model) == ("chat.completion", model)
    assert whole.choices[0].message.content == SAID
    assert whole.choices[0].finish_reason == "stop"
    with client.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == SAID
    assert final.usage == whole.usage
    assert last_request(running)["max_tokens"] > 8000


@pytest.mark.parametrize("model", MODELS)
def test_a_chat_client_calls_tools_at_once(client: openai.OpenAI, model: str) -> None:
    asked: Any = [{"role": "user", "content": "call weather, then call clock"}]
    tools = [CHAT_TOOL, CLOCK]
    whole = client.chat.completions.create(model=model, messages=asked, tools=tools)
    with client.chat.completions.stream(model=model, messages=asked, tools=[CLOCK]) as stream:
        assert stream.get_final_completion().choices[0].finish_reason == "tool_calls"
    message = whole.choices[0].message
    calls: Any = message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "clock"]
    assert json.loads(calls[0].function.arguments) == {"city": asked[0]["content"]}
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    messages: Any = [*asked, message.model_dump(exclude_none=True), *results]
    final = client.chat.completions.create(model=model, messages=messages, tools=tools)
    assert final.choices[0].message.content == "The tool said: sunny"


def test_results_of_calls_are_in_one_message(client: openai.OpenAI, running: Stage) -> None:
    calls = [
        {
            "id": f"call_{n}|fc_{n}",
            "type": "function",
            "function": {"name": name, "arguments": "{}"},
        }
        for n, name in enumerate(("weather", "clock"))
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "x"} for call in calls]
    messages: Any = [*CALL, {"role": "assistant", "tool_calls": calls}, *results, *HELLO]
    client.chat.completions.create(model=ADAPTIVE, messages=messages, tools=[CHAT_TOOL, CLOCK])
    sent = last_request(running)["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "tool_result", "text"]


@pytest.mark.parametrize("model", [ADAPTIVE, BUDGETED])
def test_an_effort_makes_the_model_think(client: openai.OpenAI, running: Stage, model: str) -> None:
    asked: Any = {"model": model, "messages": HELLO, "reasoning_effort": "high"}
    whole = client.chat.completions.create(**asked)
    message = whole.choices[0].message.to_dict()
    assert message["reasoning_content"]
    assert message["content"] == SAID
    assert whole.usage is not None
    assert whole.usage.completion_tokens_details is not None
    assert whole.usage.completion_tokens_details.reasoning_tokens == 8
    kind = {ADAPTIVE: "adaptive", BUDGETED: "enabled"}[model]
    assert last_request(running)["thinking"]["type"] == kind
    chunks = list(client.chat.completions.create(**asked, stream=True))
    thought = [chunk.choices[0].delta.to_dict().get("reasoning_content") or "" for chunk in chunks]
    assert "".join(map(str, thought)) == message["reasoning_content"]


@pytest.mark.parametrize("model", [ADAPTIVE, BUDGETED])
def test_a_chat_client_gets_structured_output(client: openai.OpenAI, model: str) -> None:
    parsed = client.chat.completions.parse(model=model, messages=HELLO, response_format=Team)
    team = parsed.choices[0].message.parsed
    assert team is not None
    assert team.people[0].name == "Hello there"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.parse(model=PLAIN, messages=HELLO, response_format=Team)
    assert (refused.value.param or "").startswith("response_format")


def test_pictures_and_documents_are_seen(client: openai.OpenAI) -> None:
    content = [
        {"type": "text", "text": "see "},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
    ]
    messages: Any = [{"role": "user", "content": content}]
    seen = client.chat.completions.create(model=BUDGETED, messages=messages)
    assert seen.choices[0].message.content == "You said: see [image][document]"


@pytest.mark.parametrize("model", MODELS)
def test_parameters_that_a_model_does_not_take_do_no_harm(
    client: openai.OpenAI, model: str
) -> None:
    several = client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": "Be brief."}, *HELLO],
        n=2,
        temperature=0.5,
        top_p=0.5,
        seed=1,
        user="someone",
        stop=[" there"],
        max_completion_tokens=100,
    )
    assert [choice.message.content for choice in several.choices] == ["You said: Hello"] * 2


def test_a_late_system_message_is_heard_by_every_model(
    client: openai.OpenAI, running: Stage
) -> None:
    messages: Any = [*HELLO, {"role": "system", "content": "Now be brief."}]
    for model in MODELS:
        client.chat.completions.create(model=model, messages=messages)
        assert "Now be brief." in json.dumps(last_request(running)["messages"])


def test_a_refusal_is_one_of_chat(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "!refuse it"}]
    refused = client.chat.completions.create(model=ADAPTIVE, messages=messages)
    assert refused.choices[0].finish_reason == "content_filter"
    assert refused.choices[0].message.refusal


# --- responses and completions -------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_responses_client_gets_texts(client: openai.OpenAI, model: str) -> None:
    whole = client.responses.create(model=model, input="Hello there", instructions="Be brief.")
    assert (whole.status, whole.model, whole.output_text) == ("completed", model, SAID)
    with client.responses.stream(
        model=model, input="Hello there", instructions="Be brief."
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert final.output_text == SAID
    assert final.usage == whole.usage


@pytest.mark.parametrize("streamed", [False, True])
def test_a_responses_client_gives_thinking_back(
    client: openai.OpenAI, running: Stage, streamed: bool
) -> None:
    asked: Any = {
        "model": ADAPTIVE,
        "tools": [RESPONSES_TOOL],
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    if streamed:
        with client.responses.stream(input=CALL, **asked) as stream:
            first: Any = stream.get_final_response()
    else:
        first = client.responses.create(input=CALL, **asked)
    reasoning, call = first.output
    assert (reasoning.type, call.type) == ("reasoning", "function_call")
    assert reasoning.encrypted_content
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    kept = [item.model_dump(exclude_none=True) for item in first.output]
    given: Any = [*CALL, *kept, output]
    second = client.responses.create(input=given, **asked)
    assert second.output_text == "The tool said: sunny"
    # The emulator takes back nothing but its own signatures.
    thinking, _ = last_request(running)["messages"][1]["content"]
    assert thinking["type"] == "thinking"


def test_a_responses_client_gets_structured_output(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model=BUDGETED, input="Hello there", text_format=Person)
    assert parsed.output_parsed is not None
    assert parsed.output_parsed.name == "Hello there"


@pytest.mark.parametrize("model", MODELS)
def test_a_completions_client_gets_texts(client: openai.OpenAI, model: str) -> None:
    asked: Any = {"model": model, "prompt": ["one", "two"], "max_tokens": 60}
    whole = client.completions.create(**asked)
    assert [choice.text for choice in whole.choices] == ["You said: one", "You said: two"]
    texts: dict[int, str] = {}
    for chunk in client.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    assert texts == {0: "You said: one", 1: "You said: two"}
    cut = client.completions.create(model=model, prompt="abc", stop=[" ab"], max_tokens=60)
    assert cut.choices[0].text == "You said:"


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("command", "expected"),
    [("!429", 429), ("!500", 502), ("!529", 503)],
)
def test_failures_are_those_of_openai(
    client: openai.OpenAI, command: str, expected: int, stream: bool
) -> None:
    messages: Any = [{"role": "user", "content": command}]
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(model=ADAPTIVE, messages=messages, stream=stream)
    assert failed.value.status_code == expected
    with pytest.raises(openai.APIStatusError) as failed:
        client.responses.create(model=ADAPTIVE, input=command, stream=stream)
    assert failed.value.status_code == expected


@pytest.mark.parametrize("command", ["!fail-midstream", "!truncate", "!unfinished"])
def test_a_broken_stream_raises(client: openai.OpenAI, command: str) -> None:
    messages: Any = [{"role": "user", "content": f"{command} one two"}]
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=ADAPTIVE, messages=messages, stream=True))
    with pytest.raises(openai.APIError):
        list(client.completions.create(model=ADAPTIVE, prompt=f"{command} a b", stream=True))


def test_a_prompt_that_is_too_long_has_openais_code(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "a" + " a" * 200_000}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=PLAIN, messages=messages, max_completion_tokens=9)
    assert refused.value.code == "context_length_exceeded"


def test_a_model_that_is_not_there_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="claude-demo-none", messages=HELLO)
    assert missing.value.code == "model_not_found"
