"""Joins the rows of a parametrized test: most take less than pytest takes for a test of its own.

There are some 30,000. Those of a function that needs nothing but its arguments, and fixtures that
all tests of a module share, are run as one test, `ROWS` at a time: all of them, and the failure
names each row that failed, with its traceback. A command line that names a row (`test_it[row]`), or
has `--rows`, makes each a test of its own, and so does any mark: `alone` is for rows that take
long.
"""

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

import pytest

ROWS = 20
"""How many rows are one test: few enough that all processes have work until the end."""
_SHARED = frozenset({"module", "package", "session"})
"""The scopes of fixtures that are the same for all rows."""

Row = tuple[str, Mapping[str, Any]]
"""The id of a row, and its arguments."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", action="store_true", help="make each row a test of its own")


_rows: dict[tuple[pytest.Collector, str], Sequence[Row]] = {}
"""Rows that are being joined, by who collects them and the name of their function."""


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    """Take the rows out before pytest makes a test of each, which is half of its collection."""
    yield
    calls, collector = metafunc._calls, metafunc.definition.parent
    config = metafunc.config
    if len(calls) < 2 or collector is None or config.getoption("--rows"):
        return
    if any("[" in name and "[rows " not in name for name in config.args):
        return
    if _can_be_joined(metafunc):
        _rows[collector, metafunc.definition.name] = [(call.id, call.params) for call in calls]
        calls.clear()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> Generator[None, Any, Any]:
    made = yield
    rows = _rows.pop((collector, name), None)
    return made if rows is None else list(_joined(made[0], rows))


def _can_be_joined(metafunc: pytest.Metafunc) -> bool:
    """Whether rows of this test need nothing but their arguments and what they share."""
    function, marks = metafunc.function, metafunc.definition.own_markers
    if metafunc.cls is not None or inspect.iscoroutinefunction(function):
        return False
    if getattr(function, "is_hypothesis_test", False):
        return False
    if any(mark.name != "parametrize" or "indirect" in mark.kwargs for mark in marks):
        return False
    rows = frozenset(_names_of(marks))
    if any(call.marks or not rows.issuperset(call.params) for call in metafunc._calls):
        return False
    return all(_is_shared(metafunc, name) for name in metafunc.fixturenames if name not in rows)


def _is_shared(metafunc: pytest.Metafunc, name: str) -> bool:
    if name == "request":
        return name not in inspect.signature(metafunc.function).parameters
    made = metafunc._arg2fixturedefs.get(name)
    return made is not None and made[-1].scope in _SHARED


def _names_of(marks: Iterable[pytest.Mark]) -> Iterator[str]:
    for mark in marks:
        names = mark.args[0]
        yield from names.replace(",", " ").split() if isinstance(names, str) else names


def _joined(whole: pytest.Function, rows: Sequence[Row]) -> Iterator[pytest.Function]:
    for start in range(0, len(rows), ROWS):
        together = rows[start : start + ROWS]
        number = f"rows {start + 1}-{start + len(together)} of {len(rows)}"
        joined = pytest.Function.from_parent(
            whole.parent,
            name=f"{whole.name}[{number}]",
            callobj=all_rows(whole.function, together),
        )
        joined.extra_keyword_matches.update(f"{whole.name}[{row}]" for row, _ in together)
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
