"""The rules of the house that every module of gateway/ keeps, and where they are not kept yet.

`house.json` lists these places. The list gets shorter only: `python -m tests.house` takes out of it
what is no longer needed, and adds nothing.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.modules import PROJECT, Module, modules

MAX_MODULE = 300
MAX_FUNCTION = 40
"""Lines, with signature and docstring."""
MAX_FOLDER = 20
"""Modules beside one another. Those of `servers` are one for each server software."""
OLD_WORDS = frozenset(
    {
        *("story", "stories", "told", "untold", "pour", "pours", "poured", "pouring"),
        *("departure", "departures", "lingering", "way", "ways", "lane", "lanes"),
        *("plain", "plainly", "thoughts", "gate", "gates"),
        *("backend", "backends", "mend", "mended", "mending", "mends"),
        *("unsaid", "unthought", "hear", "perhaps", "surely"),
    }
)
"""Words of a private language, and second words for what docs/architecture.md has one for."""
EXCEPTIONS = Path(__file__).with_name("house.json")
RECORDED = PROJECT / "tests" / "servers" / "recorded"

Places = Mapping[str, int | list[str]]
"""By module or folder: how many lines it has, or what is wrong there."""


def long_modules(found: Iterable[Module]) -> Places:
    """Return modules that are too long, and their lines."""
    lines = {module.name: len(module.text.splitlines()) for module in found}
    return {name: count for name, count in lines.items() if count > MAX_MODULE}


def long_functions(found: Iterable[Module]) -> Places:
    """Return functions that are too long, and their lines."""
    lines = {
        f"{module.name} {node.name}": node.end_lineno - node.lineno + 1
        for module in found
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    return {name: count for name, count in lines.items() if count > MAX_FUNCTION}


def wide_folders(found: Iterable[Module]) -> Places:
    """Return folders that have too many modules, and how many these are."""
    paths = [Path(module.name) for module in found if module.path.name != "__init__.py"]
    counts = Counter(path.parent.as_posix() for path in paths)
    return {
        folder: count
        for folder, count in counts.items()
        if count > MAX_FOLDER and folder != "servers"
    }


def without_tests(found: Iterable[Module]) -> Places:
    """Return modules that no test module mirrors, by folder.

    A server's profile has its recorded payloads instead: `tests/servers/test_recorded.py` judges
    every profile by them, so that a new server is one module and one file of payloads.
    """
    missing: dict[str, list[str]] = {}
    for module in found:
        path = Path(module.name)
        name = path.parent.name if path.name == "__init__.py" else path.stem.strip("_")
        mirror = PROJECT / "tests" / path.with_name(f"test_{name}.py")
        if not (_is_data(module) or mirror.is_file() or _is_recorded(path)):
            missing.setdefault(path.parent.as_posix(), []).append(path.name)
    return missing


def _is_recorded(path: Path) -> bool:
    """Whether it is the profile of a server whose payloads are recorded."""
    payloads = RECORDED / f"{path.stem.replace('_', '-')}.json"
    return path.parent.as_posix() == "servers" and payloads.is_file()


def _is_data(module: Module) -> bool:
    """Whether it has only tables, names and records: the tests of its readers judge it."""
    code = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    bodies = [module.tree.body, *(each.body for each in inside)]
    return module.path.name != "__main__.py" and not any(
        isinstance(node, code) for body in bodies for node in body
    )


def old_words(found: Iterable[Module]) -> Places:
    """Return names in which there is an old word: those of modules and of what is in them."""
    wrong = {module.name: sorted(filter(_is_old, set(_names(module)))) for module in found}
    return {name: names for name, names in wrong.items() if names}


def _is_old(name: str) -> bool:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(word.lower() in OLD_WORDS for word in words)


def _names(module: Module) -> Iterator[str]:
    yield from (part.removesuffix(".py") for part in Path(module.name).parts)
    for node in module.nodes:
        for field in _with_names(node._fields):
            if isinstance(name := getattr(node, field, None), str):
                yield name.rpartition(".")[2]


@cache
def _with_names(fields: tuple[str, ...]) -> Sequence[str]:
    return [each for each in fields if each in ("id", "attr", "arg", "name", "asname")]


def untyped_abilities(found: Iterable[Module]) -> Places:
    """Return modules that ask what an object has, and the lines; mypy cannot see what they mean.

    An optional ability is an attribute of an interface, which has a type.
    """
    lines: dict[str, list[str]] = {}
    for module in found:
        for node in module.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hasattr":
                lines.setdefault(module.name, []).append(f"line {node.lineno}")
    return lines


RULES = {
    f"modules of more than {MAX_MODULE} lines": long_modules,
    f"functions of more than {MAX_FUNCTION} lines": long_functions,
    f"folders of more than {MAX_FOLDER} modules": wide_folders,
    "modules without a test module of their name": without_tests,
    "names with old words": old_words,
    "abilities that have no type": untyped_abilities,
}


def exceptions() -> dict[str, Places]:
    """Return where a rule need not be kept yet, by rule."""
    listed: dict[str, Places] = json.loads(EXCEPTIONS.read_text("utf-8"))
    return listed


def beyond(found: Places, allowed: Places) -> dict[str, int | list[str]]:
    """Return what there is of `found` that is not allowed."""
    wrong: dict[str, int | list[str]] = {}
    for place, what in found.items():
        listed = allowed.get(place)
        if isinstance(what, list):
            if more := sorted({*what} - {*(listed if isinstance(listed, list) else [])}):
                wrong[place] = more
        elif not isinstance(listed, int) or what > listed:
            wrong[place] = what
    return wrong


def needed(found: Places, allowed: Places) -> dict[str, int | list[str]]:
    """Return what there still is of what is allowed."""
    kept: dict[str, int | list[str]] = {}
    for place, listed in allowed.items():
        what = found.get(place)
        if isinstance(listed, list) and isinstance(what, list):
            kept[place] = sorted({*listed} & {*what})
        elif isinstance(listed, int) and isinstance(what, int):
            kept[place] = min(listed, what)
    return {place: what for place, what in kept.items() if what}


def written(listed: Mapping[str, Places]) -> str:
    """Return the list as JSON, with a line for each place."""
    rules = []
    for rule, places in listed.items():
        lines = [f"    {json.dumps(place)}: {json.dumps(what)}" for place, what in places.items()]
        inside = "\n" + ",\n".join(lines) + "\n  " if lines else ""
        rules.append(f"  {json.dumps(rule)}: {{{inside}}}")
    return "{\n" + ",\n".join(rules) + "\n}\n"


def main() -> None:
    """Shorten the list."""
    listed = exceptions()
    kept = {rule: needed(find(modules()), listed[rule]) for rule, find in RULES.items()}
    EXCEPTIONS.write_text(written(kept), "utf-8")


if __name__ == "__main__":
    main()
