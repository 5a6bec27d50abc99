"""Parameters that a rule changes, by the current `openai` package over sockets."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.config.settings import ModelRule
from gateway.config.translation_settings import ParamSettings
from tests.clients.raw import connect
from tests.clients.running import BASE_FINE_TUNE, Stage, stage
from tests.rows import module_fixture

PARAMS = ParamSettings(set={"top_p": 0.5}, default={"max_tokens": 40}, drop=("user",))
USER: Any = [{"role": "user", "content": "Hello there"}]


@module_fixture
def running() -> Iterator[Stage]:
    with stage(ModelRule("*", params=PARAMS)) as both:
        yield both


@module_fixture
def client(running: Stage) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.base_url, api_key="sk-test", max_retries=0) as made:
        yield made


def sent(running: Stage) -> Any:
    return json.loads(running.upstream.journal[-1].body)


def home_of(model: str, shape: str) -> str:
    if model == BASE_FINE_TUNE:
        return "completions"
    return "responses" if shape == "responses" else "chat"


@pytest.mark.parametrize("model", ["gpt-4o-mini", BASE_FINE_TUNE])
@pytest.mark.parametrize("stream", [False, True])
def test_a_rules_parameters_reach_each_endpoint(
    running: Stage, client: openai.OpenAI, model: str, *, stream: bool
) -> None:
    calls: dict[str, Any] = {
        "completions": lambda: client.completions.with_raw_response.create(
            model=model, prompt="Hello", user="alice", stream=stream
        ),
        "chat": lambda: client.chat.completions.with_raw_response.create(
            model=model, messages=USER, user="alice", stream=stream
        ),
        "responses": lambda: client.responses.with_raw_response.create(
            model=model, input="Hello", user="alice", stream=stream
        ),
    }
    for shape, call in calls.items():
        raw = call()
        parsed = raw.parse()
        assert list(parsed) if stream else parsed
        body = sent(running)
        assert body["top_p"] == 0.5
        assert "user" not in body
        limits = ("max_tokens", "max_completion_tokens", "max_output_tokens")
        assert [body[name] for name in limits if name in body] == [40]
        header = raw.headers["x-gateway-translation"]
        assert header.startswith(f"from={shape}; to={home_of(model, shape)}; dropped=user")
        assert "top_p:none->0.5" in header


@pytest.mark.parametrize("stream", [False, True])
def test_an_alias_without_thinking_is_for_clients_of_messages_that_cannot_read_any(
    *, stream: bool
) -> None:
    """As docs/clients.md says of LangChainGo and Strands."""
    plain = ParamSettings(default={"thinking": {"type": "disabled"}})
    alias = ModelRule("codex-plain", model="gpt-5-codex", params=plain)
    with stage(alias) as both, connect(both.base_url) as client:
        for model, has_thinking in (("gpt-5-codex", True), ("codex-plain", False)):
            asked = {"model": model, "max_tokens": 50, "messages": USER, "stream": stream}
            client.request("POST", "/v1/messages", json.dumps(asked).encode())
            reply = client.reply()
            assert reply.status == 200
            assert b"You" in reply.body
            assert (b'"redacted_thinking"' in reply.body) is has_thinking
