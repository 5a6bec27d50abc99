"""The rules of the house (`tests/house.py`), and that the list of exceptions gets shorter only."""

import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tests.house import (
    EXCEPTIONS,
    MAX_FOLDER,
    RULES,
    Places,
    beyond,
    exceptions,
    long_functions,
    long_modules,
    needed,
    old_words,
    untyped_abilities,
    wide_folders,
    without_tests,
    written,
)
from tests.modules import PROJECT, ROOT, Module, modules

SHORTEN = "`python -m tests.house` shortens the list"


@cache
def found_by(rule: str) -> Places:
    """Return the places in gateway/ where a rule is not kept."""
    return RULES[rule](modules())


@pytest.mark.alone
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_kept(rule: str) -> None:
    wrong = beyond(found_by(rule), exceptions()[rule])
    assert not wrong, f"{rule}: {wrong}"


@pytest.mark.alone
@pytest.mark.parametrize("rule", RULES)
def test_no_exception_is_there_without_need(rule: str) -> None:
    allowed = exceptions()[rule]
    kept = needed(found_by(rule), allowed)
    left = {place: what for place, what in allowed.items() if place not in kept}
    assert not left, SHORTEN
    assert not beyond({p: w for p, w in allowed.items() if isinstance(w, list)}, kept), SHORTEN


def test_the_list_is_as_its_program_writes_it() -> None:
    listed = exceptions()
    assert listed.keys() == RULES.keys()
    assert EXCEPTIONS.read_text("utf-8") == written(listed)


# --- the rules themselves -----------------------------------------------------------------------


CODE = "def f() -> None: ..."


def module(name: str, text: str) -> Module:
    return Module(ROOT / name, text)


def test_lines_are_counted() -> None:
    function = "def long():\n" + "    x\n" * 40
    found = [module("a.py", function), module("b.py", "x\n" * 301), module("c.py", "x\n" * 300)]
    assert long_modules(found) == {"b.py": 301}
    assert long_functions(found) == {"a.py long": 41}


def test_modules_of_a_folder_are_counted() -> None:
    many = [module(f"a/m{n}.py", CODE) for n in range(MAX_FOLDER)]
    packages = [module("a/__init__.py", CODE), module("a/b/m.py", CODE)]
    servers = [module(f"servers/m{n}.py", CODE) for n in range(MAX_FOLDER + 1)]
    assert wide_folders([*many, *packages, *servers]) == {}
    assert wide_folders([*many, module("a/more.py", CODE)]) == {"a": MAX_FOLDER + 1}


def test_a_test_module_has_its_modules_name() -> None:
    found = [
        module("errors.py", CODE),
        module("__main__.py", ""),
        module("observe/nothing_of_the_kind.py", CODE),
        module("observe/table.py", "X = 1"),
        module("observe/record.py", "class Record:\n    x: int"),
        module("observe/judge.py", "class Judge:\n    def judge(self): ..."),
        module("observe/__init__.py", '"""Nothing is in it."""'),
        module("observe/folder/__init__.py", CODE),
        module("servers/azure.py", CODE),
        module("servers/nothing_of_the_kind.py", CODE),
        module("observe/azure.py", CODE),
    ]
    assert without_tests(found) == {
        "observe": ["nothing_of_the_kind.py", "judge.py", "azure.py"],
        "servers": ["nothing_of_the_kind.py"],
        "observe/folder": ["__init__.py"],
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from a.plain_b import c as told", ["told"]),
        ("import a.plain_b", ["plain_b"]),
        ("class ToldError: ...", ["ToldError"]),
        ("def f(the_way, *, PLAIN=1): return f(gate=1)", ["PLAIN", "gate", "the_way"]),
        ("x.UNDER_WAYS = lanes", ["UNDER_WAYS", "lanes"]),
        ("gateway, always, explain, Gateway, GATEWAY, Investigate, planet = 1", []),
        ("'told'  # told", []),
    ],
)
def test_names_are_taken_apart_into_words(text: str, names: list[str]) -> None:
    assert old_words([module("a.py", text)]) == ({"a.py": names} if names else {})


def test_modules_have_names_too() -> None:
    assert old_words([module("a/plain_way.py", "")]) == {"a/plain_way.py": ["plain_way"]}


def test_abilities_have_types() -> None:
    found = [module("a.py", "def f(x):\n    return hasattr(x, 'y')"), module("b.py", "x.hasattr()")]
    assert untyped_abilities(found) == {"a.py": ["line 2"]}


def test_no_module_is_excused_from_the_limit_of_complexity() -> None:
    ruff = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "C90" in ruff["select"]
    assert ruff["mccabe"] == {"max-complexity": 10}
    excused = [*ruff["ignore"], *chain(*ruff["per-file-ignores"].values())]
    assert [code for code in excused if code.startswith("C9")] == []


@pytest.mark.parametrize(
    ("found", "allowed", "more", "kept"),
    [
        ({"a": 50}, {"a": 50}, {}, {"a": 50}),
        ({"a": 50}, {"a": 60}, {}, {"a": 50}),
        ({"a": 50}, {"a": 45}, {"a": 50}, {"a": 45}),
        ({"a": 50}, {}, {"a": 50}, {}),
        ({}, {"a": 50}, {}, {}),
        ({"a": ["x", "y"]}, {"a": ["x", "z"]}, {"a": ["y"]}, {"a": ["x"]}),
        ({"a": ["x"]}, {"b": ["x"]}, {"a": ["x"]}, {}),
        ({"a": ["x"]}, {"a": ["y"]}, {"a": ["x"]}, {}),
    ],
)
def test_the_list_gets_shorter_only(
    found: Places, allowed: Places, more: Places, kept: Places
) -> None:
    assert beyond(found, allowed) == more
    assert needed(found, allowed) == kept


def test_the_list_has_a_line_for_each_place(tmp_path: Path) -> None:
    assert written({"a": {"x": 1, "y": ["p", "q"]}, "b": {}}) == (
        '{\n  "a": {\n    "x": 1,\n    "y": ["p", "q"]\n  },\n  "b": {}\n}\n'
    )
