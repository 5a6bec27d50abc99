"""Who starts a command may have closed its standard streams."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.standard_streams import open_closed_ones
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
