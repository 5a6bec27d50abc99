"""Nothing is built on what is private of another package: not in the tests either.

The linter (SLF001) takes `self._x` for one's own, also where a foreign base class has set it.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest

from tests.modules import PROJECT

OURS = ("gateway", "tests")
PUBLIC = frozenset({"_asdict", "_fields", "_make", "_replace"})
"""What `namedtuple` documents: its fields could have any other name."""


@dataclass
class Class:
    """One class of ours: its bases by their whole names, and the private names in it."""

    where: str
    bases: list[str]
    has: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in PUBLIC


def imported(tree: ast.Module) -> dict[str, str]:
    """Return the whole names of what a module imports, by the names that it gives them."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def whole_name(node: ast.expr, module: str, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    written = ast.unparse(node)
    first, dot, rest = written.partition(".")
    return names[first] + dot + rest if first in names else f"{module}.{written}"


def described(node: ast.ClassDef, module: str, names: Mapping[str, str]) -> Class:
    found = Class(f"{module}.{node.name}", [whole_name(each, module, names) for each in node.bases])
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.has.add(statement.name)
        elif isinstance(statement, ast.AnnAssign | ast.Assign):
            # With the texts in it: those of `__slots__` are names.
            found.has |= {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
            texts = (each for each in ast.walk(statement) if isinstance(each, ast.Constant))
            found.has |= {each.value for each in texts if isinstance(each.value, str)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and is_oneself(inner.value):
            kept = found.has if isinstance(inner.ctx, ast.Store) else found.uses
            kept.add(inner.attr)
    return found


def is_oneself(node: ast.expr) -> bool:
    """Whether this is `self`, `cls` or `super()`."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def classes_in(text: str, module: str) -> Iterator[Class]:
    """Yield the classes of a module, those within functions too."""
    tree = ast.parse(text)
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield described(node, module, names)


Lookup = Callable[[str], list[Class]]
"""Returns the classes of a module of ours; none for another one."""


def lineage(each: Class, lookup: Lookup) -> tuple[list[Class], bool]:
    """Return a class and its bases that are ours, and whether there are others."""
    found, is_foreign = [each], False
    for base in each.bases:
        parents = [one for one in lookup(base.rpartition(".")[0]) if one.where == base]
        is_foreign = is_foreign or not parents
        for parent in parents:
            if parent is not each:
                theirs, foreign = lineage(parent, lookup)
                found += theirs
                is_foreign = is_foreign or foreign
    return found, is_foreign


def foreign_private(classes: Iterable[Class], lookup: Lookup) -> list[str]:
    """Return the private names that classes use, and only foreign bases of theirs can have set."""
    wrong = []
    for each in classes:
        found, is_foreign = lineage(each, lookup)
        if is_foreign:
            own = set().union(*(parent.has for parent in found))
            wrong += [f"{each.where}: {n}" for n in sorted(each.uses - own) if is_private(n)]
    return wrong


def sources() -> Iterator[tuple[str, str]]:
    """Yield our modules' names and texts."""
    for path in (path for folder in OURS for path in sorted((PROJECT / folder).rglob("*.py"))):
        yield ".".join(path.relative_to(PROJECT).with_suffix("").parts), path.read_text("utf-8")


@cache
def classes_of(module: str) -> list[Class]:
    path = PROJECT.joinpath(*module.split(".")).with_suffix(".py")
    is_ours = module.startswith(OURS) and path.is_file()
    return list(classes_in(path.read_text("utf-8"), module)) if is_ours else []


def test_no_module_imports_what_is_private_of_a_dependency() -> None:
    """`_typeshed` is for this. Only what may be wrong is parsed: all of it takes many seconds."""
    wrong = []
    for name, text in sources():
        if re.search(r"^ *(?:from|import) .*\b_", text, re.MULTILINE):
            for whole in imported(ast.parse(text)).values():
                foreign = not whole.startswith((*OURS, "__future__", "_typeshed"))
                if foreign and any(is_private(part) for part in whole.split(".")):
                    wrong.append(f"{name} imports {whole}")
    assert wrong == []


def test_no_class_uses_what_only_a_foreign_base_can_have_set() -> None:
    wrong = []
    for name, text in sources():
        if "._" in text and re.search(r"^ *class \w+\(", text, re.MULTILINE):
            wrong += foreign_private(classes_of(name), classes_of)
    assert wrong == []


LIBRARY = """
import asyncio
from library import Pool, http
from typing import Generic, NamedTuple

class Own:
    _shared: int
    def __init__(self):
        self._own = 1
"""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(Pool):\n def f(self):\n  self._pool.create = 1", ["_pool"]),
        ("class A(Pool):\n def f(self):\n  return super()._create(1)", ["_create"]),
        (
            "class A(http.Pool[int]):\n @classmethod\n def f(cls):\n  return cls._a, cls._b",
            ["_a", "_b"],
        ),
        ("class A(asyncio.Protocol):\n def f(self):\n  return self._over_ssl", ["_over_ssl"]),
        ("class A(Own, Pool):\n def f(self):\n  return self._own, self._pool", ["_pool"]),
        ("class B(Pool):\n pass\nclass A(B):\n def f(self):\n  return self._pool", ["_pool"]),
        ("class A(Pool):\n def f(self):\n  self._x = 1\n  return self._x", []),
        ("class A(Pool):\n _x: int\n def f(self):\n  return self._x", []),
        ("class A(Pool):\n __slots__ = ('_x', *())\n def f(self):\n  return self._x", []),
        ("class A(Pool):\n def _x(self):\n  return self._x()", []),
        ("class A(Own, Pool):\n def f(self):\n  return self._own, self._shared", []),
        ("class A(Own):\n def f(self):\n  return self._unknown", []),
        ("class A(NamedTuple):\n def f(self):\n  return self._replace(a=1)", []),
        ("class A(Pool):\n def f(self):\n  return self.__dict__, self._value_, self.public", []),
        ("def g():\n class A(Pool):\n  def f(self):\n   return self._pool", ["_pool"]),
    ],
)
def test_names_that_foreign_bases_have_set_are_found(source: str, found: list[str]) -> None:
    classes = list(classes_in(LIBRARY + source, "m"))
    assert foreign_private(classes, lambda module: classes if module == "m" else []) == [
        f"m.A: {name}" for name in found
    ]
