import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.refusals.parameter_fixes import (
    ParameterFix,
    RefusedParameter,
    carries_meaning,
    fixes_for,
)
from gateway.shapes import Shape


def drop(name: str) -> ParameterFix:
    return ParameterFix("drop", name)


def rename(name: str, to: str) -> ParameterFix:
    return ParameterFix("rename", name, to)


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


def test_it_is_replaced_by_the_nearest_that_is_supported() -> None:
    refused = [RefusedParameter("reasoning.effort", by_model=True, given="max", nearest="high")]
    (fix,) = fixes_for(refused, Shape.RESPONSES, {"reasoning", "reasoning.effort"})
    assert fix == ParameterFix("replace", "reasoning.effort", "high", given="max")


def test_a_value_among_others_is_the_callers_to_choose() -> None:
    refused = [RefusedParameter("reasoning_effort", value_only=True)]
    assert fixes_for(refused, Shape.CHAT, {"reasoning_effort"}) == ()


NAMES = st.sampled_from(["a", "b", "c", "r", "r.e", "r.s", "s.e"])


@given(
    st.lists(st.builds(RefusedParameter, NAMES | st.sampled_from(["max_tokens", "stop", "n"]))),
    st.sampled_from([None, *Shape]),
    st.sets(NAMES),
)
def test_fixes_for_refused_parameters_always_help(
    refused: list[RefusedParameter], called: Shape | None, sent: set[str]
) -> None:
    """Whatever is decided, the refused names are gone afterwards, or nothing is decided."""
    fixes = fixes_for(refused, called, sent)
    for parameter in refused:
        assert not fixes or any(fix.name == parameter.name for fix in fixes)
