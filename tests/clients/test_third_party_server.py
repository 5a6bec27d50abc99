"""Every client before a server that nobody here wrote, whose kind is found out.

`tiny` is the model as the server has it, at completions and chat; `tiny-chat` and `tiny-base` are
the same model, but configured to live at one endpoint only, so that requests are translated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from openai import APIStatusError, NotFoundError, OpenAI

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.shapes import Shape
from tests import kinds
from tests.clients.running import running_gateway
from tests.clients.third_party_server import (
    MAX_SECONDS_TO_INSTALL,
    MODEL,
    third_party_server,
)
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(MAX_SECONDS_TO_INSTALL + 300)]

RULES = (
    ModelRule("tiny-chat", model=MODEL, endpoints=(Shape.CHAT,)),
    ModelRule("tiny-base", model=MODEL, endpoints=(Shape.COMPLETIONS,)),
)
GREEDY: Any = {"temperature": 0, "max_tokens": 16}
USER: Any = [{"role": "user", "content": "the cat"}]


@dataclass(frozen=True)
class Served:
    client: OpenAI
    """Asks the gateway."""
    direct: OpenAI
    """Asks the server itself."""
    admin_url: str


@module_fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with third_party_server(tmp_path_factory.mktemp("third-party")) as base_url:
        upstream = UpstreamSettings("local", base_url, kinds.AUTO)
        with (
            running_gateway(Settings((upstream,), models=RULES)) as gateway,
            OpenAI(base_url=gateway.base_url, api_key="none", max_retries=0, timeout=30) as client,
            OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=30) as direct,
        ):
            yield Served(client, direct, gateway.admin_url)


def completed(client: OpenAI, prompt: str, **more: Any) -> Any:
    return client.completions.create(model=MODEL, prompt=prompt, **{**GREEDY, **more}).choices[0]


def answered(client: OpenAI, **more: Any) -> Any:
    reply = client.chat.completions.create(model=MODEL, messages=USER, **{**GREEDY, **more})
    return reply.choices[0]


def test_its_kind_is_found_out(served: Served) -> None:
    asked = httpx2.get(f"{served.admin_url}/resolve", params={"model": MODEL})
    assert asked.json()["kind"] == kinds.LLAMA_CPP_PYTHON.name


@pytest.mark.parametrize("more", [{}, {"echo": True, "logprobs": 2}, {"stop": ["t"]}])
def test_completions_are_what_the_server_itself_gives(served: Served, more: Any) -> None:
    assert completed(served.client, "the dog", **more) == completed(
        served.direct, "the dog", **more
    )
    asked: Any = {"model": MODEL, "prompt": "the dog", "stream": True, **GREEDY, **more}
    # It echoes whole replies only.
    expected = [event.choices[0] for event in served.direct.completions.create(**asked)]
    streamed = [event.choices[0] for event in served.client.completions.create(**asked)]
    assert streamed == expected


def test_chat_is_what_the_server_itself_gives(served: Served) -> None:
    assert answered(served.client) == answered(served.direct)
    events = served.client.chat.completions.create(
        model=MODEL, messages=USER, stream=True, **GREEDY
    )
    streamed = "".join(event.choices[0].delta.content or "" for event in events)
    assert streamed == answered(served.direct).message.content


def test_a_model_at_both_endpoints_is_asked_at_the_clients_own(served: Served) -> None:
    completed(served.client, "the dog")
    raw = served.client.chat.completions.with_raw_response.create(
        model=MODEL, messages=USER, **GREEDY
    )
    assert raw.headers["x-gateway-endpoint"] == "/v1/chat/completions"
    assert "x-gateway-translation" not in raw.headers


@pytest.mark.parametrize("n", [1, 2])
def test_a_list_of_prompts_which_it_fails_at_is_split(served: Served, n: int) -> None:
    prompts = ["the cat", "a bird", "it"]
    asked: Any = {"model": MODEL, "prompt": prompts, "n": n, "logprobs": 1, **GREEDY}
    expected = [
        completed(served.direct, prompt, logprobs=1) for prompt in prompts for _ in range(n)
    ]
    raw = served.client.completions.with_raw_response.create(**asked)
    split = "prompt" if n == 1 else "prompt,n"
    assert raw.headers["x-gateway-translation"] == (
        f"from=completions; to=completions; emulated={split}"
    )
    whole = raw.parse()
    assert [choice.index for choice in whole.choices] == list(range(3 * n))
    assert [choice.text for choice in whole.choices] == [choice.text for choice in expected]
    assert [choice.logprobs for choice in whole.choices] == [c.logprobs for c in expected]
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 16 * 3 * n
    texts: dict[int, str] = {}
    for event in served.client.completions.create(**asked, stream=True):
        for choice in event.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    assert texts == {choice.index: choice.text for choice in whole.choices}


def test_completions_clients_reach_its_chat_endpoint(served: Served) -> None:
    asked: Any = {"model": "tiny-chat", "prompt": "the cat", "logprobs": 2, **GREEDY}
    expected = answered(served.direct).message.content
    raw = served.client.completions.with_raw_response.create(**asked)
    assert raw.headers["x-gateway-endpoint"] == "/v1/chat/completions"
    choice = raw.parse().choices[0]
    assert (choice.text, choice.finish_reason) == (expected, "length")
    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or []) == expected
    assert choice.logprobs.text_offset is not None
    assert choice.logprobs.text_offset[0] == len("the cat")
    events = list(served.client.completions.create(**asked, stream=True))
    assert "".join(event.choices[0].text for event in events) == expected
    assert events[-1].choices[0].finish_reason == "length"


def test_prompts_come_back_before_the_text_where_that_is_asked_for(served: Served) -> None:
    asked: Any = {"model": "tiny-chat", "prompt": ["the cat", "a"], "echo": True, **GREEDY}
    choices = served.client.completions.create(**asked).choices
    assert choices[0].text == "the cat" + (answered(served.direct).message.content or "")
    assert choices[1].text.startswith("a")


def test_chat_clients_reach_its_completions_endpoint(served: Served) -> None:
    asked: Any = {"model": "tiny-base", "messages": USER, **GREEDY}
    raw = served.client.chat.completions.with_raw_response.create(
        **asked, logprobs=True, top_logprobs=2
    )
    assert raw.headers["x-gateway-endpoint"] == "/v1/completions"
    choice = raw.parse().choices[0]
    assert choice.finish_reason == "length"
    assert choice.message.content
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert "".join(entry.token for entry in tokens).lstrip() == choice.message.content
    assert all(len(entry.top_logprobs) == 2 for entry in tokens)
    events = served.client.chat.completions.create(**asked, stream=True)
    streamed = "".join(event.choices[0].delta.content or "" for event in events)
    assert streamed == choice.message.content


def test_a_stop_sequence_ends_a_translated_reply(served: Served) -> None:
    asked: Any = {"model": "tiny-base", "messages": USER, **GREEDY}
    whole = served.client.chat.completions.create(**asked).choices[0].message.content or ""
    stop = whole[len(whole) // 2 :][:2]
    cut = served.client.chat.completions.create(**asked, stop=stop).choices[0]
    assert cut.finish_reason == "stop"
    assert cut.message.content == whole[: whole.index(stop)]


def test_responses_clients_reach_its_chat_endpoint(served: Served) -> None:
    asked: Any = {"model": "tiny-chat", "input": "the cat", "temperature": 0}
    whole = served.client.responses.create(**asked, max_output_tokens=16)
    assert whole.output_text == answered(served.direct).message.content
    with served.client.responses.stream(**asked, max_output_tokens=16) as events:
        streamed = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert streamed == whole.output_text


def test_an_endpoint_that_it_does_not_have_is_left_for_one_that_it_has(served: Served) -> None:
    raw = served.client.responses.with_raw_response.create(
        model=MODEL, input="the cat", temperature=0, max_output_tokens=16
    )
    assert raw.headers["x-gateway-endpoint"] == "/v1/chat/completions"
    assert raw.parse().output_text == answered(served.direct).message.content


@pytest.mark.parametrize("model", [MODEL, "tiny-chat"])
def test_its_errors_reach_the_client(served: Served, model: str) -> None:
    # Refused before it generates: an error on the way leaves this server locked.
    wrong = {"mirostat_mode": 99}
    with pytest.raises(APIStatusError, match="mirostat_mode") as refused:
        served.client.completions.create(model=model, prompt="a", extra_body=wrong)
    assert refused.value.status_code == (500 if model == MODEL else 502)


def test_what_it_does_not_have_is_not_found(served: Served) -> None:
    with pytest.raises(NotFoundError):
        served.client.files.list()
