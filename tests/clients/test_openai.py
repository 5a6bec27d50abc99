"""The current `openai` package over a socket: each model at either endpoint, plain and streamed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.clients.running import (
    ALIASES,
    BASE_FINE_TUNE,
    CHAT_FINE_TUNE,
    CHAT_MODELS,
    COMPLETIONS_MODELS,
    Stage,
    stage,
)
from tests.rows import module_fixture
from tests.waiting import PATIENCE

USER: Any = [{"role": "user", "content": "Hello there"}]


@module_fixture
def running() -> Iterator[Stage]:
    with stage(*ALIASES) as both:
        yield both


@module_fixture
def client(running: Stage) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.base_url, api_key="sk-test", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", [*CHAT_MODELS, *COMPLETIONS_MODELS])
def test_completions_create(client: openai.OpenAI, model: str) -> None:
    whole = client.completions.create(model=model, prompt="Hello there", max_tokens=30)
    assert whole.object == "text_completion"
    assert whole.model == model
    assert whole.choices[0].text
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    streamed = client.completions.create(
        model=model, prompt="Hello there", max_tokens=30, stream=True
    )
    chunks = list(streamed)
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


@pytest.mark.parametrize("model", [*CHAT_MODELS, *COMPLETIONS_MODELS])
def test_chat_completions_create(client: openai.OpenAI, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=USER)
    assert whole.object == "chat.completion"
    assert whole.model == model
    assert whole.choices[0].message.role == "assistant"
    assert whole.choices[0].message.content
    chunks = list(client.chat.completions.create(model=model, messages=USER, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"


@pytest.mark.parametrize("model", [*CHAT_MODELS, *COMPLETIONS_MODELS, "gpt-5-codex"])
def test_responses_create(client: openai.OpenAI, model: str) -> None:
    whole = client.responses.create(model=model, input="Hello there")
    assert (whole.object, whole.model, whole.status) == ("response", model, "completed")
    assert "Hello there" in whole.output_text
    with client.responses.stream(model=model, input="Hello there") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert events[0].type == "response.created"
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_what_old_programs_send_costs_one_call(running: Stage, client: openai.OpenAI) -> None:
    """The parameters of a chat program of 2023, at a model that takes none of them."""
    before = len(running.upstream_paths())
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-5.4-mini",
        messages=[{"role": "user", "content": "Say one, two, three"}],
        temperature=0.8,
        top_p=0.9,
        max_tokens=1000,
        presence_penalty=1.0,
        stop=["\nObservation:"],
    )
    assert raw.headers["x-gateway-translation"] == (
        "from=chat; to=chat; dropped=temperature,top_p,presence_penalty; "
        "changed=max_tokens->max_completion_tokens; emulated=stop"
    )
    assert raw.headers["x-gateway-attempts"] == "1"
    assert raw.parse().choices[0].message.content
    assert len([path for path in running.upstream_paths()[before:] if "POST" in path]) == 1


@pytest.mark.parametrize("model", ["gpt-5.4-mini", "gpt-5-codex"])
def test_a_stop_is_cut_out_of_a_stream(client: openai.OpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": [{"role": "user", "content": "one two three"}]}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    assert whole
    stop = whole.split()[2]
    pieces = [
        chunk.choices[0]
        for chunk in client.chat.completions.create(**asked, stop=[stop], stream=True)
    ]
    text = "".join(piece.delta.content or "" for piece in pieces)
    assert text == whole[: whole.index(stop)]
    assert pieces[-1].finish_reason == "stop"


@pytest.mark.parametrize("model", ["gpt-5-codex", "o1-pro", "gpt-5.3-codex"])
def test_models_that_live_at_responses_answer_everywhere(client: openai.OpenAI, model: str) -> None:
    chat = client.chat.completions.create(model=model, messages=USER)
    assert "Hello there" in (chat.choices[0].message.content or "")
    chunks = client.chat.completions.create(model=model, messages=USER, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == chat.choices[0].message.content
    completion = client.completions.create(model=model, prompt="Hello there", max_tokens=500)
    assert "Hello there" in completion.choices[0].text


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_the_stream_helper_folds_to_the_whole_reply(client: openai.OpenAI, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=USER)
    with client.chat.completions.stream(
        model=model, messages=USER, stream_options={"include_usage": True}
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.usage is not None


@pytest.mark.parametrize("model", [CHAT_FINE_TUNE, BASE_FINE_TUNE])
def test_the_async_client(running: Stage, model: str) -> None:
    async def scenario() -> None:
        async with openai.AsyncOpenAI(base_url=running.base_url, api_key="sk-test") as client:
            completion = await client.completions.create(model=model, prompt="Hi", max_tokens=9)
            assert completion.choices[0].text
            chat = await client.chat.completions.create(model=model, messages=USER)
            assert chat.choices[0].message.content
            stream = await client.completions.create(
                model=model, prompt="Hi", max_tokens=9, stream=True
            )
            text = "".join([chunk.choices[0].text async for chunk in stream])
            assert text == completion.choices[0].text
            async with client.chat.completions.stream(model=model, messages=USER) as events:
                async for _ in events:
                    pass
                final = await events.get_final_completion()
            assert final.choices[0].message.content == chat.choices[0].message.content

    asyncio.run(scenario())


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_prompt_lists_give_one_choice_per_prompt_and_candidate(
    client: openai.OpenAI, model: str
) -> None:
    prompts = ["alpha", "beta", "gamma"]
    whole = client.completions.create(model=model, prompt=prompts, n=2, max_tokens=20)
    assert [choice.index for choice in whole.choices] == list(range(6))
    for position, prompt in enumerate(prompts):
        pair = whole.choices[2 * position : 2 * position + 2]
        assert all(prompt in choice.text for choice in pair)
    texts: dict[int, str] = {}
    for chunk in client.completions.create(
        model=model, prompt=prompts, n=2, max_tokens=20, stream=True
    ):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    assert texts == {choice.index: choice.text for choice in whole.choices}


def test_echo_logprobs_and_stops_mean_what_completions_mean(client: openai.OpenAI) -> None:
    echoed = client.completions.create(
        model="gpt-4o-mini", prompt="Say: ", echo=True, max_tokens=20
    )
    assert echoed.choices[0].text.startswith("Say: ")
    scored = client.completions.create(
        model="gpt-4o-mini", prompt="Say", logprobs=2, max_tokens=20, stop=[" said"]
    )
    logprobs = scored.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens
    assert "".join(logprobs.tokens) == scored.choices[0].text
    assert " said" not in scored.choices[0].text
    assert logprobs.text_offset
    assert logprobs.text_offset[0] == len("Say")


def test_a_parameter_that_a_model_refuses_is_fixed(client: openai.OpenAI) -> None:
    body = {"model": "gpt-5.4-mini", "messages": USER, "max_tokens": 50}
    reply = client.chat.completions.with_raw_response.create(**body)
    assert reply.parse().choices[0].message.content is not None
    assert "max_completion_tokens" in reply.headers["x-gateway-translation"]
    completion = client.completions.create(model="gpt-5.4-mini", prompt="Hi", max_tokens=500)
    assert completion.choices[0].finish_reason == "stop"


def test_errors_reach_the_client_as_its_own_exceptions(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.completions.create(model="acme-suport-v7", prompt="Hi")
    assert missing.value.param == "model"
    assert missing.value.code == "model_not_found"
    assert "Did you mean 'acme-support-v7'?" in str(missing.value)
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model="gpt-4o-mini", prompt="Hi", suffix="end")
    assert refused.value.param == "suffix"
    with pytest.raises(openai.RateLimitError):
        client.completions.create(model="gpt-4o-mini", prompt="!429")
    image: Any = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
    with pytest.raises(openai.BadRequestError) as pictured:
        client.chat.completions.create(
            model="davinci-002", messages=[{"role": "user", "content": image}]
        )
    assert pictured.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        ("gpt-4o-mini", "!fail-midstream"),
        ("gpt-4o-mini", "!truncate"),
        ("gpt-4o-mini", "!unfinished"),
        ("davinci-002", "!fail-midstream"),
        ("davinci-002", "!truncate"),
    ],
)
def test_a_stream_that_breaks_raises_in_the_client(
    client: openai.OpenAI, model: str, prompt: str
) -> None:
    with pytest.raises(openai.APIError):
        list(client.completions.create(model=model, prompt=prompt, stream=True, max_tokens=99))


def test_the_model_list_has_models_and_aliases(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"my-bot", "text-davinci-003", "gpt-4o-mini", BASE_FINE_TUNE} <= listed
    assert client.models.retrieve("my-bot").owned_by == "endpoint-gateway"
    assert client.models.retrieve(BASE_FINE_TUNE).id == BASE_FINE_TUNE
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_a_client_that_stops_reading_ends_the_upstream_call(
    running: Stage, client: openai.OpenAI
) -> None:
    stream = client.completions.create(model="gpt-4o-mini", prompt="!endless", stream=True)
    next(iter(stream))
    record = list(running.upstream.journal)[-1]
    stream.close()
    assert record.disconnected.wait(PATIENCE)


def test_an_unknown_id_is_looked_up_once_then_costs_one_request() -> None:
    with stage() as fresh, openai.OpenAI(base_url=fresh.base_url, api_key="sk-test") as client:
        client.completions.create(model="acme-support-v7", prompt="Hi")
        before = len(fresh.upstream_paths())
        client.completions.create(model="acme-support-v7", prompt="Hi")
        assert fresh.upstream_paths()[before:] == ["POST /v1/chat/completions"]
