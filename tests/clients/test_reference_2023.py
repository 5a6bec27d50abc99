"""Every call of OpenAI's reference of June 2023, with its documented example, as curl sends it.

What arrives upstream is read from the emulator's journal. Replies must have every member that was
documented, of its type; members that the API of today no longer sends are named where they are
missed: what is passed on is passed on as it is.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.config.settings import ModelRule
from gateway.demo.endpoints.files import PATTERN
from gateway.demo.journal import RecordedRequest
from gateway.shapes import Json
from tests.clients.running import Stage, stage
from tests.rows import module_fixture

REFERENCE: dict[str, Json] = json.loads(
    Path(__file__).with_name("reference_2023.json").read_text("utf-8")
)["calls"]
MODEL, EDITOR = "text-davinci-003", "text-davinci-edit-001"
RULES = (ModelRule(MODEL, model="gpt-4o-mini"), ModelRule(EDITOR, model="gpt-4o-mini"))
CONTENT = b"\x89content of the file\r\n--\r\n" * 1000
CHOSEN_UPSTREAM = frozenset({"batch_size", "learning_rate_multiplier", "prompt_loss_weight"})
"""Members that are null where the upstream chooses the value, or has no such parameter."""


@module_fixture
def stage_2023() -> Iterator[Stage]:
    with stage(*RULES) as made:
        yield made


@dataclass(frozen=True)
class Documented:
    """Makes the calls of the reference."""

    running: Stage

    def call(self, name: str, variable: str = MODEL, **path: str) -> httpx2.Response:
        """Make one; `path` are the parameters of its path, `variable` is its VAR_model_id."""
        documented = REFERENCE[name]
        self.running.upstream.journal.clear()
        url = self.running.base_url.removesuffix("/v1") + documented["path"].format(**path)
        headers = {"authorization": "Bearer sk-test"}
        sent: dict[str, Any] = {}
        if "json" in documented:
            sent = {"content": body_of(name, variable)}
            headers["content-type"] = "application/json"
        if "form" in documented:
            form = documented["form"].items()
            sent["data"] = {key: value for key, value in form if isinstance(value, str)}
            sent["files"] = {
                key: (value["filename"], CONTENT) for key, value in form if isinstance(value, dict)
            }
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return client.request(documented["method"], url, headers=headers, **sent)

    def good(self, name: str, *gone: str, variable: str = MODEL, **path: str) -> Any:
        """Make one and return its reply, which must be as documented but for what is `gone`."""
        reply = self.call(name, variable, **path)
        assert reply.status_code == 200, reply.text
        decoded = reply.json()
        assert_as_documented(decoded, REFERENCE[name]["reply"], frozenset(gone), name)
        return decoded

    def arrived(self) -> RecordedRequest:
        """The one request that reached the upstream."""
        (record,) = self.running.upstream.journal
        return record

    def assert_passed_on(self, name: str, **path: str) -> None:
        """What arrived is what was sent, byte for byte if it has a body."""
        record = self.arrived()
        documented = REFERENCE[name]
        target = (documented["method"], documented["path"].format(**path))
        assert (record.method, record.path) == target
        if "json" in documented:
            assert record.body == body_of(name, MODEL)
        if "form" in documented:
            assert_form_arrived(documented["form"], record)


def body_of(name: str, model: str) -> bytes:
    return json.dumps(REFERENCE[name]["json"]).replace("VAR_model_id", model).encode()


def assert_form_arrived(sent: Json, record: RecordedRequest) -> None:
    assert record.form is not None
    texts = {key: [value] for key, value in sent.items() if isinstance(value, str)}
    assert record.form.fields == texts
    digest = hashlib.sha256(CONTENT).hexdigest()
    for key, value in sent.items():
        if isinstance(value, dict):
            received = record.form.required_file(key)
            assert (received.filename, received.sha256) == (value["filename"], digest)


def assert_as_documented(actual: Any, documented: Any, gone: frozenset[str], path: str) -> None:
    if isinstance(documented, dict):
        assert isinstance(actual, dict), path
        for key, value in documented.items():
            if key not in gone:
                assert key in actual, f"{path}.{key}"
                assert_as_documented(actual[key], value, gone, f"{path}.{key}")
    elif isinstance(documented, list):
        assert isinstance(actual, list), path
        assert actual or not documented, path
        for item, value in zip(actual, documented, strict=False):
            assert_as_documented(item, value, gone, f"{path}[]")
    elif actual is None:
        assert documented is None or path.rpartition(".")[2] in CHOSEN_UPSTREAM, path
    elif documented is not None:
        number = isinstance(documented, int | float) and not isinstance(documented, bool)
        assert isinstance(actual, int | float if number else type(documented)), path


@pytest.fixture
def documented(stage_2023: Stage) -> Documented:
    return Documented(stage_2023)


# --- models and engines ------------------------------------------------------------------------


def test_list_models(documented: Documented) -> None:
    listed = documented.good("listModels", "permission")
    assert {"davinci-002", MODEL, EDITOR} <= {card["id"] for card in listed["data"]}
    documented.assert_passed_on("listModels")


def test_retrieve_model(documented: Documented) -> None:
    card = documented.good("retrieveModel", "permission", model="davinci-002")
    assert card["id"] == "davinci-002"
    documented.assert_passed_on("retrieveModel", model="davinci-002")


def test_delete_model(documented: Documented) -> None:
    deleted = documented.good("deleteModel", model="acme-writer-v2")
    assert deleted["id"] == "acme-writer-v2"
    documented.assert_passed_on("deleteModel", model="acme-writer-v2")
    old = "curie:ft-acmeco-2021-03-03-21-44-20"
    assert documented.call("deleteModel", model=old).json()["error"]["param"] == "model"
    documented.assert_passed_on("deleteModel", model=old)


def test_list_engines(documented: Documented) -> None:
    listed = documented.good("listEngines")
    assert {"davinci-002", MODEL} <= {engine["id"] for engine in listed["data"]}
    assert documented.arrived().path == "/v1/models"


def test_retrieve_engine(documented: Documented) -> None:
    assert documented.good("retrieveEngine", engine_id="davinci-002")["id"] == "davinci-002"
    assert documented.arrived().path == "/v1/models/davinci-002"


@pytest.mark.parametrize(
    ("action", "name", "engine", "path"),
    [
        ("completions", "createCompletion", MODEL, "/v1/chat/completions"),
        ("completions", "createCompletion", "davinci-002", "/v1/completions"),
        ("chat/completions", "createChatCompletion", "davinci-002", "/v1/completions"),
        ("edits", "createEdit", EDITOR, "/v1/chat/completions"),
        ("embeddings", "createEmbedding", "text-embedding-ada-002", "/v1/embeddings"),
    ],
)
def test_calls_at_an_engine(
    documented: Documented, action: str, name: str, engine: str, path: str
) -> None:
    body = {key: value for key, value in REFERENCE[name]["json"].items() if key != "model"}
    documented.running.upstream.journal.clear()
    reply = httpx2.post(
        f"{documented.running.base_url}/engines/{engine}/{action}",
        json=body,
        headers={"authorization": "Bearer sk-test"},
        trust_env=False,
    )
    assert reply.status_code == 200, reply.text
    assert_as_documented(reply.json(), REFERENCE[name]["reply"], frozenset(), name)
    assert documented.running.upstream_paths()[-1] == f"POST {path}"
    assert 'rel="successor-version"' in reply.headers["link"]


# --- generation --------------------------------------------------------------------------------


def test_create_completion(documented: Documented) -> None:
    made = documented.good("createCompletion")
    assert made["model"] == MODEL
    sent = json.loads(documented.arrived().body)
    assert documented.arrived().path == "/v1/chat/completions"
    assert sent["messages"][-1] == {"role": "user", "content": "Say this is a test"}
    asked = REFERENCE["createCompletion"]["json"]
    assert all(sent[name] == asked[name] for name in ("max_tokens", "temperature", "stop"))


def test_create_completion_where_the_model_lives_there(documented: Documented) -> None:
    documented.good("createCompletion", variable="davinci-002")
    assert documented.arrived().path == "/v1/completions"
    assert documented.arrived().body == body_of("createCompletion", "davinci-002")


def test_create_chat_completion(documented: Documented) -> None:
    documented.good("createChatCompletion")
    documented.assert_passed_on("createChatCompletion")


def test_create_edit(documented: Documented) -> None:
    made = documented.good("createEdit", variable=EDITOR)
    assert set(made) == set(REFERENCE["createEdit"]["reply"])
    assert documented.arrived().path == "/v1/chat/completions"
    sent = json.loads(documented.arrived().body)
    asked = REFERENCE["createEdit"]["json"]
    assert sent["model"] == "gpt-4o-mini"
    assert asked["instruction"] in sent["messages"][-1]["content"]
    assert asked["input"] in sent["messages"][-1]["content"]


# --- images, embeddings, recordings, moderations -----------------------------------------------


def test_create_image(documented: Documented) -> None:
    assert len(documented.good("createImage", "url")["data"]) == 2
    documented.assert_passed_on("createImage")


def test_create_image_edit(documented: Documented) -> None:
    assert len(documented.good("createImageEdit", "url")["data"]) == 2
    documented.assert_passed_on("createImageEdit")


def test_create_image_variation(documented: Documented) -> None:
    assert len(documented.good("createImageVariation")["data"]) == 2
    documented.assert_passed_on("createImageVariation")


def test_create_embedding(documented: Documented) -> None:
    assert len(documented.good("createEmbedding")["data"][0]["embedding"]) == 1536
    documented.assert_passed_on("createEmbedding")


def test_create_transcription(documented: Documented) -> None:
    assert f"audio.mp3, {len(CONTENT)} bytes" in documented.good("createTranscription")["text"]
    documented.assert_passed_on("createTranscription")


def test_create_translation(documented: Documented) -> None:
    assert f"german.m4a, {len(CONTENT)} bytes" in documented.good("createTranslation")["text"]
    documented.assert_passed_on("createTranslation")


def test_create_moderation(documented: Documented) -> None:
    documented.good("createModeration")
    documented.assert_passed_on("createModeration")


# --- files -------------------------------------------------------------------------------------


@pytest.fixture
def file_id(documented: Documented) -> str:
    made: str = documented.good("createFile")["id"]
    return made


def test_create_file(documented: Documented) -> None:
    made = documented.good("createFile")
    assert (made["filename"], made["bytes"]) == ("mydata.jsonl", len(CONTENT))
    documented.assert_passed_on("createFile")


def test_list_files(documented: Documented, file_id: str) -> None:
    assert file_id in {file["id"] for file in documented.good("listFiles")["data"]}
    documented.assert_passed_on("listFiles")


def test_retrieve_file(documented: Documented, file_id: str) -> None:
    assert documented.good("retrieveFile", file_id=file_id)["id"] == file_id
    documented.assert_passed_on("retrieveFile", file_id=file_id)


def test_delete_file(documented: Documented, file_id: str) -> None:
    assert documented.good("deleteFile", file_id=file_id)["deleted"] is True
    documented.assert_passed_on("deleteFile", file_id=file_id)


def test_download_file(documented: Documented) -> None:
    reply = documented.call("downloadFile", file_id="file-1000bytes")
    assert (reply.status_code, reply.content) == (200, PATTERN[:1000])
    documented.assert_passed_on("downloadFile", file_id="file-1000bytes")


# --- fine-tunes --------------------------------------------------------------------------------


@pytest.fixture
def fine_tune_id(documented: Documented) -> str:
    made: str = documented.good("createFineTune")["id"]
    return made


def test_create_fine_tune(documented: Documented) -> None:
    made = documented.good("createFineTune")
    assert (made["status"], made["fine_tuned_model"]) == ("pending", None)
    record = documented.running.upstream.journal[0]
    assert (record.method, record.path) == ("POST", "/v1/fine_tuning/jobs")
    assert json.loads(record.body) == {
        "model": "davinci-002",
        "training_file": "file-XGinujblHPwGLSztz8cPS8XY",
        "hyperparameters": {"n_epochs": 4},
    }


def test_list_fine_tunes(documented: Documented, fine_tune_id: str) -> None:
    listed = documented.good("listFineTunes")["data"]
    assert listed[0]["id"] == fine_tune_id
    assert "events" not in listed[0]
    assert documented.arrived().path == "/v1/fine_tuning/jobs"


def test_retrieve_fine_tune(documented: Documented) -> None:
    shown = documented.good("retrieveFineTune", fine_tune_id="ftjob-davinci")
    assert (shown["status"], shown["object"]) == ("succeeded", "fine-tune")
    paths = documented.running.upstream_paths()
    assert paths[:2] == [
        "GET /v1/fine_tuning/jobs/ftjob-davinci",
        "GET /v1/fine_tuning/jobs/ftjob-davinci/events",
    ]


def test_cancel_fine_tune(documented: Documented, fine_tune_id: str) -> None:
    shown = documented.good("cancelFineTune", fine_tune_id=fine_tune_id)
    assert shown["status"] == "cancelled"
    paths = documented.running.upstream_paths()
    assert paths[0] == f"POST /v1/fine_tuning/jobs/{fine_tune_id}/cancel"


def test_list_fine_tune_events(documented: Documented, fine_tune_id: str) -> None:
    shown = documented.good("listFineTuneEvents", fine_tune_id=fine_tune_id)["data"]
    assert [set(event) for event in shown] == [{"object", "created_at", "level", "message"}] * 2
    assert documented.arrived().path == f"/v1/fine_tuning/jobs/{fine_tune_id}/events"


def test_stream_fine_tune_events(documented: Documented) -> None:
    reply = httpx2.get(
        f"{documented.running.base_url}/fine-tunes/ftjob-davinci/events?stream=true",
        headers={"authorization": "Bearer sk-test"},
        trust_env=False,
    )
    assert reply.headers["content-type"].startswith("text/event-stream")
    first, done = [line for line in reply.text.split("\n\n") if line]
    assert json.loads(first.removeprefix("data: "))["object"] == "fine-tune-event"
    assert done == "data: [DONE]"


# --- gone --------------------------------------------------------------------------------------


def assert_explained(reply: httpx2.Response, successor: str) -> None:
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (404, "endpoint_removed")
    assert successor in error["message"]


def test_create_search(documented: Documented) -> None:
    assert_explained(documented.call("createSearch", engine_id="davinci"), "/v1/embeddings")
    assert not len(documented.running.upstream.journal)


def test_create_answer(documented: Documented) -> None:
    assert_explained(documented.call("createAnswer"), "/v1/chat/completions")
    assert documented.arrived().path == "/v1/answers"


def test_create_classification(documented: Documented) -> None:
    assert_explained(documented.call("createClassification"), "/v1/chat/completions")
    assert documented.arrived().path == "/v1/classifications"


# --- the tests themselves ----------------------------------------------------------------------


def test_there_is_a_test_of_every_call() -> None:
    source = Path(__file__).read_text("utf-8")
    for name in REFERENCE:
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        assert f"def test_{words}(" in source


@pytest.mark.parametrize(
    ("actual", "expected"),
    [({}, {"a": 1}), ({"a": "1"}, {"a": 1}), ({"a": None}, {"a": 1}), ([], [1]), ([True], ["x"])],
)
def test_a_reply_that_is_not_as_documented_is_noticed(actual: Any, expected: Any) -> None:
    with pytest.raises(AssertionError):
        assert_as_documented(actual, expected, frozenset(), "reply")
    assert_as_documented({}, {"a": 1}, frozenset({"a"}), "reply")
