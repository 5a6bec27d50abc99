"""A configuration that another process reads is the same, and so are its problems."""

import io
import os
import pickle  # noqa: TID251 - writes what must not be read
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.checks.problems import ConfigError
from gateway.config.load import load
from gateway.config.reading import child_process
from gateway.config.reading.child_process import Call
from gateway.shapes import Shape

FILE = """
upstreams:
  openai: {base_url: https://api.openai.com/v1, api_key: "${KEY}"}
  local: {base_url: "http://127.0.0.1:1/v1", kind: vllm}
models:
  "llama-*": {upstream: local}
clients:
  - {name: team, key_sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
"""
ENVIRON = {"KEY": "sk-own-key-0123"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(FILE)
    return path


def test_settings_are_the_same(config: Path) -> None:
    settings = Call(load, config, ENVIRON).result()
    assert settings == load(config, ENVIRON)
    assert settings.upstreams[1].kind is load(config, ENVIRON).upstreams[1].kind


def test_problems_are_the_same(config: Path) -> None:
    config.write_text("server: {port: x}\nupstream: 1\n")
    with pytest.raises(ConfigError) as here:
        load(config, {})
    with pytest.raises(ConfigError) as there:
        Call(load, config, {}).result()
    assert there.value.problems == here.value.problems
    assert str(there.value) == str(here.value)


def test_another_failure_is_not_a_problem_of_the_configuration(
    capfd: pytest.CaptureFixture[str],
) -> None:
    call = Call(load, "no path", {})  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="ended with code 1"):
        call.result()
    assert "Traceback" in capfd.readouterr().err


def served(monkeypatch: pytest.MonkeyPatch, function: object, *arguments: object) -> object:
    """Serve a call in this process."""

    class Stream:
        def __init__(self) -> None:
            self.buffer = io.BytesIO()

    out = Stream()
    received, sending = os.pipe()
    with open(sending, "wb") as call:
        call.write(child_process._dumped((function, arguments, {})))
    monkeypatch.setattr(sys, "argv", ["", str(received)])
    monkeypatch.setattr(sys, "stdout", out)
    child_process.main()
    return child_process._loaded(out.buffer.getvalue())


def test_the_other_process_answers_with_the_result_or_the_problems(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served(monkeypatch, load, config, ENVIRON) == load(config, ENVIRON)
    config.write_text("upstream: 1\n")
    assert isinstance(served(monkeypatch, load, config, ENVIRON), ConfigError)


@pytest.mark.parametrize("reads", [False, True])
def test_who_has_called_may_be_gone(config: Path, *, reads: bool) -> None:
    """Killed while it wrote the call, or while it waited for the result."""
    received, sending = os.pipe()
    sent = child_process._dumped((load, (config, ENVIRON), {}))
    with open(sending, "wb") as call:
        call.write(sent if reads else sent[:-9])
    results, writing = os.pipe()
    os.close(results)
    command = [sys.executable, "-P", "-m", "gateway.config.reading.child_process", str(received)]
    paths = os.pathsep.join(filter(None, sys.path))
    ended = subprocess.run(
        command,
        stdout=writing,
        stderr=subprocess.PIPE,
        pass_fds=[received],
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
    )
    os.close(writing)
    os.close(received)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_nothing_but_a_configuration_is_read() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system is not part of a configuration"):
        child_process._loaded(pickle.dumps(__import__("os").system))


class _Attribute:
    """Is written as the attribute of an object, as Python before 3.11.4 writes an enum's member."""

    def __init__(self, holder: object, name: str) -> None:
        self._read = (getattr, (holder, name))

    def __reduce__(self) -> tuple[object, tuple[object, str]]:
        return self._read


def test_of_attributes_only_members_of_enumerations_are_read() -> None:
    assert child_process._loaded(pickle.dumps(_Attribute(Shape, "CHAT"))) is Shape.CHAT
    for holder, name in ((Shape, "endpoint"), (Shape, "__class__"), (Path("/"), "unlink")):
        with pytest.raises(pickle.UnpicklingError, match="not a member"):
            child_process._loaded(pickle.dumps(_Attribute(holder, name)))


def test_modules_in_the_current_folder_are_not_run(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("yaml.py", "pydantic.py"):
        config.with_name(name).write_text("raise SystemExit('this was run')")
    monkeypatch.chdir(config.parent)
    assert Call(load, config, ENVIRON).result() == load(config, ENVIRON)


def test_the_configuration_may_be_an_open_file(config: Path) -> None:
    """As `--config <(...)` gives it."""
    with config.open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        settings = Call(load, Path(f"/dev/fd/{file.fileno()}"), ENVIRON).result()
    assert settings == load(config, ENVIRON)


def test_a_process_that_ends_at_once_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="ended with code 1"):
        Call(load, None, {"X": "x" * 1_000_000}).result()
