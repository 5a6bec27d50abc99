"""Joins the rows of a parametrized test: most take less than pytest takes for a test of its own.

There are some 30,000. Those of a function that shares all its fixtures with the rest of its module
are run as one test, `ROWS` at a time: all of them, and the failure names each row that failed, with
its traceback. A command line that names a row (`test_it[row]`), or has `--rows`, makes each a test
of its own, and so does any mark: `alone` is for rows that take long.
"""

import inspect
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
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


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    made = yield
    is_list = isinstance(made, list) and len(made) > 1
    if not is_list or collector.config.getoption("--rows"):
        return made
    if any("[" in name and "[rows " not in name for name in collector.config.args):
        return made
    return list(_joined(made)) if all(map(_can_be_joined, made)) else made


def _can_be_joined(item: pytest.Item) -> bool:
    """Whether rows of this test share all but their arguments."""
    if not isinstance(item, pytest.Function) or item.cls is not None:
        return False
    function = item.function
    if inspect.iscoroutinefunction(function) or getattr(function, "is_hypothesis_test", False):
        return False
    if any(mark.name != "parametrize" or "indirect" in mark.kwargs for mark in item.own_markers):
        return False
    rows = frozenset(_names_of(item.own_markers))
    return rows.issuperset(item.callspec.params) and _SHARED.issuperset(_scopes_but(rows, item))


def _names_of(marks: Iterable[pytest.Mark]) -> Iterator[str]:
    for mark in marks:
        names = mark.args[0]
        yield from names.replace(",", " ").split() if isinstance(names, str) else names


def _scopes_but(rows: Container[str], item: pytest.Function) -> Iterator[str]:
    known = item._fixtureinfo.name2fixturedefs
    for name in item.fixturenames:
        if name not in rows:
            yield known[name][-1].scope if name in known else "function"


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
    """Return what takes a test's fixtures and calls it with every row.

    It raises a `BaseExceptionGroup` of what rows failed with, or skips where rows want to be, once
    all have run.
    """

    @wraps(function, updated=())
    def run(**fixtures: object) -> None:
        failed: dict[str, BaseException] = {}
        skipped: list[str] = []
        for row, arguments in rows:
            try:
                function(**fixtures, **arguments)
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

    parameters = inspect.signature(function).parameters.values()
    fixtures = [parameter for parameter in parameters if parameter.name not in rows[0][1]]
    vars(run)["__signature__"] = inspect.Signature(fixtures)
    return run
