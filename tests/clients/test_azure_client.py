"""openai-python's `AzureOpenAI` pointed at the gateway: the old paths reach today's models."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from gateway.config.settings import Settings
from tests.clients.azure_emulator import Resource, azure_resource, azure_upstream
from tests.clients.running import (
    ALIASES,
    BASE_FINE_TUNE,
    CHAT_FINE_TUNE,
    RunningGateway,
    Stage,
    running_gateway,
    stage,
)
from tests.rows import module_fixture

USER: Any = [{"role": "user", "content": "Hello there"}]
VERSION = "2024-06-01"
MODELS = ("gpt-4o-mini", "davinci-002", CHAT_FINE_TUNE, BASE_FINE_TUNE, "my-bot")


@module_fixture
def running() -> Iterator[Stage]:
    with stage(*ALIASES) as both:
        yield both


def azure_client(gateway: RunningGateway, **more: Any) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(
        azure_endpoint=gateway.base_url.removesuffix("/v1"),
        api_version=VERSION,
        api_key="sk-test",
        max_retries=0,
        **more,
    )


@pytest.fixture
def client(running: Stage) -> Iterator[openai.AzureOpenAI]:
    running.upstream.journal.clear()
    with azure_client(running.gateway) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_chat_and_completions_whole_and_streamed(client: openai.AzureOpenAI, model: str) -> None:
    chat = client.chat.completions.create(model=model, messages=USER)
    assert chat.model == model
    chunks = list(client.chat.completions.create(model=model, messages=USER, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == chat.choices[0].message.content
    whole = client.completions.create(model=model, prompt="Hello there", max_tokens=30)
    streamed = client.completions.create(
        model=model, prompt="Hello there", max_tokens=30, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in streamed) == whole.choices[0].text


def test_the_version_stays_away_from_upstreams_that_are_not_azure(
    client: openai.AzureOpenAI, running: Stage
) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=USER)
    client.embeddings.create(model="text-embedding-3-small", input="Hello")
    assert client.models.list().data
    assert [record.query for record in running.upstream.journal] == ["", "", ""]
    assert running.upstream_paths() == [
        "POST /v1/chat/completions",
        "POST /v1/embeddings",
        "GET /v1/models",
    ]


def test_the_clients_azure_key_becomes_the_upstreams_bearer(
    client: openai.AzureOpenAI, running: Stage
) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=USER)
    sent = next(iter(running.upstream.journal)).headers
    assert sent["authorization"] == "Bearer sk-test"
    assert "api-key" not in sent


def test_responses_embeddings_and_speech(client: openai.AzureOpenAI) -> None:
    assert client.responses.create(model="gpt-4o-mini", input="Hello there").output_text
    assert client.embeddings.create(model="text-embedding-3-small", input="Hi").data[0].embedding
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="Hello").read()


def test_a_deployment_in_the_clients_own_base_url_wins_over_its_model(running: Stage) -> None:
    with azure_client(running.gateway, azure_deployment="gpt-4o-mini") as client:
        reply = client.chat.completions.with_raw_response.create(model="davinci-002", messages=USER)
        assert reply.headers["x-gateway-endpoint"] == "/v1/chat/completions"
        assert "the path names the deployment" in reply.headers["x-gateway-warning"]
        agreed = client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=USER
        )
        assert "path names" not in agreed.headers.get("x-gateway-warning", "")
        assert client.models.list().data
    with azure_client(running.gateway, azure_deployment="text-embedding-3-small") as client:
        embedded = client.embeddings.create(model="gpt-4o-mini", input="Hi")
        assert embedded.model == "text-embedding-3-small"


def test_the_async_client(running: Stage) -> None:
    async def scenario() -> None:
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=running.base_url.removesuffix("/v1"),
            api_version=VERSION,
            api_key="sk-test",
        ) as client:
            chat = await client.chat.completions.create(model=BASE_FINE_TUNE, messages=USER)
            stream = await client.chat.completions.create(
                model=BASE_FINE_TUNE, messages=USER, stream=True
            )
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(parts) == chat.choices[0].message.content
            whole = await client.completions.create(model="gpt-4o-mini", prompt="Hi", max_tokens=9)
            assert whole.choices[0].text
            embedded = await client.embeddings.create(model="text-embedding-3-small", input="Hi")
            assert embedded.data

    asyncio.run(scenario())


def test_an_unknown_deployment_is_a_404_of_the_clients_own_kind(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="acme-suport-v7", messages=USER)
    assert missing.value.param == "model"


def test_a_model_with_a_slash_in_its_name_arrives_whole(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="model `acme/support`"):
        client.chat.completions.create(model="acme/support", messages=USER)


@pytest.mark.parametrize(
    "suffix",
    [
        *("", "/", "/v1", "/v1/", "/openai/v1", "/openai/v1/"),
        *("//", "/v1//", "//v1", "/v1/v1", "/v1//v1/", "/openai//v1/v1"),
    ],
)
def test_every_spelling_of_the_base_url_works(running: Stage, suffix: str) -> None:
    root = running.base_url.removesuffix("/v1")
    with openai.OpenAI(base_url=root + suffix, api_key="sk-test", max_retries=0) as client:
        assert client.chat.completions.create(model="davinci-002", messages=USER).choices
        assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"


def test_an_empty_id_is_told_apart_from_a_missing_route(running: Stage) -> None:
    reply = httpx2.post(f"{running.base_url}/threads//runs", json={})
    assert reply.status_code == 400
    assert "an id or a name is missing" in reply.json()["error"]["message"]


def test_azure_in_front_and_behind() -> None:
    with azure_resource() as resource, running_gateway(_before(resource)) as gateway:
        with azure_client(gateway) as client:
            chat = client.chat.completions.create(model="writer", messages=USER)
            assert chat.choices[0].message.content
            client.embeddings.create(model="vectors", input="Hi")
        assert resource.targets[-2:] == [
            f"POST /openai/deployments/writer/completions?api-version={VERSION}",
            f"POST /openai/deployments/vectors/embeddings?api-version={VERSION}",
        ]


def _before(resource: Resource) -> Settings:
    return Settings((azure_upstream(resource),))
