import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json
from tests.resolve.refusals.test_parameter_fixes import drop, rename


def replace(name: str, given: str, to: str) -> ParameterFix:
    return ParameterFix("replace", name, to, given)


@pytest.mark.parametrize(
    ("body", "fixes", "expected"),
    [
        ({"a": 1, "b": 2}, [drop("a")], {"b": 2}),
        ({"a": 1}, [drop("b")], {"a": 1}),
        ({"a": 1}, [rename("a", "b")], {"b": 1}),
        ({"a": None}, [rename("a", "b")], {"b": None}),
        ({"c": 1}, [rename("a", "b")], {"c": 1}),
        ({"a": 1, "b": 2}, [rename("a", "b")], {"b": 2}),
        ({"a": 1, "b": None}, [rename("a", "b")], {"b": 1}),
        ({"r": {"e": 1, "s": 2}}, [drop("r.e")], {"r": {"s": 2}}),
        ({"r": {"e": 1}}, [drop("r.e")], {}),
        ({"r": {"e": 1}}, [drop("r.x")], {"r": {"e": 1}}),
        ({"a": "x"}, [ParameterFix("drop", "a", given="x")], {}),
        ({"a": "y"}, [ParameterFix("drop", "a", given="x")], {"a": "y"}),
        ({"a": ["x", "y"]}, [ParameterFix("drop", "a", given="x")], {"a": ["y"]}),
        ({"a": ["x"], "b": 1}, [ParameterFix("drop", "a", given="x")], {"b": 1}),
        ({"a": []}, [ParameterFix("drop", "a", given="x")], {"a": []}),
        ({"r": {"e": "x"}}, [ParameterFix("drop", "r.e", given="x")], {}),
        ({"r": {"e": "y"}}, [ParameterFix("drop", "r.e", given="x")], {"r": {"e": "y"}}),
        ({"r": "x"}, [ParameterFix("drop", "r.e", given="x")], {"r": "x"}),
        ({"r": "e"}, [drop("r.e")], {"r": "e"}),
        ({"a": 1, "b": 0}, [ParameterFix("yield", "a", "b")], {"b": 0}),
        ({"a": 1, "b": None}, [ParameterFix("yield", "a", "b")], {"a": 1, "b": None}),
        ({"b": 1}, [ParameterFix("yield", "a", "b")], {"b": 1}),
        ({"r": {"e": 1}}, [rename("r.e", "r_e")], {"r_e": 1}),
        ({"r": {"e": 1, "s": 2}}, [rename("r.e", "r_e"), drop("r")], {"r_e": 1}),
        ({"r_e": 1}, [rename("r_e", "r.e")], {"r": {"e": 1}}),
        ({"r_e": 1, "r": None}, [rename("r_e", "r.e")], {"r": {"e": 1}}),
        ({"r_e": 1, "r": {"s": 2}}, [rename("r_e", "r.e")], {"r": {"s": 2, "e": 1}}),
        ({"r_e": 1, "r": {"e": 2}}, [rename("r_e", "r.e")], {"r": {"e": 2}}),
        ({"r_e": 1, "r": "x"}, [rename("r_e", "r.e")], {"r": "x"}),
        ({"a": 1}, [rename("a", "b"), rename("b", "a")], {}),
        ({"a": 1}, [rename("a", "b"), drop("b")], {}),
        ({"b": 1}, [drop("a"), rename("b", "a")], {}),
        ({"a": 1}, [], {"a": 1}),
        ({"n": 1}, [ParameterFix("withhold", "n")], {"n": 1}),
        ({"a": "x", "b": 1}, [replace("a", "x", "z")], {"a": "z", "b": 1}),
        ({"a": "y"}, [replace("a", "x", "z")], {"a": "y"}),
        ({"r": {"e": "x", "s": 1}}, [replace("r.e", "x", "z")], {"r": {"e": "z", "s": 1}}),
        ({"r": {"s": 1}}, [replace("r.e", "x", "z")], {"r": {"s": 1}}),
        ({"r": 1}, [replace("r.e", "x", "z")], {"r": 1}),
        ({}, [replace("r.e", "x", "z")], {}),
    ],
)
def test_fixes_are_done(body: Json, fixes: list[ParameterFix], expected: Json) -> None:
    before = copy.deepcopy(body)
    assert apply_fixes(body, fixes) == expected
    assert body == before


NAMES = st.sampled_from(["a", "b", "c", "r", "r.e", "r.s", "s.e"])
FIXES = st.lists(
    st.builds(drop, NAMES) | st.builds(rename, NAMES, NAMES).filter(lambda f: f.name != f.to),
    max_size=6,
)
VALUES = st.none() | st.integers() | st.dictionaries(st.sampled_from(["e", "s"]), st.integers())
BODIES = st.dictionaries(st.sampled_from(["a", "b", "c", "r", "s"]), VALUES)


def leaves(value: Any) -> int:
    return sum(map(leaves, value.values())) if isinstance(value, dict) else 1


@given(BODIES, FIXES)
def test_a_body_never_grows_and_what_is_gone_stays_gone(
    body: Json, fixes: list[ParameterFix]
) -> None:
    before = copy.deepcopy(body)
    fixed = apply_fixes(body, fixes)
    assert body == before
    assert leaves(fixed) <= leaves(body)
    for fix in fixes:
        outer, _, inner = fix.name.partition(".")
        if not inner and not any(f.to and f.to.startswith(f"{outer}.") for f in fixes):
            assert outer not in fixed
        if inner and isinstance(fixed.get(outer), dict):
            renamed_onto_parent = any(f.to == outer for f in fixes)
            assert renamed_onto_parent or inner not in fixed[outer]


@given(BODIES, FIXES)
def test_doing_fixes_twice_is_doing_them_once(body: Json, fixes: list[ParameterFix]) -> None:
    targets = {f.to for f in fixes} | {str(f.to).partition(".")[0] for f in fixes}
    if all(f.name not in targets and f.name.partition(".")[0] not in targets for f in fixes):
        once = apply_fixes(body, fixes)
        assert apply_fixes(once, fixes) == once
