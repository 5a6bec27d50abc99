"""Modules with failures are named for a second try, unless there are many."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.second_try import MODULES

ROWS = """
import pytest

@pytest.mark.parametrize("n", range(30))
def test_rows(n):
    assert n != 7

def test_more():
    assert False
"""
FIXTURE = """
import pytest

@pytest.fixture
def broken():
    raise ValueError

def test_it(broken):
    pass
"""
GOOD = "def test_it(): pass"
BAD = "def test_it(): assert False"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modules", "named"),
    [
        ({"rows": ROWS, "good": GOOD}, "test_rows.py\n"),
        ({"broken": FIXTURE, "bad": BAD}, "test_broken.py\ntest_bad.py\n"),
        ({"good": GOOD}, None),
        ({"bad": BAD, "unreadable": "def"}, None),
        ({f"bad{n}": BAD for n in range(MODULES + 1)}, None),
    ],
)
@pytest.mark.parametrize("processes", [0, 2])
def test_modules_with_failures_are_named(
    tmp_path: Path, modules: dict[str, str], named: str | None, processes: int
) -> None:
    failed = tmp_path / "failed.txt"
    failed.write_text("of an earlier run")
    for name, text in modules.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", "-p", "no:cacheprovider"]
    command += ["-p", "xdist", "-p", "tests.rows", "-p", "tests.second_try"]
    command += [f"--numprocesses={processes}", f"--failed-modules={failed}"]
    run = subprocess.run(
        [*command, *(f"test_{name}.py" for name in modules)],
        cwd=tmp_path,
        # The plugins that are installed take longer than these tests.
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    written = sorted(failed.read_text().split()) if failed.exists() else None
    assert written == (sorted(named.split()) if named else None), run.stdout
