"""Rows that are run as one test: all of them, and the failure names each one that failed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import ROWS, all_rows

MODULE = f"""
import pytest

from tests.rows import module_fixture

@pytest.fixture(scope="module", autouse=True)
def _set_apart():
    yield

@pytest.fixture
def one():
    return 1

@pytest.fixture
def own():
    return 1

@module_fixture
def kept(request):
    return []

@pytest.fixture(scope="module", params=["a"])
def each(request):
    return request.param

@pytest.mark.parametrize("more", [0, 1], ids=["none", "some"])
@pytest.mark.parametrize("n", range({ROWS}))
def test_of_rows(n, more):
    assert n != 3
    if n == 4:
        with pytest.raises(ValueError):
            int("4")

@pytest.mark.parametrize(["c"], [("x",)], ids=["C"])
@pytest.mark.parametrize("a, b", [(1, 2), pytest.param(3, 4, id="named")])
def test_of_names(a, b, c):
    assert (a, b, c) == (1, 2, "x")

@pytest.mark.parametrize("n", [1, 2])
def test_of_own(own, n):
    assert n

@pytest.mark.parametrize("n", [1, 2])
def test_of_shared(kept, n):
    kept.append(n)
    assert len(kept) == n

@pytest.mark.parametrize("n", [1, 2])
def test_of_each(each, n):
    assert n

@pytest.mark.parametrize("n", [1, 2])
def test_of_request(request, n):
    assert n

@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.xfail(strict=True))])
def test_marked(n):
    assert n == 1

@pytest.mark.parametrize("one", [1, 2], indirect=True)
def test_indirect(one):
    assert one

class TestOfClass:
    @pytest.mark.parametrize("n", [1, 2])
    def test_method(self, n):
        assert n
"""


def outcomes(folder: Path, *arguments: str) -> tuple[set[str], str]:
    """Return a line for each test with its outcome, and all that pytest says."""
    (folder / "test_it.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-vv", "-p", "tests.rows", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, "--rootdir", str(folder), *(arguments or ["test_it.py"])],
        cwd=folder,
        # The plugins that are installed take longer than these tests.
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    lines = [line.rpartition(" [")[0].strip() for line in ran.stdout.splitlines()]
    return {line for line in lines if line.startswith("test_it.py::")}, ran.stdout


def test_rows_are_joined_where_they_share_all_but_their_arguments(tmp_path: Path) -> None:
    ran, output = outcomes(tmp_path)
    assert ran == {
        f"test_it.py::test_of_rows[rows 1-{ROWS} of {2 * ROWS}] FAILED",
        f"test_it.py::test_of_rows[rows {ROWS + 1}-{2 * ROWS} of {2 * ROWS}] PASSED",
        "test_it.py::test_of_names[rows 1-2 of 2] FAILED",
        *(f"test_it.py::test_of_own[{n}] PASSED" for n in (1, 2)),
        "test_it.py::test_of_shared[rows 1-2 of 2] PASSED",
        *(f"test_it.py::test_of_each[a-{n}] PASSED" for n in (1, 2)),
        *(f"test_it.py::test_of_request[{n}] PASSED" for n in (1, 2)),
        *("test_it.py::test_marked[1] PASSED", "test_it.py::test_marked[2] XFAIL"),
        *(f"test_it.py::test_indirect[{n}] PASSED" for n in (1, 2)),
        *(f"test_it.py::TestOfClass::test_method[{n}] PASSED" for n in (1, 2)),
    }
    assert f"[3-none], [3-some], [4-none], [4-some]: 4 of {ROWS}" in output
    assert "[named-C]: 1 of 2" in output
    assert "assert (3, 4, 'x') == (1, 2, 'x')" in output
    assert output.count("AssertionError: assert 3 != 3") == 2
    assert output.count("Failed: DID NOT RAISE") == 2
    assert "in the row [4-some]" in output


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["test_it.py::test_of_rows[3-some]"], ["[3-some] FAILED"]),
        (["--rows", "-k", "7-some"], ["[7-some] PASSED", "[17-some] PASSED"]),
        (["-k", "7-some"], [f"[rows {n}-{n + ROWS - 1} of {2 * ROWS}]" for n in (1, 1 + ROWS)]),
        ([f"test_it.py::test_of_rows[rows {ROWS + 1}-{2 * ROWS} of {2 * ROWS}]"], ["PASSED"]),
    ],
)
def test_a_row_can_be_run_alone(tmp_path: Path, arguments: list[str], ran: list[str]) -> None:
    lines, _ = outcomes(tmp_path, *arguments)
    assert len(lines) == len(ran)
    assert all(any(part in line for line in lines) for part in ran)


def test_a_row_that_is_skipped_leaves_the_others() -> None:
    seen: list[int] = []

    def test(n: int) -> None:
        seen.append(n)
        if n == 1:
            pytest.skip("odd")

    with pytest.raises(pytest.skip.Exception, match=r"^\[b\] odd$"):
        all_rows(test, [{"n": 0}, {"n": 1}, {"n": 2}], lambda: ["a", "b", "c"])()
    assert seen == [0, 1, 2]
