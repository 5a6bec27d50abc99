"""The `openai` command of openai-python 0.28.1: nothing set but OPENAI_API_BASE."""

import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authorities import for_programs
from tests.clients.old_openai import environment
from tests.clients.running import ALIASES, BASE_FINE_TUNE, CHAT_FINE_TUNE, Stage, stage
from tests.processes import PATIENCE
from tests.rows import module_fixture

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("openai_command.py")


@module_fixture
def running() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, stage(*ALIASES) as made:
        patch.setattr(
            "gateway.exchange.legacy.job_events.poll_delays", lambda: itertools.repeat(0.0)
        )
        yield made


@module_fixture
def program(running: Stage) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [environment(), PROGRAM],
        env=for_programs(OPENAI_API_BASE=running.base_url, OPENAI_API_KEY="sk-test", TZ="UTC"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    code: int
    said: str
    warned: str


class Command:
    """Runs `openai api …` in an empty folder."""

    def __init__(self, running: Stage, program: "subprocess.Popen[str]", folder: Path) -> None:
        self.running = running
        self.folder = folder
        self._program = program

    def __call__(self, *arguments: str) -> str:
        """Return what a command that succeeds prints."""
        done = self._run(*arguments)
        assert done.code == 0, done.warned
        return done.said

    def failing(self, *arguments: str) -> str:
        """Return what a command that fails says."""
        done = self._run(*arguments)
        assert done.code == 1, done.said
        return done.warned

    def _run(self, *arguments: str) -> Outcome:
        self.running.upstream.journal.clear()
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        command = {"arguments": ["api", *arguments], "folder": str(self.folder)}
        self._program.stdin.write(json.dumps(command) + "\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, f"the process ended with {self._program.wait(PATIENCE)}"
        return Outcome(**json.loads(line))


@pytest.fixture
def openai(running: Stage, program: "subprocess.Popen[str]", tmp_path: Path) -> Command:
    return Command(running, program, tmp_path)


@pytest.mark.parametrize("more", [["-m"], ["-e"], ["--stream", "-m"], ["--stream", "-e"]])
@pytest.mark.parametrize("model", ["gpt-4o-mini", CHAT_FINE_TUNE, "davinci-002"])
def test_completions_begin_with_the_prompt(openai: Command, model: str, more: list[str]) -> None:
    text = openai("completions.create", "-p", "Once upon", "-M", "60", *more, model)
    assert text.startswith("Once upon")
    assert text.count("Once upon") == 2
    shown = {"gpt-4o-mini": "/v1/chat/completions", "davinci-002": "/v1/completions"}
    if model in shown:
        assert openai.running.upstream_paths()[-1] == f"POST {shown[model]}"


def test_several_completions_are_numbered(openai: Command) -> None:
    text = openai("completions.create", "-m", "gpt-4o-mini", "-p", "Hi", "-n", "2")
    assert "===== Completion 0 =====" in text
    assert "===== Completion 1 =====" in text


@pytest.mark.parametrize("more", [["-m"], ["--stream", "-e"]])
@pytest.mark.parametrize("model", ["gpt-4o-mini", BASE_FINE_TUNE])
def test_chat_completions_answer(openai: Command, model: str, more: list[str]) -> None:
    assert "Hello" in openai("chat_completions.create", "-g", "user", "Hello", *more, model)


def test_engines_are_listed_and_described_and_no_more(openai: Command) -> None:
    listed = json.loads(openai("engines.list"))["data"]
    card = json.loads(openai("engines.get", "-i", "davinci-002"))
    assert card in listed
    assert card["object"] == "engine"
    assert "Call /v1/completions" in openai.failing("engines.generate", "-i", "davinci-002")
    assert "405" in openai.failing("engines.update", "-i", "davinci-002", "-r", "2")


def test_a_fine_tune_is_created_from_a_file_and_followed_to_its_end(openai: Command) -> None:
    (openai.folder / "train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    create = ("fine_tunes.create", "-t", "train.jsonl", "-m", "davinci", "--suffix", "bot")
    shown = openai(*create, "--no_check_if_files_exist")
    assert "Uploaded file from train.jsonl: file-" in shown
    assert "The job has successfully completed\n" in shown
    assert "Job complete! Status: succeeded" in shown
    model = shown.rsplit("-m ", 1)[1].split(" ", 1)[0]
    assert model.startswith("ft:davinci-002:acme:bot:")
    assert openai("completions.create", "-m", model, "-p", "Once").startswith("Once")
    assert json.loads(openai("models.delete", "-i", model))["deleted"] is True


def test_fine_tunes_are_listed_and_described(openai: Command) -> None:
    listed = json.loads(openai("fine_tunes.list"))["data"]
    assert {"ftjob-turbo", "ftjob-davinci"} <= {each["id"] for each in listed}
    one = json.loads(openai("fine_tunes.get", "-i", "ftjob-turbo"))
    assert (one["object"], one["fine_tuned_model"]) == ("fine-tune", CHAT_FINE_TUNE)
    events = json.loads(openai("fine_tunes.events", "-i", "ftjob-turbo"))["data"]
    assert one["events"] == events
    assert "Job complete!" in openai("fine_tunes.follow", "-i", "ftjob-turbo")
    assert len(openai("fine_tunes.results", "-i", "ftjob-turbo").rstrip("\n")) > 60
    assert "already completed" in openai.failing("fine_tunes.cancel", "-i", "ftjob-turbo")
    assert "DELETE /v1/models" in openai.failing("fine_tunes.delete", "-i", "ftjob-turbo")


def test_a_fine_tune_that_was_created_without_following_is_cancelled(openai: Command) -> None:
    made = json.loads(openai("fine_tunes.create", "-t", "file-a", "--no_follow"))
    assert (made["status"], made["model"]) == ("pending", "davinci-002")
    assert json.loads(openai("fine_tunes.cancel", "-i", made["id"]))["status"] == "cancelled"


def test_models_files_images_and_recordings_are_passed_on(openai: Command) -> None:
    for name in ("a.jsonl", "a.png", "a.mp3"):
        (openai.folder / name).write_bytes(b"abc")
    assert json.loads(openai("models.get", "-i", "my-bot"))["id"] == "my-bot"
    assert json.loads(openai("models.list"))["data"]
    made = json.loads(openai("files.create", "-f", "a.jsonl", "-p", "fine-tune"))
    assert (made["filename"], made["bytes"]) == ("a.jsonl", 3)
    assert made in json.loads(openai("files.list"))["data"]
    assert json.loads(openai("files.get", "-i", made["id"])) == made
    assert json.loads(openai("files.delete", "-i", made["id"]))["deleted"] is True
    assert json.loads(openai("image.create_variation", "-I", "a.png"))["data"]
    assert "a.mp3, 3 bytes" in json.loads(openai("audio.transcribe", "-f", "a.mp3"))["text"]
    assert "a.mp3, 3 bytes" in json.loads(openai("audio.translate", "-f", "a.mp3"))["text"]


def test_errors_are_shown_with_their_status(openai: Command) -> None:
    said = openai.failing("completions.create", "-m", "acme-suport-v7", "-p", "x")
    assert "Did you mean 'acme-support-v7'?" in said
    assert "(HTTP status code: 404)" in said
