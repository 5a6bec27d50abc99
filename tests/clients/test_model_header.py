"""A header towards the upstream names the model that a request is for, at every endpoint."""

from collections.abc import Iterator

import openai

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.demo import emulator
from tests import kinds
from tests.clients.running import BASE_FINE_TUNE, Stage, running_gateway
from tests.rows import module_fixture


@module_fixture
def running() -> Iterator[Stage]:
    with emulator.serve() as served:
        upstream = UpstreamSettings(
            "openai", served.base_url, kinds.OPENAI, model_header="x-gateway-model"
        )
        rules = (ModelRule("bot", model="gpt-4o-mini"), ModelRule("acme/*", model="*"))
        settings = Settings((upstream,), models=rules, admin=AdminSettings(port=0))
        with running_gateway(settings) as gateway:
            yield Stage(served, gateway)


def test_the_model_as_sent_is_named(running: Stage) -> None:
    def named() -> str | None:
        return running.upstream.journal[-1].headers.get("x-gateway-model")

    with openai.OpenAI(
        base_url=running.base_url,
        api_key="sk-test",
        max_retries=0,
        default_headers={"x-gateway-model": "the client's"},
    ) as client:
        client.completions.create(model="bot", prompt="Hello")
        assert named() == "gpt-4o-mini"
        client.chat.completions.create(
            model=f"acme/{BASE_FINE_TUNE}", messages=[{"role": "user", "content": "Hello"}]
        )
        assert named() == BASE_FINE_TUNE
        client.responses.create(model="gpt-4o-mini", input="Hello")
        assert named() == "gpt-4o-mini"
        client.embeddings.create(model="text-embedding-3-small", input="Hello")
        assert named() == "text-embedding-3-small"
        client.files.list()
        assert named() is None
