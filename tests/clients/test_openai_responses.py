"""The current `openai` package over a socket: responses clients, and responses-only models."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.config.store_settings import ResponsesSettings
from gateway.demo import emulator
from gateway.shapes import Shape
from tests import kinds
from tests.clients.running import Stage, running_gateway, stage
from tests.rows import module_fixture

CHAT_ONLY = "gpt-3.5-turbo"
RESPONSES_ONLY = ("o1-pro", "gpt-5-codex", "gpt-5.3-codex")
COMPLETIONS_ONLY = ("davinci-002", "gpt-3.5-turbo-instruct", "acme-writer-v2")
STRUCTURED = "sturdy-chat"
"""An alias of a model with structured outputs, held to the chat endpoint."""
RULES = (ModelRule(STRUCTURED, model="gpt-4o-mini", endpoints=(Shape.CHAT,)),)
HELLO: Any = [{"role": "user", "content": "Hello there"}]
CALL: Any = [{"role": "user", "content": "call weather"}]
PARAMETERS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CHAT_TOOL: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": PARAMETERS, "strict": True},
}
RESPONSES_TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": PARAMETERS,
    "strict": True,
}


class Person(pydantic.BaseModel):
    name: str
    age: int


@contextmanager
def client_of(base_url: str, key: str = "sk-test") -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as made:
        yield made


@module_fixture
def running() -> Iterator[Stage]:
    with stage(*RULES) as both:
        yield both


@module_fixture
def client(running: Stage) -> Iterator[openai.OpenAI]:
    with client_of(running.base_url) as made:
        yield made


# --- chat clients on models that live at responses ---------------------------------------------


@pytest.mark.parametrize("model", RESPONSES_ONLY)
def test_a_chat_client_reaches_a_responses_model(client: openai.OpenAI, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=HELLO)
    assert whole.object == "chat.completion"
    assert whole.model == model
    assert whole.choices[0].message.content == "You said: Hello there"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert whole.usage.completion_tokens_details is not None
    assert whole.usage.completion_tokens_details.reasoning_tokens == 8
    with client.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.usage == whole.usage


def test_a_chat_client_calls_tools_of_a_responses_model(client: openai.OpenAI) -> None:
    asked = client.chat.completions.create(
        model="gpt-5-codex", messages=CALL, tools=[CHAT_TOOL], reasoning_effort="low"
    )
    message = asked.choices[0].message
    assert asked.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "call weather"}
    with client.chat.completions.stream(
        model="gpt-5-codex", messages=CALL, tools=[CHAT_TOOL]
    ) as stream:
        made = stream.get_final_completion().choices[0].message.tool_calls
    assert made is not None
    (streamed,) = made
    assert streamed.function.name == "weather"
    assert streamed.function.arguments == call.function.arguments
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages: Any = [*CALL, message.model_dump(exclude_none=True), result]
    final = client.chat.completions.create(
        model="gpt-5-codex", messages=messages, tools=[CHAT_TOOL]
    )
    assert final.choices[0].message.content == "The tool said: sunny"


def test_a_chat_client_gets_structured_output_of_a_responses_model(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(model="o1-pro", messages=HELLO, response_format=Person)
    person = parsed.choices[0].message.parsed
    assert person is not None
    assert person.name == "Hello there"


# --- responses clients on models that live at chat ---------------------------------------------


def test_a_responses_client_reaches_a_chat_model(client: openai.OpenAI) -> None:
    whole = client.responses.create(model=CHAT_ONLY, input="Hello there", instructions="Be brief.")
    assert whole.status == "completed"
    assert whole.model == CHAT_ONLY
    assert whole.output_text == "You said: Hello there"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens
    assert whole.to_dict()["store"] is False
    with client.responses.stream(
        model=CHAT_ONLY, input="Hello there", instructions="Be brief."
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == final.output_text == whole.output_text
    assert final.usage == whole.usage


def test_a_responses_client_calls_tools_of_a_chat_model(client: openai.OpenAI) -> None:
    with client.responses.stream(
        model=CHAT_ONLY, input="call weather", tools=[RESPONSES_TOOL]
    ) as stream:
        arguments = [
            event.delta
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        first = stream.get_final_response()
    (call,) = first.output
    assert call.type == "function_call"
    assert "".join(arguments) == call.arguments
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    items: Any = [*CALL, call.model_dump(exclude_none=True), output]
    second = client.responses.create(model=CHAT_ONLY, input=items, tools=[RESPONSES_TOOL])
    assert second.output_text == "The tool said: sunny"


def test_a_responses_client_gets_structured_output_of_a_chat_model(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model=STRUCTURED, input="Hello there", text_format=Person)
    assert parsed.output_parsed is not None
    assert parsed.output_parsed.name == "Hello there"
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.parse(model=CHAT_ONLY, input="Hello there", text_format=Person)
    assert (refused.value.param or "").startswith("text.format")


def test_a_reply_that_was_cut_at_the_limit_is_incomplete(client: openai.OpenAI) -> None:
    cut = client.responses.create(model=CHAT_ONLY, input="!count 99", max_output_tokens=16)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"
    with client.responses.stream(
        model=CHAT_ONLY, input="!count 99", max_output_tokens=16
    ) as stream:
        assert list(stream)[-1].type == "response.incomplete"


# --- between completions and responses ---------------------------------------------------------


@pytest.mark.parametrize("model", RESPONSES_ONLY)
def test_a_completions_client_reaches_a_responses_model(client: openai.OpenAI, model: str) -> None:
    asked: Any = {"model": model, "prompt": ["one", "two"], "n": 2, "max_tokens": 60}
    whole = client.completions.create(**asked)
    assert whole.object == "text_completion"
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    assert [choice.text for choice in whole.choices] == [
        "You said: one",
        "You said: one",
        "You said: two",
        "You said: two",
    ]
    assert whole.usage is not None
    texts: dict[int, str] = {}
    for chunk in client.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    assert texts == {choice.index: choice.text for choice in whole.choices}


def test_stop_sequences_work_where_the_endpoint_has_none(client: openai.OpenAI) -> None:
    asked: Any = {"model": "o1-pro", "prompt": "abc", "stop": [" ab"], "max_tokens": 60}
    whole = client.completions.create(**asked)
    assert whole.choices[0].text == "You said:"
    streamed = client.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == "You said:"
    chat = client.chat.completions.create(model="o1-pro", messages=HELLO, stop=" there")
    assert chat.choices[0].message.content == "You said: Hello"


@pytest.mark.parametrize("model", COMPLETIONS_ONLY)
def test_a_responses_client_reaches_a_base_model(client: openai.OpenAI, model: str) -> None:
    whole = client.responses.create(model=model, input="Hello there", max_output_tokens=200)
    assert whole.status == "completed"
    assert f"[{model} continues: " in whole.output_text
    assert whole.usage is not None
    with client.responses.stream(model=model, input="Hello there", max_output_tokens=200) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert final.usage == whole.usage
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=model, input="call weather", tools=[RESPONSES_TOOL])
    assert refused.value.param == "tools"
    assert refused.value.code == "unsupported_parameter"


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [CHAT_ONLY, "o1-pro", "davinci-002", "gpt-4o-mini"])
def test_the_async_client_reaches_every_model_from_every_endpoint(
    running: Stage, model: str
) -> None:
    async def scenario() -> None:
        async with openai.AsyncOpenAI(base_url=running.base_url, api_key="sk-test") as client:
            response, chat, completion = await asyncio.gather(
                client.responses.create(model=model, input="Hello there"),
                client.chat.completions.create(model=model, messages=HELLO),
                client.completions.create(model=model, prompt="Hello there", max_tokens=60),
            )
            assert response.output_text
            assert chat.choices[0].message.content
            assert completion.choices[0].text
            async with client.responses.stream(model=model, input="Hello there") as events:
                kinds = [event.type async for event in events]
                final = await events.get_final_response()
            assert kinds[-1] == "response.completed"
            assert final.output_text == response.output_text
            async with client.chat.completions.stream(model=model, messages=HELLO) as chunks:
                async for _ in chunks:
                    pass
                streamed = await chunks.get_final_completion()
            assert streamed.choices[0].message.content == chat.choices[0].message.content

    asyncio.run(scenario())


@pytest.mark.parametrize("model", [CHAT_ONLY, "davinci-002"])
@pytest.mark.parametrize("words", ["!fail-midstream", "!truncate", "!unfinished"])
def test_a_response_that_breaks_never_completes(
    client: openai.OpenAI, model: str, words: str
) -> None:
    kinds: list[str] = []
    stream = client.responses.create(model=model, input=words, stream=True, max_output_tokens=16)
    with pytest.raises(openai.APIError):
        kinds.extend(event.type for event in stream)
    assert kinds[0] == "response.created"
    assert "response.completed" not in kinds
    assert "response.incomplete" not in kinds


@pytest.mark.parametrize("words", ["!fail-midstream", "!truncate", "!unfinished"])
def test_a_chat_stream_from_responses_that_breaks_raises(client: openai.OpenAI, words: str) -> None:
    messages: Any = [{"role": "user", "content": words}]
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="o1-pro", messages=messages, stream=True))


def test_errors_name_the_parameters_of_the_clients_endpoint(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model=CHAT_ONLY, input="!429")
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=CHAT_ONLY, input="Hi", background=True)
    assert refused.value.param == "background"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="o1-pro", messages=HELLO, logit_bias={"1": 5})
    assert refused.value.param == "logit_bias"
    # OpenAI itself answers 400 here, not 404 as elsewhere.
    with pytest.raises(openai.BadRequestError) as missing:
        client.responses.create(model="no-such-model", input="Hi")
    assert missing.value.param == "model"


def test_a_responses_call_at_home_is_relayed_as_it_is(
    running: Stage, client: openai.OpenAI
) -> None:
    asked: Any = {"model": "gpt-4o-mini", "input": "Hello", "metadata": {"a": "b"}}
    with client_of(running.upstream.base_url) as direct:
        theirs = direct.responses.create(**asked).model_dump()
    reply = client.responses.with_raw_response.create(**asked)
    assert "x-gateway-translation" not in reply.headers
    assert reply.headers["x-gateway-endpoint"] == "/v1/responses"
    ours = reply.parse().model_dump()
    for each in (theirs, ours):
        for numbered in (each, each["output"][0]):
            del numbered["id"]
    assert ours == theirs
    sent = [record.body for record in running.upstream.journal if record.path == "/v1/responses"]
    assert sent[-1] == sent[-2]


# --- where the request decides -----------------------------------------------------------------

TOOLS_WITH_REASONING: Any = {
    "model": "gpt-5.4-mini",
    "messages": CALL,
    "tools": [CHAT_TOOL],
    "reasoning_effort": "low",
}


@contextmanager
def unknown_server() -> Iterator[Stage]:
    """The emulator behind a gateway that cannot know its models: it must learn from refusals."""
    with emulator.serve() as served:
        upstream = UpstreamSettings("somewhere", served.base_url, kinds.OTHER)
        settings = Settings((upstream,), admin=AdminSettings())
        with running_gateway(settings) as gateway:
            yield Stage(served, gateway)


def posts(running: Stage) -> list[str]:
    """The endpoints that were called, in order."""
    paths = running.upstream_paths()
    return [path.removeprefix("POST /v1/") for path in paths if path.startswith("POST")]


def test_tools_with_reasoning_go_to_responses_once_chat_has_refused_them() -> None:
    with unknown_server() as running, client_of(running.base_url) as client:

        def called(**body: Any) -> list[str]:
            before = len(posts(running))
            assert client.chat.completions.create(**body).choices
            return posts(running)[before:]

        simple = {"model": "gpt-5.4-mini", "messages": HELLO}
        assert called(**simple) == ["chat/completions"]
        assert called(**TOOLS_WITH_REASONING) == ["chat/completions", "responses"]
        # The same features are known now; anything else stays where it was.
        assert called(**TOOLS_WITH_REASONING) == ["responses"]
        assert called(**simple) == ["chat/completions"]
        assert called(**simple, reasoning_effort="low") == ["chat/completions"]
        without_reasoning = {**TOOLS_WITH_REASONING, "reasoning_effort": "none"}
        assert called(**without_reasoning) == ["chat/completions"]
        assert called(**TOOLS_WITH_REASONING) == ["responses"]


def test_the_tools_of_a_known_model_need_no_refusal(running: Stage, client: openai.OpenAI) -> None:
    before = len(posts(running))
    first = client.chat.completions.create(**TOOLS_WITH_REASONING)
    assert first.choices[0].finish_reason == "tool_calls"
    client.chat.completions.create(model="gpt-5.4-mini", messages=HELLO)
    assert posts(running)[before:] == ["responses", "chat/completions"]


def test_a_hint_that_misleads_costs_one_attempt_at_most() -> None:
    """Chat names /v1/completions for this model, which is not there either (chatbox#2173)."""
    with unknown_server() as running, client_of(running.base_url) as client:
        reply = client.chat.completions.with_raw_response.create(
            model="gpt-5.3-codex", messages=HELLO
        )
        assert reply.parse().choices[0].message.content == "You said: Hello there"
        assert reply.headers["x-gateway-attempts"] == "2"
        assert posts(running) == ["chat/completions", "responses"]
        client.chat.completions.create(model="gpt-5.3-codex", messages=HELLO)
        assert posts(running)[2:] == ["responses"]


# --- conversations that the gateway keeps -------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    memory = request.param == "memory"
    store = "memory://" if memory else f"sqlite:///{tmp_path}/responses.sqlite"
    with stage(responses=ResponsesSettings(store=store)) as both:
        yield both


@pytest.mark.parametrize("model", [CHAT_ONLY, "davinci-002"])
def test_a_conversation_goes_on_by_its_id(keeping: Stage, model: str) -> None:
    with client_of(keeping.base_url) as client:
        first = client.responses.create(model=model, input="Hello")
        assert first.to_dict()["store"] is True
        with client.responses.stream(
            model=model, input="Again", previous_response_id=first.id
        ) as stream:
            for _ in stream:
                pass
            second = stream.get_final_response()
        assert second.previous_response_id == first.id
        third = client.responses.create(model=model, input="More", previous_response_id=second.id)
        assert third.output_text
        sent = list(keeping.upstream.journal)[-1].body
        for said in ("Hello", "Again", "More"):
            assert said.encode() in sent


def test_a_tool_loop_goes_on_by_its_id(keeping: Stage) -> None:
    with client_of(keeping.base_url) as client:
        first = client.responses.create(
            model=CHAT_ONLY, input="call weather", tools=[RESPONSES_TOOL]
        )
        (call,) = first.output
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        second = client.responses.create(
            model=CHAT_ONLY, input=[output], tools=[RESPONSES_TOOL], previous_response_id=first.id
        )
        assert second.output_text == "The tool said: sunny"


def test_a_kept_response_can_be_fetched_listed_and_deleted(keeping: Stage) -> None:
    with client_of(keeping.base_url) as client:
        made = client.responses.create(model=CHAT_ONLY, input="Hello")
        assert client.responses.retrieve(made.id) == made
        (item,) = client.responses.input_items.list(made.id)
        assert item.type == "message"
        assert item.content[0].type == "input_text"
        assert item.content[0].text == "Hello"
        client.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(made.id)
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model=CHAT_ONLY, input="Hi", previous_response_id=made.id)
        assert refused.value.code == "previous_response_not_found"


def test_two_keys_never_see_each_others_responses(keeping: Stage) -> None:
    with client_of(keeping.base_url, "sk-a") as alice, client_of(keeping.base_url, "sk-b") as bob:
        made = alice.responses.create(model=CHAT_ONLY, input="Secret")
        with pytest.raises(openai.NotFoundError):
            bob.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            bob.responses.input_items.list(made.id)
        with pytest.raises(openai.APIStatusError) as kept:
            bob.responses.delete(made.id)
        assert kept.value.status_code >= 400
        with pytest.raises(openai.BadRequestError) as refused:
            bob.responses.create(model=CHAT_ONLY, input="Hi", previous_response_id=made.id)
        assert refused.value.code == "previous_response_not_found"
        assert alice.responses.retrieve(made.id).output_text == "You said: Secret"


def test_a_file_keeps_conversations_over_a_restart(tmp_path: Path) -> None:
    kept = ResponsesSettings(store=f"sqlite:///{tmp_path}/responses.sqlite")
    with stage(responses=kept) as before, client_of(before.base_url) as client:
        made = client.responses.create(model=CHAT_ONLY, input="Hello")
    with stage(responses=kept) as after, client_of(after.base_url) as client:
        assert client.responses.retrieve(made.id).output_text == "You said: Hello"
        client.responses.create(model=CHAT_ONLY, input="Again", previous_response_id=made.id)
        assert b"Hello" in list(after.upstream.journal)[-1].body


def test_without_a_store_the_refusal_says_how_to_switch_it_on(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=CHAT_ONLY, input="Hi", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    assert "responses: {store: memory://}" in str(refused.value)
