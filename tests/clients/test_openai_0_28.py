"""The `openai` package that most old code was written with: 0.28.1, the real one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.old_openai import OldOpenAI, old_openai
from tests.clients.running import (
    ALIASES,
    BASE_FINE_TUNE,
    CHAT_FINE_TUNE,
    CHAT_MODELS,
    COMPLETIONS_MODELS,
    stage,
)
from tests.rows import module_fixture

pytestmark = pytest.mark.slow

USER: Any = [{"role": "user", "content": "Hello there"}]


@module_fixture
def client() -> Iterator[OldOpenAI]:
    with stage(*ALIASES) as running, old_openai(running.base_url) as made:
        yield made


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk["choices"][0]["text"] for chunk in chunks)


@pytest.mark.parametrize("model", [*CHAT_MODELS, *COMPLETIONS_MODELS, "gpt-5-codex"])
@pytest.mark.parametrize("create", ["Completion.create", "Completion.acreate"])
def test_completions_whole_and_streamed(client: OldOpenAI, create: str, model: str) -> None:
    asked = {"model": model, "prompt": "Hello there", "max_tokens": 30}
    whole = client.call(create, **asked).good
    assert whole["object"] == "text_completion"
    assert whole["model"] == model
    assert "Hello there" in whole["choices"][0]["text"]
    assert whole["usage"]["total_tokens"] > 0
    chunks = client.call(create, **asked, stream=True).stream
    assert len(chunks) > 2
    assert text_of(chunks) == whole["choices"][0]["text"]
    assert {chunk["model"] for chunk in chunks} == {model}
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert chunks[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]


@pytest.mark.parametrize("model", [*CHAT_MODELS, *COMPLETIONS_MODELS, "gpt-5-codex"])
@pytest.mark.parametrize("create", ["ChatCompletion.create", "ChatCompletion.acreate"])
def test_chat_whole_and_streamed(client: OldOpenAI, create: str, model: str) -> None:
    whole = client.call(create, model=model, messages=USER).good
    assert whole["object"] == "chat.completion"
    assert whole["model"] == model
    message = whole["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert "Hello there" in message["content"]
    chunks = client.call(create, model=model, messages=USER, stream=True).stream
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("model", [CHAT_FINE_TUNE, "gpt-4o-mini", BASE_FINE_TUNE])
def test_a_list_of_prompts_gives_the_candidates_of_each_in_order(
    client: OldOpenAI, model: str
) -> None:
    prompts = ["alpha", "beta", "gamma"]
    asked = {"model": model, "prompt": prompts, "n": 2, "max_tokens": 20}
    choices = client.call("Completion.create", **asked).good["choices"]
    assert [choice["index"] for choice in choices] == list(range(6))
    for position, choice in enumerate(choices):
        assert prompts[position // 2] in choice["text"]
    texts: dict[int, str] = {}
    for chunk in client.call("Completion.create", **asked, stream=True).stream:
        for choice in chunk["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
    assert texts == {choice["index"]: choice["text"] for choice in choices}


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_echo_puts_the_prompt_before_the_text(client: OldOpenAI, model: str) -> None:
    asked = {"model": model, "prompt": "Say: ", "max_tokens": 20}
    without_echo = client.call("Completion.create", **asked).good["choices"][0]["text"]
    echoed = client.call("Completion.create", **asked, echo=True).good["choices"][0]["text"]
    assert echoed == "Say: " + without_echo
    assert text_of(client.call("Completion.create", **asked, echo=True, stream=True).stream) == (
        echoed
    )


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_logprobs_have_the_old_form(client: OldOpenAI, model: str) -> None:
    asked = {"model": model, "prompt": "Say", "max_tokens": 20, "logprobs": 2}
    choice = client.call("Completion.create", **asked).good["choices"][0]
    logprobs = choice["logprobs"]
    assert set(logprobs) == {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
    assert "".join(logprobs["tokens"]) == choice["text"]
    assert len({len(values) for values in logprobs.values()}) == 1
    assert all(logprob <= 0 for logprob in logprobs["token_logprobs"])
    # The token that was taken comes on top of the two, unless it is one of them.
    assert all(2 <= len(candidates) <= 3 for candidates in logprobs["top_logprobs"])
    assert logprobs["text_offset"][0] == len("Say")


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_best_of_gives_as_many_choices_as_n(client: OldOpenAI, model: str) -> None:
    asked = {"model": model, "prompt": "Say", "max_tokens": 20, "n": 2, "best_of": 4}
    choices = client.call("Completion.create", **asked).good["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]
    refused = client.call("Completion.create", **{**asked, "best_of": 1}).failure
    assert refused["class"] == "InvalidRequestError"


def test_what_the_client_did_wrong_names_its_own_parameter(client: OldOpenAI) -> None:
    suffix = client.call("Completion.create", model="gpt-4o-mini", prompt="Hi", suffix="end")
    assert (suffix.failure["class"], suffix.failure["param"]) == ("InvalidRequestError", "suffix")
    missing = client.call("Completion.create", model="acme-suport-v7", prompt="Hi").failure
    assert (missing["class"], missing["http_status"]) == ("InvalidRequestError", 404)
    assert (missing["param"], missing["code"]) == ("model", "model_not_found")
    assert "Did you mean 'acme-support-v7'?" in missing["user_message"]
    hot = client.call("ChatCompletion.create", model="davinci-002", messages=USER, temperature=9)
    assert (hot.failure["class"], hot.failure["param"]) == ("InvalidRequestError", "temperature")


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
@pytest.mark.parametrize(
    ("prompt", "status", "name"),
    [
        ("!429", 429, "RateLimitError"),
        ("!500", (500, 502), "APIError"),
        ("!503", 503, "ServiceUnavailableError"),
    ],
)
def test_an_upstreams_trouble_has_its_own_class(
    client: OldOpenAI, model: str, prompt: str, status: Any, name: str
) -> None:
    failure = client.call("Completion.create", model=model, prompt=prompt).failure
    assert failure["class"] == name
    assert failure["http_status"] in (status if isinstance(status, tuple) else (status,))


def test_a_key_that_is_refused_is_an_authentication_error(client: OldOpenAI) -> None:
    failure = client.call(
        "Completion.create", model="gpt-4o-mini", prompt="Hi", api_key="wrong"
    ).failure
    assert failure["class"] == "AuthenticationError"


@pytest.mark.parametrize("create", ["Completion.create", "Completion.acreate"])
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
def test_a_stream_that_breaks_raises_after_the_chunks_that_came(
    client: OldOpenAI, create: str, model: str, prompt: str
) -> None:
    broken = client.call(create, model=model, prompt=prompt, stream=True, max_tokens=99)
    assert broken.failure["class"] == "APIError"
    assert broken.chunks
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in broken.chunks)


def test_a_chat_stream_that_breaks_raises(client: OldOpenAI) -> None:
    message = [{"role": "user", "content": "!truncate"}]
    for model in ("gpt-4o-mini", "davinci-002"):
        broken = client.call("ChatCompletion.create", model=model, messages=message, stream=True)
        assert broken.failure["class"] == "APIError"


def test_models_and_aliases_are_listed(client: OldOpenAI) -> None:
    listed = {card["id"] for card in client.call("Model.list").good["data"]}
    assert {"my-bot", "text-davinci-003", "gpt-4o-mini", BASE_FINE_TUNE} <= listed
    assert client.call("Model.retrieve", id="my-bot").good["object"] == "model"
