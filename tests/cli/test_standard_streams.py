"""Who starts a command may have closed its standard streams."""

import io
import os
import shlex
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.cli.standard_streams import open_closed_ones, reported_output
from tests.processes import PATIENCE, surroundings


def test_a_closed_stream_is_opened_on_nothing() -> None:
    kept = os.dup(0)
    try:
        os.close(0)
        open_closed_ones()
        assert os.path.samestat(os.fstat(0), os.stat(os.devnull))
        assert os.get_inheritable(0)
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_open_streams_stay_as_they_are() -> None:
    before = [os.fstat(descriptor) for descriptor in range(3)]
    open_closed_ones()
    after = [os.fstat(descriptor) for descriptor in range(3)]
    assert all(map(os.path.samestat, before, after))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_a_configuration_is_read_without_standard_streams(closed: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("server: {port: many}\n")
    command = shlex.join([sys.executable, "-m", "gateway", "serve", "--config", "bad.yaml"])
    ended = subprocess.run(
        ["/bin/sh", "-c", f"exec {command} {closed}"],
        env=surroundings(PYTHONPATH=str(Path(__file__).parents[2])),
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 1
    assert "bad.yaml:1: server.port: must be a whole number" in ended.stderr
    assert "Traceback" not in ended.stderr


def ended(output: BinaryIO | int, *command: str, **variables: str) -> tuple[int, str]:
    """Return the exit status of a command with this output, and what it says of it."""
    process = subprocess.run(
        [sys.executable, "-m", "gateway", *command],
        env=surroundings(PYTHONPATH=str(Path(__file__).parents[2]), **variables),
        input='{"model": "m", "prompt": "' + "x" * 100_000 + '"}',
        check=False,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    return process.returncode, process.stderr


UPSTREAM = {"GATEWAY_UPSTREAMS__X__BASE_URL": "http://127.0.0.1:9/v1"}
TRANSLATE = ("translate", "--from", "completions", "--to", "chat")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [(("--help",), ""), (("key", "new"), "1"), (("resolve", "m"), ""), (TRANSLATE, "")],
)
def test_an_output_that_is_full_ends_a_command_with_one_line(
    command: tuple[str, ...], unbuffered: str
) -> None:
    with Path("/dev/full").open("wb") as full:
        result = ended(full, *command, **UPSTREAM, PYTHONUNBUFFERED=unbuffered)
    assert result == (1, "Error: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("command", [("key", "new"), TRANSLATE])
def test_an_output_that_nobody_reads_ends_a_command_without_a_word(
    command: tuple[str, ...],
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert ended(writer, *command) == (1, "")
    finally:
        os.close(writer)


def test_other_failures_are_none_of_the_output() -> None:
    given = sys.stdout
    with pytest.raises(OSError, match="elsewhere"), reported_output():
        raise OSError("elsewhere")
    assert sys.stdout is given
    with reported_output():
        assert sys.stdout.isatty() is given.isatty()


class Full(io.TextIOWrapper):
    """A stream whose disk is full: it fails at once, or keeps what it has to write."""

    is_buffered = True

    def write(self, text: str) -> int:
        if self.is_buffered:
            return len(text)
        raise OSError(ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(ENOSPC, "No space left on device")


@pytest.mark.parametrize("is_buffered", [True, False])
def test_what_is_left_of_an_output_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_buffered: bool,
) -> None:
    monkeypatch.setattr(Full, "is_buffered", is_buffered)
    with (tmp_path / "file").open("wb") as file:
        monkeypatch.setattr(sys, "stdout", Full(file))
        with pytest.raises(SystemExit), reported_output():
            print("x", flush=True)  # noqa: T201
        assert os.path.samestat(os.fstat(file.fileno()), os.stat(os.devnull))
    said = "Error: standard output cannot be written: No space left on device\n"
    assert capsys.readouterr().err == said


def test_without_an_output_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with reported_output():
        assert sys.stdout is None
