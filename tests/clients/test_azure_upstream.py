"""Azure as the upstream, over sockets: deployments, versions, refusals, both ways of streaming."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import ModelRule, Settings
from tests.clients.azure_emulator import Resource, azure_resource, azure_upstream
from tests.clients.running import RunningGateway, running_gateway
from tests.rows import module_fixture

USER: Any = [{"role": "user", "content": "Hello there"}]
VERSION = "?api-version=2024-10-21"


@module_fixture
def resource() -> Iterator[Resource]:
    with azure_resource() as running:
        yield running


@module_fixture
def gateway(resource: Resource) -> Iterator[RunningGateway]:
    rules = (ModelRule("alias", model="support"),)
    settings = Settings((azure_upstream(resource),), models=rules, admin=AdminSettings())
    with running_gateway(settings) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway, resource: Resource) -> Iterator[openai.OpenAI]:
    resource.targets.clear()
    with openai.OpenAI(base_url=gateway.base_url, api_key="sk-mine", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", ["support", "gpt-4o-mini", "alias", "writer", "davinci-002"])
def test_a_completions_client_reaches_any_deployment(client: openai.OpenAI, model: str) -> None:
    whole = client.completions.create(model=model, prompt="Hello there", max_tokens=30)
    assert whole.object == "text_completion"
    assert whole.choices[0].text
    chunks = list(
        client.completions.create(model=model, prompt="Hello there", max_tokens=30, stream=True)
    )
    assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text


@pytest.mark.parametrize("model", ["support", "gpt-4o-mini", "alias", "writer", "davinci-002"])
def test_a_chat_client_reaches_any_deployment(client: openai.OpenAI, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=USER)
    assert whole.object == "chat.completion"
    chunks = list(client.chat.completions.create(model=model, messages=USER, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content


@pytest.mark.parametrize("model", ["coder", "gpt-4o-mini"])
def test_a_responses_client_reaches_deployments_of_the_v1_api(
    client: openai.OpenAI, resource: Resource, model: str
) -> None:
    reply = client.responses.create(model=model, input="Hello there")
    assert reply.output_text
    assert resource.generated()[-1] == "/openai/v1/responses"
    assert not [target for target in resource.targets if "v1/responses?" in target]
    with client.responses.stream(model=model, input="Hello there") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == reply.output_text


def test_a_refused_operation_teaches_the_other_endpoint(resource: Resource) -> None:
    at_chat = "/openai/deployments/support/chat/completions"
    at_completions = "/openai/deployments/support/completions"
    with (
        running_gateway(Settings((azure_upstream(resource),))) as fresh,
        openai.OpenAI(base_url=fresh.base_url, api_key="sk-x", max_retries=0) as client,
    ):
        resource.targets.clear()
        first = client.completions.with_raw_response.create(model="support", prompt="Hi")
        assert resource.generated() == [at_completions, at_chat]
        assert first.headers["x-gateway-endpoint"] == "/v1/chat/completions"
        assert first.headers["x-gateway-attempts"] == "2"
        resource.targets.clear()
        client.completions.create(model="support", prompt="Hi")
        assert resource.posted() == [f"{at_chat}{VERSION}"]


def test_chat_refused_at_a_codex_deployment_goes_to_responses(
    client: openai.OpenAI, resource: Resource
) -> None:
    reply = client.chat.completions.create(model="coder", messages=USER)
    assert reply.choices[0].message.content
    assert resource.generated()[-1] == "/openai/v1/responses"


@pytest.mark.parametrize("model", ["nothing-here", "gpt-3.5-turbo"])
def test_a_deployment_that_is_not_there_is_a_404_after_one_attempt(
    client: openai.OpenAI, resource: Resource, model: str
) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model=model, messages=USER)
    assert missing.value.code == "DeploymentNotFound"
    assert missing.value.param == "model"
    assert resource.generated() == [f"/openai/deployments/{model}/chat/completions"]


def test_an_embeddings_deployment_is_called_by_its_own_name(
    client: openai.OpenAI, resource: Resource
) -> None:
    reply = client.embeddings.create(model="vectors", input="Hello")
    assert reply.data[0].embedding
    assert resource.posted() == [f"/openai/deployments/vectors/embeddings{VERSION}"]
    spoken = client.audio.speech.create(model="voice", voice="alloy", input="Hello")
    assert spoken.read()
    assert resource.generated()[-1] == "/openai/deployments/voice/audio/speech"


def test_lists_and_jobs_are_the_resources_own(client: openai.OpenAI, resource: Resource) -> None:
    assert "gpt-4o-mini" in {model.id for model in client.models.list()}
    assert client.fine_tuning.jobs.list(limit=2).data
    assert client.models.retrieve("davinci-002").id == "davinci-002"
    assert resource.targets == [
        f"GET /openai/models{VERSION}",
        "GET /openai/fine_tuning/jobs?limit=2&api-version=2024-10-21",
        f"GET /openai/models/davinci-002{VERSION}",
    ]


def test_the_clients_own_version_wins(gateway: RunningGateway, resource: Resource) -> None:
    resource.targets.clear()
    query = {"api-version": "2025-04-01-preview"}
    with openai.OpenAI(
        base_url=gateway.base_url, api_key="sk-x", default_query=query, max_retries=0
    ) as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=USER)
        client.responses.create(model="coder", input="Hi")
    assert resource.posted() == [
        "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2025-04-01-preview",
        "/openai/v1/responses",
    ]


@pytest.mark.parametrize("model", ["..", "a/../b", "%2e%2e/%2e%2e", "a\\..\\b"])
def test_no_model_name_leads_out_of_the_deployments(
    client: openai.OpenAI, resource: Resource, model: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=USER)
    assert refused.value.param == "model"
    assert resource.generated() == []


@pytest.mark.parametrize("base", ["", "/openai", "/openai/v1"])
def test_a_base_url_may_end_in_openai_or_in_v1(resource: Resource, base: str) -> None:
    with (
        running_gateway(Settings((azure_upstream(resource, base),))) as running,
        openai.OpenAI(base_url=running.base_url, api_key="sk-x", max_retries=0) as client,
    ):
        resource.targets.clear()
        reply = client.chat.completions.create(model="gpt-4o-mini", messages=USER)
        assert reply.choices[0].message.content
        dated = f"/openai/deployments/gpt-4o-mini/chat/completions{VERSION}"
        own = "/openai/v1/chat/completions" if base.endswith("/v1") else dated
        assert resource.posted() == [own]


def test_a_wrong_key_of_the_gateways_own_is_the_operators_matter(resource: Resource) -> None:
    upstream = replace(azure_upstream(resource), api_key=Secret("wrong"))
    with running_gateway(Settings((upstream,))) as running:
        body = {"model": "gpt-4o-mini", "messages": USER}
        reply = httpx2.post(f"{running.base_url}/chat/completions", json=body)
        assert reply.status_code == 502
        assert reply.json()["error"]["code"] == "upstream_auth_error"
        assert "wrong" not in reply.text
