"""The words of the translations, among them every field that they read."""

import ast
from collections.abc import Iterator
from functools import cache

from gateway.shapes import Shape
from tests.modules import PROJECT, Module, modules

_OF_ALL_PAIRS = frozenset({"gateway.translate.plan", "gateway.fast.paths"})
"""Modules that choose between the pairs, and import them all."""


@cache
def names_in_translate() -> tuple[str, ...]:
    """Return the words that are strings in the translations."""
    translations = [module for module in modules() if module.layer == "translate"]
    return tuple(sorted(set().union(*map(_strings, translations))))


@cache
def names_between(client: Shape, home: Shape) -> tuple[str, ...]:
    """Return those that any module has which the paths between two shapes are made of, and "own".

    Neither path can tell another word from that one, which nobody knows.
    """
    within = _imported(frozenset(_beginnings(client, home)))
    known = set().union(*(_strings(each) | _fields(each) for each in within))
    return (*(name for name in names_in_translate() if name in known), "own")


def _beginnings(client: Shape, home: Shape) -> Iterator[str]:
    places = ("gateway.translate", "gateway.fast", "gateway.fast.agents")
    names = [f"{place}.{client}_via_{home}" for place in places]
    found = [name for name in names if name in _by_name()]
    if found:
        yield from found
    else:
        yield from _beginnings(client, Shape.CHAT)
        yield from _beginnings(Shape.CHAT, home)


@cache
def _by_name() -> dict[str, Module]:
    names = {
        ".".join(module.path.relative_to(PROJECT).with_suffix("").parts): module
        for module in modules()
    }
    return {name.removesuffix(".__init__"): module for name, module in names.items()}


def _imported(beginnings: frozenset[str]) -> list[Module]:
    """Return these modules, and all of the gateway's that they import."""
    reached, new = set[str](), set(beginnings)
    while new:
        reached |= new
        new = {name for each in new for name in _imports(_by_name()[each])} - reached
        new -= _OF_ALL_PAIRS
    return [_by_name()[name] for name in reached]


def _imports(module: Module) -> Iterator[str]:
    froms = [node for node in module.nodes if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    for name in module.imports | names:
        if name in _by_name():
            yield name


def _strings(module: Module) -> set[str]:
    constants = [node.value for node in module.nodes if isinstance(node, ast.Constant)]
    return {each for each in constants if isinstance(each, str) and each.isidentifier()}


def _fields(module: Module) -> set[str]:
    """Return what a module's classes annotate: the fields of types that JSON is decoded to."""
    annotated = [node.target for node in module.nodes if isinstance(node, ast.AnnAssign)]
    return {target.id for target in annotated if isinstance(target, ast.Name)}
