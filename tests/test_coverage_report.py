"""What coverage leaves out is short, explained, and in the documents."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from tests.coverage_report import MODULES, main
from tests.documents import ROOT, section, table_after
from tests.test_open_project import PYPROJECT
from tests.tracing import WHOLE_PROGRAMS

TESTING = ROOT / "docs" / "testing.md"
REPORT = PYPROJECT["tool"]["coverage"]["report"]
AT_MOST = 12
"""Lines in the whole program that patterns leave out, of those that could run."""
FOR_TYPES = "if TYPE_CHECKING:"
"""No program runs what is behind it; modules that are imported late need it for their types."""


def lines() -> Iterator[str]:
    for module in sorted((ROOT / "gateway").rglob("*.py")):
        yield from module.read_text("utf-8").splitlines()


def test_every_exception_has_its_reason_in_the_documents() -> None:
    pragmas = {found[0].strip() for line in lines() if (found := re.search(r"# pragma: .*", line))}
    rows = {cells[0].strip("`"): cells[1] for cells in table_after(TESTING, "Coverage")}
    assert rows.keys() == {*REPORT["exclude_also"], *pragmas}
    assert all(len(reason) > 20 for reason in rows.values())
    for folder in WHOLE_PROGRAMS:
        assert f"`{folder}`" in section(TESTING, "Coverage")


def test_exceptions_are_few_and_each_is_needed() -> None:
    patterns = [re.compile(pattern) for pattern in REPORT["exclude_also"]]
    counts = {each: sum(bool(each.search(line)) for line in lines()) for each in patterns}
    assert all(counts.values())
    counts.pop(re.compile(FOR_TYPES))
    assert sum(counts.values()) <= AT_MOST
    assert REPORT["fail_under"] == 99.9


def test_modules_that_need_a_program_are_left_out_only_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], *, check: bool) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        return subprocess.CompletedProcess(command, 2 if check else 1)

    monkeypatch.setattr(subprocess, "run", run)
    for installed in (True, False):
        monkeypatch.setattr(shutil, "which", lambda name, found=installed: name if found else None)
        assert main() == 1
    whole, partial = commands
    assert list(whole[1:]) == ["-m", "coverage", "report"]
    (omitted,) = partial[len(whole) :]
    assert omitted == f"--omit={','.join(each for names in MODULES.values() for each in names)}"
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(MODULES)
    for line, (program, modules) in zip(printed, MODULES.items(), strict=True):
        assert line == f"{program} is not installed; not judged: {', '.join(modules)}"


def test_the_modules_that_need_a_program_exist() -> None:
    for patterns in MODULES.values():
        assert all(list(ROOT.glob(pattern)) for pattern in patterns)
