import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.refusals.parameter_fixes import (
    ParameterFix,
    RefusedParameter,
    apply_fixes,
    carries_meaning,
    fixes_for,
)
from gateway.shapes import Json, Shape


def drop(name: str) -> ParameterFix:
    return ParameterFix("drop", name)


def rename(name: str, to: str) -> ParameterFix:
    return ParameterFix("rename", name, to)


# --- deciding


@pytest.mark.parametrize(
    "name",
    [
        "temperature",
        "top_p",
        "presence_penalty",
        "store",
        "user",
        "seed",
        "thinking",
        "extra_body",
        "reasoning.max_tokens",
        "text.verbosity",
        "parallel_tool_calls",
        "stream_options",
    ],
)
def test_what_only_tunes_is_dropped(name: str) -> None:
    assert fixes_for([RefusedParameter(name)], Shape.CHAT, {name}) == (drop(name),)


@pytest.mark.parametrize(
    "name",
    [
        "best_of",
        "echo",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "messages",
        "suffix",
        "input",
        "dimensions",
        "web_search_options",
        "previous_response_id",
        "response_format",
        "stream",
        "text",
        "text.format",
        "model",
        "audio.voice",
        "guided_json",
        "messages[0].role",
        "tools[0].type",
        "metadata.a.b",
        "input[52].phase",
    ],
)
@pytest.mark.parametrize("called", list(Shape))
def test_what_is_asked_for_is_never_dropped(name: str, called: Shape) -> None:
    # The translation says what becomes of a forced call.
    is_forced_call = (name, called) == ("tool_choice", Shape.MESSAGES)
    withheld = (ParameterFix("withhold", name),) if is_forced_call else ()
    assert fixes_for([RefusedParameter(name)], called, {name}) == withheld


def test_an_images_response_format_says_only_how_it_is_delivered() -> None:
    refused = [RefusedParameter("response_format")]
    assert fixes_for(refused, None, {"response_format"}) == (drop("response_format"),)
    assert carries_meaning("response_format", Shape.CHAT)
    assert not carries_meaning("response_format", None)


def test_if_one_must_stay_none_is_touched() -> None:
    refused = [RefusedParameter("temperature"), RefusedParameter("tools")]
    assert fixes_for(refused, Shape.CHAT, {"temperature", "tools"}) == ()


@pytest.mark.parametrize("called", list(Shape))
@pytest.mark.parametrize(
    ("name", "withheld"),
    [
        ("stop", "stop"),
        ("stop[4]", "stop"),
        ("n", "n"),
        ("logprobs", "logprobs"),
        ("top_logprobs", "logprobs"),
        ("logit_bias", "logit_bias"),
        ("logit_bias.5", "logit_bias"),
    ],
)
def test_what_a_translation_emulates_or_refuses_is_withheld(
    called: Shape, name: str, withheld: str
) -> None:
    fix = ParameterFix("withhold", withheld)
    assert fixes_for([RefusedParameter(name)], called, {name}) == (fix,)
    assert apply_fixes({withheld: 1}, [fix]) == {withheld: 1}
    assert fixes_for([RefusedParameter(name)], None, {name}) == ()


@pytest.mark.parametrize(
    ("name", "fixed"), [("stop", True), ("n", True), ("logprobs", False), ("logit_bias", False)]
)
def test_a_refused_value_is_withheld_where_the_gateway_does_it_itself(
    name: str, fixed: bool
) -> None:
    refused = [RefusedParameter(name, value_only=True)]
    assert bool(fixes_for(refused, Shape.CHAT, {name})) is fixed


def test_nothing_refused_needs_nothing() -> None:
    assert fixes_for([], Shape.CHAT, {"temperature"}) == ()


@pytest.mark.parametrize(
    ("called", "name", "to"),
    [
        (Shape.CHAT, "max_tokens", "max_completion_tokens"),
        (Shape.CHAT, "max_completion_tokens", "max_tokens"),
        (Shape.CHAT, "max_output_tokens", "max_completion_tokens"),
        (Shape.COMPLETIONS, "max_completion_tokens", "max_tokens"),
        (Shape.RESPONSES, "max_tokens", "max_output_tokens"),
        (Shape.RESPONSES, "max_completion_tokens", "max_output_tokens"),
    ],
)
def test_a_limit_is_renamed_rather_than_lost(called: Shape, name: str, to: str) -> None:
    assert fixes_for([RefusedParameter(name)], called, {name}) == (rename(name, to),)


def test_the_limit_of_an_endpoint_that_has_but_one_is_dropped() -> None:
    """The Codex backend takes no limit at all."""
    refused = [RefusedParameter("max_output_tokens")]
    assert fixes_for(refused, Shape.RESPONSES, {"max_output_tokens"}) == (
        drop("max_output_tokens"),
    )


@pytest.mark.parametrize(
    ("name", "instead", "followed"),
    [
        ("max_tokens", "max_completion_tokens", True),
        ("messages", "input", True),
        ("reasoning_effort", "reasoning.effort", True),
        ("verbosity", "text.verbosity", True),
        ("input", "messages", False),
        ("response_format", "text.format", False),
        ("store", "stop", False),
        ("max_tokens", "max_tokens", False),
    ],
)
def test_a_hint_is_followed_only_where_both_names_mean_the_same(
    name: str, instead: str, followed: bool
) -> None:
    refused = [RefusedParameter(name, instead)]
    expected = (rename(name, instead),) if followed else ()
    assert fixes_for(refused, Shape.RESPONSES, {name}) == expected


def test_responses_reasoning_on_chat_becomes_chats() -> None:
    refused = [RefusedParameter("reasoning", unknown=True)]
    move = rename("reasoning.effort", "reasoning_effort")
    assert fixes_for(refused, Shape.CHAT, {"reasoning", "reasoning.effort"}) == (move,)
    siblings = {"reasoning", "reasoning.effort", "reasoning.summary"}
    assert fixes_for(refused, Shape.CHAT, siblings) == (move, drop("reasoning"))
    assert fixes_for(refused, Shape.CHAT, {"reasoning"}) == (drop("reasoning"),)
    known = [RefusedParameter("reasoning")]
    assert fixes_for(known, Shape.CHAT, siblings) == (drop("reasoning"),)


def test_chats_reasoning_on_responses_becomes_responses() -> None:
    refused = [RefusedParameter("reasoning_effort", unknown=True)]
    assert fixes_for(refused, Shape.RESPONSES, {"reasoning_effort"}) == (
        rename("reasoning_effort", "reasoning.effort"),
    )
    assert fixes_for(refused, Shape.CHAT, {"reasoning_effort"}) == (drop("reasoning_effort"),)


def test_top_logprobs_are_withheld_with_logprobs() -> None:
    both = {"logprobs", "top_logprobs"}
    named = [RefusedParameter(name) for name in sorted(both)]
    assert fixes_for(named, Shape.CHAT, both) == (ParameterFix("withhold", "logprobs"),)


def test_a_refused_degree_goes_with_its_value() -> None:
    refused = [RefusedParameter("reasoning_effort", by_model=True, given="xhigh")]
    (fix,) = fixes_for(refused, Shape.CHAT, {"reasoning_effort"})
    assert fix == ParameterFix("drop", "reasoning_effort", given="xhigh")


def test_a_value_among_others_is_the_callers_to_choose() -> None:
    refused = [RefusedParameter("reasoning_effort", value_only=True)]
    assert fixes_for(refused, Shape.CHAT, {"reasoning_effort"}) == ()


# --- doing


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


@given(
    st.lists(st.builds(RefusedParameter, NAMES | st.sampled_from(["max_tokens", "stop", "n"]))),
    st.sampled_from([None, *Shape]),
    BODIES,
)
def test_fixes_for_refused_parameters_always_help(
    refused: list[RefusedParameter], called: Shape | None, body: Json
) -> None:
    """Whatever is decided, the refused names are gone afterwards, or nothing is decided."""
    fixes = fixes_for(refused, called, set(body))
    for parameter in refused:
        assert not fixes or any(fix.name == parameter.name for fix in fixes)
