"""`make quick` runs the tests beside what changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.quick import CHECKED_BY, MAX_NEAR, ROOT, beside, changed_files, commands, run

FILES = {
    "gateway/a/one.py": "",
    "gateway/a/two.py": "",
    "gateway/a/deep/three.py": "",
    "gateway/b.py": "",
    "gateway/a/data.yaml": "",
    "tests/__init__.py": "",
    "tests/conftest.py": "",
    "tests/test_b.py": "import gateway.b\n",
    "tests/test_layers.py": "",
    "tests/test_house.py": "",
    "tests/a/__init__.py": "",
    "tests/a/scene.py": "from gateway.a import (\n    one,\n    two,\n)\n",
    "tests/a/other_scene.py": "from tests.a.scene import x\nfrom tests.a import loop\n",
    "tests/a/loop.py": "from tests.a.other_scene import x\n",
    "tests/a/sample.json": "{}",
    "tests/a/test_data.py": "",
    "tests/a/test_one.py": "from gateway.a.one import x\n",
    "tests/a/test_two.py": "from tests.a.other_scene import x\nimport json\n",
    "tests/a/deep/test_three.py": "from gateway.a.deep import three\nfrom gateway.a.one import y\n",
    "tests/clients/test_whole.py": "from gateway.a.one import x\nfrom gateway.b import y\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / name, text)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("changed", "own", "near"),
    [
        ("gateway/a/one.py", "test_one", "test_three test_data test_two"),
        ("gateway/a/two.py", "test_two", "test_data test_one"),
        ("gateway/a/deep/three.py", "test_three", ""),
        ("gateway/a/data.yaml", "test_data", "test_one test_two"),
        ("tests/a/test_one.py", "test_one", ""),
        ("tests/a/scene.py", "test_two", ""),
        ("tests/a/__init__.py", "", ""),
        ("tests/a/sample.json", "test_three test_data test_one test_two", ""),
        ("tests/clients/test_whole.py", "test_whole", ""),
        ("README.md", "", ""),
        ("setup.cfg", "", ""),
    ],
)
def test_the_beside_a_file(tree: Path, changed: str, own: str, near: str) -> None:
    found = [Path(name).stem for name in beside(tree, [changed])]
    rules = ["test_layers", "test_house"] if changed.startswith("gateway/") else []
    assert found == [*rules, *own.split(), *near.split()]


def test_a_conftest_changes_its_folder(tree: Path) -> None:
    every = {name for name in FILES if Path(name).name.startswith("test_")}
    assert set(beside(tree, ["tests/conftest.py"])) == every


def test_own_tests_come_first_and_near_ones_are_limited(tree: Path) -> None:
    for number in range(2 * MAX_NEAR):
        write(tree / f"tests/c/test_{number}.py", "import json\nfrom gateway.b import x\n")
    found = beside(tree, ["gateway/b.py", "gateway/a/one.py"])
    assert found[2:4] == ["tests/test_b.py", "tests/a/test_one.py"]
    assert len(found) == 4 + MAX_NEAR


def test_the_tests_that_check_documents_and_files_exist() -> None:
    for checks in CHECKED_BY.values():
        for name in checks:
            assert (ROOT / name).is_file()


def test_what_changed_is_what_the_branch_and_the_work_tree_have(tree: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(("git", *identity, *arguments), cwd=tree, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "all")
    assert changed_files(tree) == []
    git("switch", "-c", "mine")
    write(tree / "gateway/b.py", "x = 1\n")
    git("commit", "-am", "one")
    git("rm", "gateway/a/two.py")
    write(tree / "new.py", "")
    assert changed_files(tree) == ["gateway/b.py", "new.py"]
    assert changed_files(tree, "HEAD") == ["new.py"]
    git("branch", "-D", "main")
    assert changed_files(tree) == ["new.py"]


def test_linters_and_types_always_run_and_tests_if_there_are_any() -> None:
    assert [command[2] for command in commands([])] == ["ruff", "ruff", "mypy"]
    assert commands(["tests/test_b.py"])[-1][-1] == "tests/test_b.py"


@pytest.mark.parametrize(("codes", "code"), [((0, 0), 0), ((0, 5), 0), ((1, 0), 1), ((0, 2), 1)])
def test_one_failure_fails_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], codes: tuple[int, ...], code: int
) -> None:
    python = (sys.executable, "-c")
    together = [(*python, f"print({number}); raise SystemExit({number})") for number in codes]
    assert run(together, tmp_path) == code
    assert capsys.readouterr().out.split() == [str(number) for number in codes]
