"""Joins the rows of a parametrized test: most take less than pytest takes for a test of its own.

There are some 31,000. Those of a function that needs nothing but its arguments, and fixtures that
all tests of a module share, are run as one test, `ROWS` at a time: all of them, and the failure
names each row that failed, with its traceback. A command line that names a row (`test_it[row]`), or
has `--rows`, makes each a test of its own, and so does any mark: `alone` is for rows that take
long.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from itertools import product
from typing import Any, ParamSpec, TypeVar

import pytest

ROWS = 20
"""How many rows are one test: few enough that all processes have work until the end."""

Arguments = Mapping[str, Any]
"""A row: its arguments by their names."""
_OF_ALL_MODULES = frozenset({"_set_apart", "tmp_path_factory", "request"})
"""Fixtures that several modules share: that of `conftest.py`, and pytest's."""
_WITH_MARKS = type(pytest.param())
"""What `pytest.param` returns."""
P = ParamSpec("P")
R = TypeVar("R")
_shared: set[tuple[str, str]] = set()
"""Modules, and the names of their fixtures that are the same for all rows."""
_apart: set[Callable[..., None]] = set()
"""Functions of whose rows pytest is to make tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", action="store_true", help="make each row a test of its own")


def module_fixture(function: Callable[P, R]) -> object:
    """Make a fixture that all tests of its module share, rows that are one test included."""
    _shared.add((function.__module__, function.__name__))
    return pytest.fixture(scope="module")(function)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str, obj: object
) -> list[pytest.Function] | None:
    """Join rows before pytest makes a test of each, which would take a third of its collection."""
    if not (isinstance(collector, pytest.Module) and inspect.isfunction(obj)):
        return None
    config = collector.config
    if obj in _apart or not collector.istestfunction(obj, name) or config.getoption("--rows"):
        return None
    if any("[" in argument and "[rows " not in argument for argument in config.args):
        return None
    rows = _rows_of(obj)
    if len(rows) < 2 or not _takes(obj, rows[0]):
        return None
    joined = list(_joined(collector, name, obj, rows))
    return joined if all(_is_shared(obj, fixture) for fixture in joined[0].fixturenames) else None


def _rows_of(function: Callable[..., None]) -> Sequence[Arguments]:
    """Return all rows in pytest's order; none if the function, or one of them, has other marks."""
    marks: Sequence[pytest.Mark] = getattr(function, "pytestmark", ())
    if inspect.iscoroutinefunction(function) or getattr(function, "is_hypothesis_test", False):
        return []
    if any(mark.name != "parametrize" or mark.kwargs.keys() - {"ids"} for mark in marks):
        return []
    if any(isinstance(row, _WITH_MARKS) and row.marks for mark in marks for row in mark.args[1]):
        return []
    tables = (_arguments(*mark.args) for mark in marks)
    return [{name: value for part in parts for name, value in part} for parts in product(*tables)]


def _arguments(
    names: str | Sequence[str], rows: Iterable[object]
) -> Iterator[Sequence[tuple[str, object]]]:
    """Yield the arguments of each row of one mark."""
    is_one = isinstance(names, str) and "," not in names
    separate = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    for row in rows:
        values: Any = (row,) if is_one else row
        if isinstance(row, _WITH_MARKS):
            values = row.values
        yield list(zip(separate, values, strict=True))


def _takes(function: Callable[..., None], arguments: Arguments) -> bool:
    """Whether a row has these arguments, none of them instead of a fixture that all rows share."""
    taken = inspect.signature(function).parameters
    are_fixtures = any((function.__module__, name) in _shared for name in arguments)
    return "request" not in taken and taken.keys() >= arguments.keys() and not are_fixtures


def _is_shared(function: Callable[..., None], fixture: str) -> bool:
    return fixture in _OF_ALL_MODULES or (function.__module__, fixture) in _shared


def _joined(
    module: pytest.Module, name: str, function: Callable[..., None], rows: Sequence[Arguments]
) -> Iterator[pytest.Function]:
    for start in range(0, len(rows), ROWS):
        end = min(start + ROWS, len(rows))
        ids = partial(_ids, module, name, function, slice(start, end))
        joined = pytest.Function.from_parent(
            module,
            name=f"{name}[rows {start + 1}-{end} of {len(rows)}]",
            callobj=all_rows(function, rows[start:end], ids),
        )
        if module.config.getoption("keyword"):
            joined.extra_keyword_matches.update(f"{name}[{row}]" for row in ids())
        yield joined


def _ids(
    module: pytest.Module, name: str, function: Callable[..., None], which: slice
) -> Sequence[str]:
    """Return what pytest calls some rows, where that is needed: it makes a test of each."""
    _apart.add(function)
    try:
        made = module.ihook.pytest_pycollect_makeitem(collector=module, name=name, obj=function)
    finally:
        _apart.remove(function)
    return [item.callspec.id for item in made[which]]


def all_rows(
    function: Callable[..., None], rows: Sequence[Arguments], ids: Callable[[], Sequence[str]]
) -> Callable[..., None]:
    """Return what calls a test with every row, and with the fixtures that they share.

    `ids` returns the ids of the rows. It raises a `BaseExceptionGroup` of what rows failed with, or
    skips where rows want to be, once all have run.
    """

    @wraps(function, updated=())
    def run(**shared: Any) -> None:
        failed: dict[int, BaseException] = {}
        skipped: dict[int, BaseException] = {}
        for number, arguments in enumerate(rows):
            try:
                function(**arguments, **shared)
            except pytest.skip.Exception as skip:
                skipped[number] = skip
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - raised below
                failed[number] = error
        named = [f"[{row}]" for row in ids()] if failed or skipped else []
        for number, failure in failed.items():
            failure.add_note(f"in the row {named[number]}")
        if failed:
            those = ", ".join(named[number] for number in failed)
            raise BaseExceptionGroup(f"{those}: {len(failed)} of {len(rows)}", [*failed.values()])
        if skipped:
            pytest.skip("; ".join(f"{named[number]} {skip}" for number, skip in skipped.items()))

    # Else pytest takes the arguments of the rows for fixtures.
    signature = inspect.signature(function)
    others = [each for name, each in signature.parameters.items() if name not in rows[0]]
    vars(run)["__signature__"] = inspect.Signature(others)
    return run
