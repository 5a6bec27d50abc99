"""Claude in an Azure resource: Anthropic's API at another URL, with the resource's key."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.shapes import Shape
from tests import kinds
from tests.clients.azure_emulator import TOKEN, Resource, azure_resource, azure_upstream
from tests.clients.raw import RawConnection, connect
from tests.clients.running import RunningGateway, running_gateway
from tests.rows import module_fixture

CLAUDE = "claude-demo-sonnet-4-5"
USER: Any = [{"role": "user", "content": "Hello there"}]
HOME = "/anthropic/v1/messages"


@module_fixture
def resource() -> Iterator[Resource]:
    with azure_resource() as running:
        yield running


@module_fixture
def gateway(resource: Resource) -> Iterator[RunningGateway]:
    rules = (ModelRule("claude-*", endpoints=(Shape.MESSAGES,)),)
    upstream = azure_upstream(resource, messages_url=f"{resource.url}/anthropic/v1")
    settings = Settings((upstream,), models=rules, admin=AdminSettings())
    with running_gateway(settings) as running:
        yield running


@pytest.fixture(autouse=True)
def _forget(resource: Resource) -> None:
    resource.targets.clear()


def test_a_messages_client_reaches_it(gateway: RunningGateway, resource: Resource) -> None:
    import anthropic  # takes more than a second, which every process would that collects tests

    base_url = gateway.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key="sk-mine", max_retries=0) as client:
        asked: dict[str, Any] = {"model": CLAUDE, "max_tokens": 50, "messages": USER}
        assert client.messages.create(**asked).content[0].type == "text"
        with client.messages.stream(**asked) as stream:
            assert stream.get_final_text()
    assert resource.targets == [f"POST {HOME}"] * 2


def test_so_do_clients_of_chat_and_responses(gateway: RunningGateway, resource: Resource) -> None:
    with openai.OpenAI(base_url=gateway.base_url, api_key="sk-mine", max_retries=0) as client:
        for streamed in (False, True):
            chat = client.chat.completions.create(model=CLAUDE, messages=USER, stream=streamed)
            assert list(chat)
            response = client.responses.create(model=CLAUDE, input="Hello", stream=streamed)
            assert list(response)
        assert client.completions.create(model=CLAUDE, prompt="Hello").choices[0].text
        assert resource.generated() == [HOME] * 5
        # Deployments of OpenAI's models stay where they are.
        client.chat.completions.create(model="support", messages=USER)
    assert resource.generated()[5:] == ["/openai/deployments/support/chat/completions"]


def test_a_clients_version_is_not_anthropics(gateway: RunningGateway, resource: Resource) -> None:
    body = json.dumps({"model": CLAUDE, "max_tokens": 50, "messages": USER}).encode()
    with connect(gateway.base_url) as client:
        for query in ("", "?api-version=2024-10-21", "?beta=true&api-version=preview"):
            client.request("POST", f"/v1/messages{query}", body)
            assert client.reply().status == 200
    assert resource.targets == [f"POST {HOME}", f"POST {HOME}", f"POST {HOME}?beta=true"]


def test_tokens_are_counted_there_too(gateway: RunningGateway, resource: Resource) -> None:
    body = json.dumps({"model": CLAUDE, "messages": USER}).encode()
    with connect(gateway.base_url) as client:
        client.request("POST", "/v1/messages/count_tokens", body)
        assert client.reply().status == 200
    assert resource.targets == [f"POST {HOME}/count_tokens"]


def counted(client: RawConnection, **fields: str) -> int:
    body = json.dumps({"model": CLAUDE, "max_tokens": 50, "messages": USER}).encode()
    client.request("POST", "/v1/messages", body, **fields)
    return client.reply().status


def test_a_callers_own_credential_is_sent_as_that_service_takes_it(resource: Resource) -> None:
    upstream = UpstreamSettings(
        "azure",
        resource.url,
        kinds.AZURE,
        CredentialPolicy.CALLER,
        messages_url=f"{resource.url}/anthropic/v1",
    )
    key = azure_upstream(resource).api_key
    assert key is not None
    with (
        running_gateway(Settings((upstream,), admin=AdminSettings())) as gateway,
        connect(gateway.base_url) as client,
    ):
        own = key.reveal()
        assert counted(client, authorization=f"Bearer {own}") == 200
        assert counted(client, authorization=f"Bearer {TOKEN}") == 200
        assert counted(client, **{"authorization": "", "x-api-key": own}) == 200
        assert counted(client, **{"authorization": "", "api-key": own}) == 200
        assert counted(client, authorization="Bearer sk-other") == 401
