"""openai-python 0.28.1 at the endpoints of its time, gone or not."""

import base64
import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.demo.endpoints.files import PATTERN
from gateway.demo.endpoints.media import spoken
from gateway.demo.journal import RecordedRequest
from gateway.shapes import Json
from tests.clients.old_openai import OldOpenAI, file, old_openai
from tests.clients.raw import connect
from tests.clients.running import ALIASES, BASE_FINE_TUNE, CHAT_FINE_TUNE, Stage, stage
from tests.rows import module_fixture

pytestmark = pytest.mark.slow

USER: Any = [{"role": "user", "content": "Hello there"}]
RULES = (
    *ALIASES,
    ModelRule("text-davinci-edit-001", model="gpt-4o-mini"),
    ModelRule("org/model", model="gpt-4o-mini"),
    ModelRule("text-moderation-latest", model="omni-moderation-latest"),
)
ENGINES = ("gpt-4o-mini", "davinci-002", CHAT_FINE_TUNE, BASE_FINE_TUNE, "org/model")
PNG = file("otter.png", b"\x89PNG otter")


@module_fixture
def running() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, stage(*RULES) as made:
        patch.setattr(
            "gateway.exchange.legacy.job_events.poll_delays", lambda: itertools.repeat(0.0)
        )
        yield made


@module_fixture
def process(running: Stage) -> Iterator[OldOpenAI]:
    with old_openai(running.base_url) as made:
        yield made


@pytest.fixture
def client(running: Stage, process: OldOpenAI) -> OldOpenAI:
    running.upstream.journal.clear()
    return process


def arrived(running: Stage) -> RecordedRequest:
    """The one request that reached the upstream."""
    (record,) = running.upstream.journal
    return record


def text_of(chunks: list[Json]) -> str:
    return "".join(chunk["choices"][0]["text"] for chunk in chunks)


# --- engines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("create", ["Completion.create", "Completion.acreate"])
def test_an_engine_completes_whole_and_streamed(
    client: OldOpenAI, create: str, engine: str
) -> None:
    asked = {"engine": engine, "prompt": "Hello there", "max_tokens": 30}
    whole = client.call(create, **asked).good
    assert (whole["object"], whole["model"]) == ("text_completion", engine)
    assert "Hello there" in whole["choices"][0]["text"]
    assert text_of(client.call(create, **asked, stream=True).stream) == whole["choices"][0]["text"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("create", ["ChatCompletion.create", "ChatCompletion.acreate"])
def test_an_engine_chats_whole_and_streamed(client: OldOpenAI, create: str, engine: str) -> None:
    whole = client.call(create, engine=engine, messages=USER).good
    assert (whole["object"], whole["model"]) == ("chat.completion", engine)
    chunks = client.call(create, engine=engine, messages=USER, stream=True).stream
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]


def test_an_engine_that_is_not_there_is_named_as_such(client: OldOpenAI) -> None:
    for failure in (
        client.call("Completion.create", engine="acme-suport-v7", prompt="x").failure,
        client.call("ChatCompletion.create", engine="acme-suport-v7", messages=USER).failure,
        client.call("Engine.retrieve", id="acme-suport-v7").failure,
    ):
        assert (failure["class"], failure["http_status"]) == ("InvalidRequestError", 404)
        assert (failure["param"], failure["code"]) == ("engine", "model_not_found")


def test_two_names_for_one_model_are_refused(client: OldOpenAI) -> None:
    both = {"engine": "davinci-002", "model": "gpt-4o-mini", "prompt": "x"}
    assert client.call("Completion.create", **both).failure["param"] == "model"


def test_engines_are_listed_and_described(client: OldOpenAI) -> None:
    listed = {each["id"]: each for each in client.call("Engine.list").good["data"]}
    assert {"davinci-002", BASE_FINE_TUNE, "org/model"} <= set(listed)
    for engine in ("davinci-002", "org/model"):
        card = client.call("Engine.retrieve", id=engine).good
        assert card == listed[engine]
        assert (card["object"], card["ready"]) == ("engine", True)


def test_an_engine_cannot_be_modified(client: OldOpenAI, running: Stage) -> None:
    failure = client.call("Engine.modify", sid="davinci-002", replicas=2).failure
    assert failure["http_status"] == 405
    assert not len(running.upstream.journal)


@pytest.mark.parametrize(
    "below",
    [
        "/engines/..%2Ffiles",
        "/engines/x%2F%2e%2e%2F%2e%2e%2Ffiles/completions",
        "/engines/%252e%252e%252Ffiles",
        "/engines/%2e%2e/completions",
        "/engines/davinci-002/completions%2F..%2F..%2Ffiles",
        "/models/..%2F..%2Fadmin",
        "/models/x%252F..%252F..%252Fadmin",
        "/models/x%5C..%5Cadmin",
    ],
)
def test_a_name_in_the_path_leads_nowhere_else(running: Stage, below: str) -> None:
    running.upstream.journal.clear()
    with connect(running.base_url) as connection:
        for method, body in (("GET", b""), ("POST", b"{}")):
            connection.request(method, f"/v1{below}", body)
            reply = connection.reply()
            assert reply.status in (400, 404, 405)
            assert reply.error["type"] == "invalid_request_error"
    assert not len(running.upstream.journal)


# --- edits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["engine", "model"])
@pytest.mark.parametrize("create", ["Edit.create", "Edit.acreate"])
def test_edits_are_made_by_a_chat_model(
    client: OldOpenAI, running: Stage, create: str, name: str
) -> None:
    asked = {"input": "What day of the wek is it?", "instruction": "Fix the spelling"}
    edited = client.call(create, **{name: "text-davinci-edit-001"}, **asked).good
    assert set(edited) == {"object", "created", "choices", "usage"}
    assert edited["object"] == "edit"
    (choice,) = edited["choices"]
    assert all(words in choice["text"] for words in asked.values())
    assert running.upstream_paths()[-1] == "POST /v1/chat/completions"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "davinci-002", "gpt-5-codex"])
def test_any_model_edits_as_often_as_asked(client: OldOpenAI, model: str) -> None:
    edited = client.call("Edit.create", model=model, input="a", instruction="b", n=2).good
    assert [choice["index"] for choice in edited["choices"]] == [0, 1]


def test_a_wrong_edit_names_its_own_parameter(client: OldOpenAI) -> None:
    asked = {"model": "text-davinci-edit-001", "instruction": "Fix"}
    assert client.call("Edit.create", **asked, temperature=9).failure["param"] == "temperature"
    assert client.call("Edit.create", model="gpt-4o-mini").failure["param"] == "instruction"
    gone = client.call("Edit.create", model="code-davinci-edit-001", instruction="Fix").failure
    assert "code-davinci-edit-001: {model: " in gone["user_message"]


# --- embeddings --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["engine", "model"])
@pytest.mark.parametrize("create", ["Embedding.create", "Embedding.acreate"])
def test_embeddings_are_numbers_however_they_travel(
    client: OldOpenAI, running: Stage, create: str, name: str
) -> None:
    asked = {name: "text-embedding-ada-002", "input": ["one", "two"]}
    packed = client.call(create, **asked).good
    assert b'"base64"' in arrived(running).body
    as_floats = client.call(create, **asked, encoding_format="float").good
    assert [each["index"] for each in packed["data"]] == [0, 1]
    for one, other in zip(packed["data"], as_floats["data"], strict=True):
        assert one["embedding"] == pytest.approx(other["embedding"], abs=1e-6)
    assert len(as_floats["data"][0]["embedding"]) == 1536


# --- fine-tunes --------------------------------------------------------------------------------


def test_a_fine_tune_from_its_creation_to_the_deletion_of_its_model(
    client: OldOpenAI, running: Stage
) -> None:
    made = client.call("FineTune.create", training_file="file-a", n_epochs=2, suffix="bot").good
    assert (made["object"], made["status"], made["model"]) == (
        "fine-tune",
        "pending",
        "davinci-002",
    )
    assert made["hyperparams"]["n_epochs"] == 2
    assert [each["id"] for each in made["training_files"]] == ["file-a"]
    assert running.upstream_paths()[0] == "POST /v1/fine_tuning/jobs"
    listed = client.call("FineTune.list").good["data"][0]
    assert (listed["id"], "events" in listed) == (made["id"], False)
    events = client.call("FineTune.stream_events", id=made["id"]).stream
    assert events[0]["message"].startswith("Created")
    assert events[-1]["message"] == "The job has successfully completed"
    assert {event["object"] for event in events} == {"fine-tune-event"}
    done = client.call("FineTune.retrieve", id=made["id"]).good
    assert done["status"] == "succeeded"
    assert done["events"] == events
    model = done["fine_tuned_model"]
    text = client.call("Completion.create", model=model, prompt="Hi").good["choices"][0]["text"]
    assert text.startswith(f" [{model} ")
    deleted = client.call("Model.delete", sid=model).good
    assert deleted == {"id": model, "object": "model", "deleted": True}


def test_the_events_of_a_fine_tune_come_oldest_first_whole_and_streamed(client: OldOpenAI) -> None:
    made = client.call("FineTune.acreate", training_file="file-a", model="curie").good
    so_far = client.call("FineTune.list_events", id=made["id"]).good["data"]
    times = [event["created_at"] for event in so_far]
    assert len(times) == 2
    assert times == sorted(times)
    streamed = client.call("FineTune.astream_events", id=made["id"]).stream
    assert streamed[:2] == so_far


@pytest.mark.parametrize("cancel", ["FineTune.cancel", "FineTune.acancel"])
def test_a_fine_tune_is_cancelled_once(client: OldOpenAI, cancel: str) -> None:
    made = client.call("FineTune.create", training_file="file-a").good
    assert client.call(cancel, id=made["id"]).good["status"] == "cancelled"
    assert client.call("FineTune.stream_events", id=made["id"]).stream[-1]["message"] == (
        "Fine-tuning job cancelled"
    )
    assert client.call(cancel, id=made["id"]).failure["http_status"] == 400


def test_what_fine_tunes_cannot_do_is_said(client: OldOpenAI) -> None:
    create = {"training_file": "file-a"}
    weight = client.call("FineTune.create", **create, prompt_loss_weight=0.5).failure
    assert (weight["class"], weight["param"]) == ("InvalidRequestError", "prompt_loss_weight")
    model = client.call("FineTune.create", **create, model="o1-pro").failure
    assert (model["class"], model["param"]) == ("InvalidRequestError", "model")
    missing = client.call("FineTune.retrieve", id="ft-none").failure
    assert (missing["http_status"], missing["param"]) == (404, "fine_tune_id")
    deletion = client.call("FineTune.delete", sid="ftjob-turbo").failure
    assert deletion["http_status"] == 405
    assert "DELETE /v1/models/{model}" in deletion["user_message"]


def test_the_jobs_of_its_last_version_are_passed_on(client: OldOpenAI, running: Stage) -> None:
    job = client.call("FineTuningJob.create", training_file="f", model="davinci-002").good
    assert client.call("FineTuningJob.retrieve", id=job["id"]).good["object"] == "fine_tuning.job"
    assert client.call("FineTuningJob.list_events", id=job["id"]).good["data"]
    assert client.call("FineTuningJob.cancel", id=job["id"]).good["status"] == "cancelled"
    assert running.upstream_paths()[0] == "POST /v1/fine_tuning/jobs"


# --- files, images, audio, moderations, models -------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "a"])
def test_files_are_passed_on(client: OldOpenAI, running: Stage, prefix: str) -> None:
    content = b'{"prompt": "a", "completion": "b"}\n' * 5000
    made = client.call(
        f"File.{prefix}create",
        file=file("mydata.jsonl", content),
        purpose="fine-tune",
        user_provided_filename="mydata.jsonl",
    ).good
    form = arrived(running).form
    assert form is not None
    assert form.fields == {"purpose": ["fine-tune"]}
    received = form.required_file("file")
    assert (received.filename, received.size) == ("mydata.jsonl", len(content))
    assert received.sha256 == hashlib.sha256(content).hexdigest()
    listed = client.call(f"File.{prefix}list").good["data"]
    assert client.call(f"File.{prefix}retrieve", id=made["id"]).good in listed
    # `adelete` fails inside the package, before anything is sent.
    deleted = client.call("File.delete", sid=made["id"]).good
    assert deleted == {"id": made["id"], "object": "file", "deleted": True}


def test_a_download_is_byte_exact(client: OldOpenAI) -> None:
    reply = client.call("File.download", id="file-100000bytes").good
    assert base64.b64decode(reply["base64"]) == (PATTERN * 2)[:100_000]


@pytest.mark.parametrize("prefix", ["", "a"])
def test_images_are_passed_on(client: OldOpenAI, running: Stage, prefix: str) -> None:
    asked = {"n": 2, "size": "1024x1024"}
    made = client.call(f"Image.{prefix}create", prompt="A cute baby sea otter", **asked).good
    assert len(made["data"]) == 2
    edited = client.call(
        f"Image.{prefix}create_edit", image=PNG, mask=PNG, prompt="a hat", **asked
    ).good
    assert len(edited["data"]) == 2
    varied = client.call(f"Image.{prefix}create_variation", image=PNG, **asked).good
    assert len(varied["data"]) == 2
    _, edit, variation = running.upstream.journal
    assert edit.form is not None
    assert variation.form is not None
    assert edit.form.fields == {"prompt": ["a hat"], "n": ["2"], "size": ["1024x1024"]}
    assert variation.form.fields == {"n": ["2"], "size": ["1024x1024"]}
    digest = hashlib.sha256(b"\x89PNG otter").hexdigest()
    for received in (edit.form.files["image"], edit.form.files["mask"]):
        assert [each.sha256 for each in received] == [digest]


@pytest.mark.parametrize("prefix", ["", "a"])
@pytest.mark.parametrize("task", ["transcribe", "translate"])
def test_recordings_are_passed_on(
    client: OldOpenAI, running: Stage, task: str, prefix: str
) -> None:
    sound = b"".join(spoken("Hello"))
    heard = client.call(f"Audio.{prefix}{task}", model="whisper-1", file=file("a.mp3", sound)).good
    assert heard["text"] == f"To {task}: a.mp3, {len(sound)} bytes."
    form = arrived(running).form
    assert form is not None
    assert form.required_file("file").sha256 == hashlib.sha256(sound).hexdigest()
    as_text = client.call(
        f"Audio.{prefix}{task}",
        model="whisper-1",
        file=file("a.mp3", sound),
        response_format="text",
    ).good
    assert as_text.strip() == heard["text"]


@pytest.mark.parametrize("create", ["Moderation.create", "Moderation.acreate"])
def test_texts_are_moderated_by_the_model_that_an_old_name_stands_for(
    client: OldOpenAI, create: str
) -> None:
    assert client.call(create, input="violence").good["results"][0]["flagged"]
    named = client.call(create, input="a walk", model="text-moderation-latest").good
    assert not named["results"][0]["flagged"]


@pytest.mark.parametrize("prefix", ["", "a"])
def test_models_are_listed_and_described(client: OldOpenAI, prefix: str) -> None:
    listed = {card["id"]: card for card in client.call(f"Model.{prefix}list").good["data"]}
    for model in ("davinci-002", "org/model", BASE_FINE_TUNE):
        assert client.call(f"Model.{prefix}retrieve", id=model).good == listed[model]
    missing = client.call(f"Model.{prefix}retrieve", id="nope").failure
    assert (missing["http_status"], missing["param"]) == (404, "model")


# --- as a client of Azure ----------------------------------------------------------------------


@pytest.fixture
def azure(running: Stage) -> dict[str, str]:
    base = running.base_url.removesuffix("/v1")
    return {"api_type": "azure", "api_version": "2023-05-15", "api_base": base}


@pytest.mark.parametrize("engine", ["gpt-4o-mini", "davinci-002", "org/model"])
@pytest.mark.parametrize("name", ["engine", "deployment_id"])
def test_a_deployment_is_a_model(
    client: OldOpenAI, azure: dict[str, str], name: str, engine: str
) -> None:
    asked = {name: engine, "prompt": "Hello there", "max_tokens": 30}
    whole = client.call("Completion.create", **azure, **asked).good
    streamed = client.call("Completion.create", **azure, **asked, stream=True).stream
    assert text_of(streamed) == whole["choices"][0]["text"]
    chat = client.call("ChatCompletion.acreate", **azure, **{name: engine}, messages=USER).good
    assert chat["object"] == "chat.completion"


def test_embeddings_and_models_are_found_below_azures_paths(
    client: OldOpenAI, azure: dict[str, str]
) -> None:
    asked = {"engine": "text-embedding-ada-002", "input": "one"}
    assert client.call("Embedding.create", **azure, **asked).good["data"]
    assert client.call("Model.list", **azure).good["data"]
