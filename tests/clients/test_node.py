"""Programs of 2023 in JavaScript: npm's `openai` 3, and plain axios without it."""

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Json
from tests.clients.environments import NotInstallable, node_modules
from tests.clients.running import ALIASES, BASE_FINE_TUNE, CHAT_FINE_TUNE, Stage, stage
from tests.processes import PATIENCE
from tests.rows import module_fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"
    ),
]

PACKAGE = "openai@3.3.0"
CALLS = Path(__file__).with_name("node") / "calls.js"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")
RULES = (
    *ALIASES,
    ModelRule("text-davinci-edit-001", model="gpt-4o-mini"),
    ModelRule("org/model", model="gpt-4o-mini"),
)
MODELS = ("gpt-4o-mini", "davinci-002", CHAT_FINE_TUNE, BASE_FINE_TUNE, "my-bot", "gpt-5-codex")
USER = [{"role": "user", "content": "Hello there"}]
STREAMED = {"responseType": "stream"}


def installed() -> Path:
    """Return the folder of the package and of axios, which comes with it; made once."""
    try:
        return node_modules(f"npm-{PACKAGE}", [PACKAGE])
    except NotInstallable as error:
        if any(word in str(error) for word in UNREACHABLE):
            pytest.skip(f"npm cannot reach its registry: {error}")
        raise


class Node:
    """Makes calls: `call("createCompletion", {…})`, or `call("post", "/edits", {…})` for axios."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, method: str, *arguments: object) -> Json:
        """Return what came of a call: see calls.js."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"method": method, "arguments": arguments}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"node ended with {self._process.wait(PATIENCE)}"
        result: Json = json.loads(line)
        return result

    def data(self, method: str, *arguments: object) -> Any:
        """Return the data of a reply that is not an error."""
        result = self.call(method, *arguments)
        assert "error" not in result, result
        return result["data"]

    def chunks(self, method: str, *arguments: object) -> list[Json]:
        """Return the chunks of a stream that ended as it should."""
        result = self.call(method, *arguments, STREAMED)
        assert result.get("done") is True, result
        chunks: list[Json] = result["chunks"]
        return chunks

    def failure(self, method: str, *arguments: object) -> tuple[int, Json]:
        """Return status and error of a call that failed."""
        result = self.call(method, *arguments)
        assert "error" in result, result
        return result["status"], result["data"]["error"]


@module_fixture
def running() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, stage(*RULES) as made:
        patch.setattr(
            "gateway.exchange.legacy.job_events.poll_delays", lambda: itertools.repeat(0.0)
        )
        yield made


@module_fixture
def process(running: Stage) -> Iterator[Node]:
    surroundings = {"PATH": os.environ.get("PATH", ""), "NODE_PATH": str(installed())}
    with subprocess.Popen(
        ["node", CALLS, running.base_url],
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Node(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@pytest.fixture
def node(running: Stage, process: Node) -> Node:
    running.upstream.journal.clear()
    return process


def text_of(chunks: list[Json]) -> str:
    return "".join(chunk["choices"][0]["text"] for chunk in chunks)


@pytest.mark.parametrize("model", MODELS)
def test_completions_whole_and_streamed(node: Node, model: str) -> None:
    asked = {"model": model, "prompt": "Hello there", "max_tokens": 30}
    whole = node.data("createCompletion", asked)
    assert (whole["object"], whole["model"]) == ("text_completion", model)
    assert "Hello there" in whole["choices"][0]["text"]
    chunks = node.chunks("createCompletion", {**asked, "stream": True})
    assert text_of(chunks) == whole["choices"][0]["text"]


@pytest.mark.parametrize("model", MODELS)
def test_chat_whole_and_streamed(node: Node, model: str) -> None:
    whole = node.data("createChatCompletion", {"model": model, "messages": USER})
    assert (whole["object"], whole["model"]) == ("chat.completion", model)
    asked = {"model": model, "messages": USER, "stream": True}
    deltas = [c["choices"][0]["delta"] for c in node.chunks("createChatCompletion", asked)]
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text == whole["choices"][0]["message"]["content"]


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002", "org/model"])
def test_axios_alone_reaches_engines_whole_and_streamed(node: Node, model: str) -> None:
    path = f"/engines/{model.replace('/', '%2F')}"
    asked = {"prompt": "Hello there", "max_tokens": 30}
    whole = node.data("post", f"{path}/completions", asked)
    assert whole["model"] == model
    streamed = node.chunks("post", f"{path}/completions", {**asked, "stream": True})
    assert text_of(streamed) == whole["choices"][0]["text"]
    chat = node.data("post", f"{path}/chat/completions", {"messages": USER})
    assert chat["object"] == "chat.completion"


def test_engines_are_listed_and_described(node: Node) -> None:
    listed = node.data("listEngines")["data"]
    for engine in ("davinci-002", "org/model"):
        assert node.data("retrieveEngine", engine) in listed


def test_edits_are_made_by_a_chat_model(node: Node, running: Stage) -> None:
    asked = {"input": "What day of the wek is it?", "instruction": "Fix the spelling"}
    edited = node.data("createEdit", {"model": "text-davinci-edit-001", **asked})
    assert edited["object"] == "edit"
    assert all(words in edited["choices"][0]["text"] for words in asked.values())
    assert running.upstream_paths()[-1] == "POST /v1/chat/completions"
    alone = node.data("post", "/engines/text-davinci-edit-001/edits", asked)
    assert alone["object"] == "edit"


def test_embeddings_and_moderations_are_passed_on(node: Node) -> None:
    asked = {"model": "text-embedding-ada-002", "input": "one"}
    made = node.data("createEmbedding", asked)
    assert len(made["data"][0]["embedding"]) == 1536
    alone = node.data("post", "/engines/text-embedding-ada-002/embeddings", {"input": "one"})
    assert alone == made
    assert node.data("createModeration", {"input": "violence"})["results"][0]["flagged"] is True


def test_a_fine_tune_from_its_creation_to_the_deletion_of_its_model(node: Node) -> None:
    made = node.data("createFineTune", {"training_file": "file-a", "model": "davinci"})
    assert (made["object"], made["status"]) == ("fine-tune", "pending")
    assert made["id"] in {each["id"] for each in node.data("listFineTunes")["data"]}
    events = node.chunks("listFineTuneEvents", made["id"], True)
    assert events[-1]["message"] == "The job has successfully completed"
    assert node.data("listFineTuneEvents", made["id"])["data"] == events
    done = node.data("retrieveFineTune", made["id"])
    model = done["fine_tuned_model"]
    assert node.data("createCompletion", {"model": model, "prompt": "Hi"})["choices"]
    assert node.data("deleteModel", model) == {"id": model, "object": "model", "deleted": True}
    cancelled = node.data("createFineTune", {"training_file": "file-a"})["id"]
    assert node.data("cancelFineTune", cancelled)["status"] == "cancelled"


def test_files_images_and_recordings_are_passed_on(
    node: Node, running: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "otter.png"
    file.write_bytes(b"\x89PNG otter")
    sent = {"path": str(file)}
    made = node.data("createFile", sent, "fine-tune")
    assert (made["filename"], made["bytes"]) == ("otter.png", 10)
    assert made in node.data("listFiles")["data"]
    assert node.data("retrieveFile", made["id"]) == made
    assert node.data("deleteFile", made["id"])["deleted"] is True
    assert len(node.data("downloadFile", "file-100bytes")) == 100
    assert node.data("createImage", {"prompt": "a dot", "n": 1})["data"]
    assert node.data("createImageEdit", sent, "a hat", sent, 2, "1024x1024")["data"]
    assert len(node.data("createImageVariation", sent, 2, "1024x1024")["data"]) == 2
    assert "otter.png" in node.data("createTranscription", sent, "whisper-1")["text"]
    assert "otter.png" in node.data("createTranslation", sent, "whisper-1")["text"]
    edits = running.upstream.journal.calls("/v1/images/edits")
    assert edits[0].form is not None
    assert edits[0].form.fields == {"prompt": ["a hat"], "n": ["2"], "size": ["1024x1024"]}


def test_models_and_aliases_are_listed(node: Node) -> None:
    listed = node.data("listModels")["data"]
    for model in ("davinci-002", "my-bot", "org/model"):
        assert node.data("retrieveModel", model) in listed


def test_what_the_client_did_wrong_names_its_own_parameter(node: Node) -> None:
    hot = {"model": "davinci-002", "messages": USER, "temperature": 9}
    status, error = node.failure("createChatCompletion", hot)
    assert (status, error["param"]) == (400, "temperature")
    status, error = node.failure("post", "/engines/nope/completions", {"prompt": "x"})
    assert (status, error["param"], error["code"]) == (404, "engine", "model_not_found")
    status, error = node.failure("createSearch", "davinci", {"query": "x", "documents": ["a"]})
    assert (status, error["code"]) == (404, "endpoint_removed")


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002"])
def test_a_broken_stream_does_not_look_complete(node: Node, model: str) -> None:
    asked = {"model": model, "prompt": "!truncate", "stream": True, "max_tokens": 99}
    result = node.call("createCompletion", asked, STREAMED)
    assert "error" in result or result["done"] is False
    failed = {**asked, "prompt": "!fail-midstream"}
    chunks = node.call("createCompletion", failed, STREAMED)["chunks"]
    assert "error" in chunks[-1]
