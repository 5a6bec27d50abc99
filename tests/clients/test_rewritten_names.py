"""Names that a glob rewrites, by the current `openai` package over sockets: all places agree."""

import hashlib
import json
from collections.abc import Iterator

import openai
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    RetiredSettings,
    Settings,
    UpstreamSettings,
)
from gateway.demo import emulator
from tests import kinds
from tests.clients.running import BASE_FINE_TUNE, Stage, running_gateway
from tests.rows import module_fixture

KEY = "gw-vendor"


@module_fixture
def running() -> Iterator[Stage]:
    """A gateway whose only client may use the models of `openai/` alone."""
    with emulator.serve() as served:
        upstream = UpstreamSettings(
            "openai", served.base_url, kinds.OPENAI, CredentialPolicy.KEY, Secret("sk-test")
        )
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        settings = Settings(
            (upstream,),
            models=(ModelRule("openai/*", model="*"),),
            clients=(ClientSettings("vendor", (digest,), ("openai/*", "old")),),
            admin=AdminSettings(port=0),
            retired=RetiredSettings(redirect=(("old", "openai/gpt-4o-mini"),)),
        )
        with running_gateway(settings) as gateway:
            yield Stage(served, gateway)


def sent_model(running: Stage) -> str:
    """The model of the request that has reached the upstream last."""
    return str(json.loads(running.upstream.journal[-1].body)["model"])


@module_fixture
def client(running: Stage) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.base_url, api_key=KEY, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", f"openai/{BASE_FINE_TUNE}", "old"])
def test_a_rewritten_name_is_served_translated_or_not(
    running: Stage, client: openai.OpenAI, model: str
) -> None:
    sent = "gpt-4o-mini" if model == "old" else model.removeprefix("openai/")
    whole = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hello"}]
    )
    assert whole.model == model
    assert sent_model(running) == sent
    chunks = client.completions.create(model=model, prompt="Hello", max_tokens=20, stream=True)
    assert {chunk.model for chunk in chunks} == {model}
    assert sent_model(running) == sent
    assert client.responses.create(model=model, input="Hello").model == model


def test_embeddings_are_made_by_the_model_behind_the_name(client: openai.OpenAI) -> None:
    made = client.embeddings.create(model="openai/text-embedding-3-small", input="Hello")
    assert made.model == "text-embedding-3-small"


def test_the_list_has_names_that_work_and_each_has_a_card(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "openai/gpt-4o-mini" in names
    assert all(name == "old" or name.startswith("openai/") for name in names)
    assert client.models.retrieve("openai/gpt-4o-mini").id == "openai/gpt-4o-mini"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("openai/gpt-4o-minimal")


def test_a_missing_model_is_told_from_its_neighbours_by_the_names_in_use(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError, match="Did you mean 'openai/gpt-4o-mini'"):
        client.chat.completions.create(
            model="openai/gpt-4o-mimi", messages=[{"role": "user", "content": "Hello"}]
        )


def test_the_name_behind_it_is_another_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
        )
