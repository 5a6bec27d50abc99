"""Joins the rows of a parametrized test: most take less than pytest takes for a test of its own.

There are some 30,000. Those of a function that needs nothing but its arguments, and fixtures that
all tests of a module share, are run as one test, `ROWS` at a time: all of them, and the failure
names each row that failed, with its traceback. A command line that names a row (`test_it[row]`), or
has `--rows`, makes each a test of its own, and so does any mark: `alone` is for rows that take
long.
"""

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import pytest

ROWS = 20
"""How many rows are one test: few enough that all processes have work until the end."""

Row = tuple[str, Mapping[str, Any]]
"""The id of a row, and its arguments."""
_OF_ALL_MODULES = frozenset({"_set_apart", "tmp_path_factory"})
"""Fixtures that several modules share: that of `conftest.py`, and pytest's."""
P = ParamSpec("P")
R = TypeVar("R")
_shared: set[tuple[str, str]] = set()
"""Modules, and the names of their fixtures that are the same for all rows."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", action="store_true", help="make each row a test of its own")


def module_fixture(function: Callable[P, R]) -> object:
    """Make a fixture that all tests of its module share, rows that are one test included."""
    _shared.add((function.__module__, function.__name__))
    return pytest.fixture(scope="module")(function)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    made = yield
    is_list = isinstance(made, list) and len(made) > 1
    if not is_list or collector.config.getoption("--rows"):
        return made
    if any("[" in name and "[rows " not in name for name in collector.config.args):
        return made
    return list(_joined(made)) if _can_be_joined(made) else made


def _can_be_joined(items: Sequence[pytest.Item]) -> bool:
    """Whether rows of this test need nothing but their arguments and what they share."""
    first = items[0]
    if not isinstance(first, pytest.Function) or first.cls is not None:
        return False
    function, marks = first.function, first.own_markers
    if inspect.iscoroutinefunction(function) or getattr(function, "is_hypothesis_test", False):
        return False
    if any(mark.name != "parametrize" or "indirect" in mark.kwargs for mark in marks):
        return False
    rows = frozenset(_names_of(marks))
    others = frozenset(first.fixturenames) - rows - _OF_ALL_MODULES
    return all(map(partial(_is_plain, rows), items)) and all(
        _is_shared(first, name) for name in others
    )


def _is_plain(rows: frozenset[str], item: pytest.Item) -> bool:
    """Whether a row has no mark of its own, and no parameter of a fixture."""
    return (
        isinstance(item, pytest.Function)
        and all(mark.name == "parametrize" for mark in item.own_markers)
        and rows.issuperset(item.callspec.params)
    )


def _is_shared(item: pytest.Function, name: str) -> bool:
    if name == "request":
        return name not in inspect.signature(item.function).parameters
    return (item.function.__module__, name) in _shared


def _names_of(marks: Iterable[pytest.Mark]) -> Iterator[str]:
    for mark in marks:
        names = mark.args[0]
        yield from names.replace(",", " ").split() if isinstance(names, str) else names


def _joined(items: Sequence[pytest.Function]) -> Iterator[pytest.Function]:
    for start in range(0, len(items), ROWS):
        together = items[start : start + ROWS]
        first = together[0]
        rows = [(item.callspec.id, item.callspec.params) for item in together]
        number = f"rows {start + 1}-{start + len(rows)} of {len(items)}"
        joined = pytest.Function.from_parent(
            first.parent,
            name=f"{first.originalname}[{number}]",
            callobj=all_rows(first.function, rows),
        )
        joined.extra_keyword_matches.update(item.name for item in together)
        yield joined


def all_rows(function: Callable[..., None], rows: Sequence[Row]) -> Callable[..., None]:
    """Return what calls a test with every row, and with the fixtures that they share.

    It raises a `BaseExceptionGroup` of what rows failed with, or skips where rows want to be, once
    all have run.
    """

    @wraps(function, updated=())
    def run(**shared: Any) -> None:
        failed: dict[str, BaseException] = {}
        skipped: list[str] = []
        for row, arguments in rows:
            try:
                function(**arguments, **shared)
            except pytest.skip.Exception as skip:
                skipped.append(f"[{row}] {skip}")
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - raised below
                error.add_note(f"in the row [{row}]")
                failed[row] = error
        if failed:
            named = ", ".join(f"[{row}]" for row in failed)
            raise BaseExceptionGroup(f"{named}: {len(failed)} of {len(rows)}", [*failed.values()])
        if skipped:
            pytest.skip("; ".join(skipped))

    # Else pytest takes the arguments of the rows for fixtures.
    signature = inspect.signature(function)
    others = [each for name, each in signature.parameters.items() if name not in rows[0][1]]
    vars(run)["__signature__"] = inspect.Signature(others)
    return run
