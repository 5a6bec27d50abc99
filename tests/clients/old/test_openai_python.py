"""openai-python of 2021 to 2023, unchanged, on `"*": gpt-5.4-mini`; 0.28.1 has files of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.shapes import Json
from tests.clients.environments import python_environment
from tests.clients.old import lines
from tests.clients.old.running import Scene, or_skipped, python_of_2023, scene
from tests.clients.old.scripted import SAID
from tests.clients.old_openai import OldOpenAI, file, old_openai
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
GREETING = SAID + lines.greeting("?")
_NEEDED = ("certifi", "charset-normalizer", "idna", "requests", "tqdm", "urllib3")


def with_openai(version: str) -> Path:
    """Return the Python of an environment with a version of the package and what it needs."""
    requirements = [f"openai=={version}", *_NEEDED]
    return or_skipped(lambda: python_environment(f"openai-{version}", requirements, "--no-deps"))


VERSIONS: dict[str, Callable[[], Path]] = {
    "0.6.4": lambda: with_openai("0.6.4"),
    "0.10.5": lambda: with_openai("0.10.5"),
    "0.27.8": python_of_2023,
}
BASES = {"0.6.4": ("", "/", "/v1", "/v1/"), "0.10.5": ("", "/v1"), "0.27.8": ("/v1", "/v1/")}
"""What follows the address: up to 0.11.0 the package writes `/v1` itself, later it does not."""
CASES = [(version, base) for version, bases in BASES.items() for base in bases]


@module_fixture
def old() -> Iterator[Scene]:
    with scene() as made:
        yield made


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]} at {case[1] or 'root'}")
def version_and_client(
    old: Scene, request: pytest.FixtureRequest
) -> Iterator[tuple[str, OldOpenAI]]:
    version, base = request.param
    python = VERSIONS[version]()
    with old_openai(old.base_url.removesuffix("/v1") + base, python) as made:
        yield version, made


@pytest.fixture
def version(version_and_client: tuple[str, OldOpenAI]) -> str:
    return version_and_client[0]


@pytest.fixture
def client(version_and_client: tuple[str, OldOpenAI], old: Scene) -> OldOpenAI:
    old.says(lines.greeting)
    return version_and_client[1]


def test_completions_whole_and_streamed(client: OldOpenAI) -> None:
    """The settings of the playground's chat of 2021."""
    asked = {
        "engine": "davinci",
        "prompt": "Human: Hello\nAI:",
        "temperature": 0.9,
        "max_tokens": 150,
        "top_p": 1,
        "frequency_penalty": 0,
        "presence_penalty": 0.6,
        "stop": [" Human:", " AI:"],
    }
    whole = client.call("Completion.create", **asked).good
    assert (whole["object"], whole["choices"][0]["text"]) == ("text_completion", GREETING)
    chunks = client.call("Completion.create", **asked, stream=True).stream
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == GREETING


def test_prompts_and_choices_are_numbered(client: OldOpenAI) -> None:
    asked = {"engine": "text-davinci-002", "prompt": ["one", "two"], "n": 2, "max_tokens": 20}
    choices = client.call("Completion.create", **asked).good["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3]


def test_a_stop_sequence_ends_the_text(client: OldOpenAI, old: Scene) -> None:
    old.says(lines.weather)
    asked = {"engine": "davinci", "prompt": "?", "max_tokens": 99, "stop": ["\nObservation:"]}
    (choice,) = client.call("Completion.create", **asked).good["choices"]
    assert choice["text"].endswith("Action Input: Paris")
    assert choice["finish_reason"] == "stop"


def test_engines_are_described_under_names_that_only_the_pattern_serves(
    client: OldOpenAI, version: str
) -> None:
    assert client.call("Engine.list").good["data"]
    assert client.call("Engine.retrieve", id="davinci-instruct-beta").good["ready"] is True
    if version != "0.6.4":  # which has no models yet
        assert client.call("Model.retrieve", id="curie").good["root"] == "gpt-5.4-mini"


def test_logprobs_are_refused_by_name(client: OldOpenAI, old: Scene) -> None:
    asked = {"engine": "davinci", "prompt": "Hello", "logprobs": 5}
    error = client.call("Completion.create", **asked).failure
    assert (error["class"], error["param"]) == ("InvalidRequestError", "logprobs")
    assert old.bodies() == []


SEARCHED: Json = {"search_model": "ada", "model": "curie", "question": "?", "query": "?"}
GONE = {
    "0.6.4": ("Answer.create", "Classification.create"),
    "0.10.5": ("Answer.create", "Classification.create", "Search.create_alpha"),
    "0.27.8": (),
}
"""What each version has of what is gone; engines' searches are methods of objects."""


def test_what_is_gone_says_what_it_was_and_what_to_call(client: OldOpenAI, version: str) -> None:
    for method in GONE[version]:
        error = client.call(method, **SEARCHED).failure
        assert (error["class"], error["http_status"]) == ("InvalidRequestError", 404)
        assert "until OpenAI shut it down in December 2022" in error["user_message"]
        assert "/v1/embeddings" in error["user_message"] or "/v1/chat" in error["user_message"]


def test_a_file_for_what_is_gone_is_refused(client: OldOpenAI) -> None:
    uploaded = file("answers.jsonl", b'{"text": "a"}\n')
    error = client.call("File.create", file=uploaded, purpose="answers").failure
    assert (error["class"], error["param"]) == ("InvalidRequestError", "purpose")
    assert "/v1/answers: it answered a question" in error["user_message"]
    made = client.call("File.create", file=uploaded, purpose="fine-tune").good
    assert made["purpose"] == "fine-tune"


# --- what only the last of them has ------------------------------------------------------------


@module_fixture
def youngest(old: Scene) -> Iterator[OldOpenAI]:
    with old_openai(old.base_url, python_of_2023()) as made:
        yield made


def test_embeddings_moderations_and_edits(youngest: OldOpenAI, old: Scene) -> None:
    old.says(lines.greeting)
    asked = {"engine": "text-embedding-ada-002", "input": ["one"]}
    assert len(youngest.call("Embedding.create", **asked).good["data"]) == 1
    assert youngest.call("Moderation.create", input="a walk").good["results"]
    gone = youngest.call("Moderation.create", input="a", model="text-moderation-stable").failure
    assert "`text-moderation-stable: {model: omni-moderation-latest}`" in gone["user_message"]
    edit = {"model": "code-davinci-edit-001", "input": "a", "instruction": "Fix it"}
    assert youngest.call("Edit.create", **edit).good["choices"][0]["text"] == GREETING


def test_chat_with_functions(youngest: OldOpenAI, old: Scene) -> None:
    old.says(lambda text: f"call weather {text}")
    weather = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
    asked = {
        "model": "gpt-3.5-turbo-0613",
        "messages": [{"role": "user", "content": "?"}],
        "functions": [weather],
        "temperature": 0,
    }
    choice = youngest.call("ChatCompletion.create", **asked).good["choices"][0]
    assert choice["message"]["function_call"]["name"] == "weather"
