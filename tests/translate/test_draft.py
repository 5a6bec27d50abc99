from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.draft import (
    Draft,
    asked_logprobs,
    asked_stops,
    cache_options,
    copy_extensions,
    copy_moderation,
    copy_sampling,
    drop,
    not_streamed,
    refuse_audio,
    sent_effort,
    sent_verbosity,
)
from gateway.translate.limits.capabilities import Capabilities


def draft(
    client: Json, *, effort: str | None = None, drops: bool = False, **capabilities: Any
) -> Draft:
    context = Context(
        "m",
        "m-sent",
        capabilities=Capabilities(**capabilities),
        settings=TranslationSettings(on_unsupported="drop" if drops else "refuse"),
        reasoning_effort=effort,
    )
    return Draft(client, context, Report(Shape.CHAT, Shape.RESPONSES))


def test_what_is_refused_says_why_and_may_be_dropped_where_the_operator_allows_it() -> None:
    with pytest.raises(
        UnsupportedParameter, match="the responses endpoint, which has no"
    ) as caught:
        draft({}).refuse("suffix")
    assert caught.value.param == "suffix"
    lenient = draft({}, drops=True)
    lenient.refuse("suffix", "because.")
    assert lenient.report.dropped == ["suffix"]
    with pytest.raises(UnsupportedParameter, match=r"because\."):
        lenient.refuse("suffix", "because.", droppable=False)


def test_more_alternatives_than_the_endpoint_has_are_never_dropped() -> None:
    assert asked_logprobs(draft({"top_logprobs": 9}), "chat", "why.") is None
    assert asked_logprobs(draft({"logprobs": True}), "chat", "why.") == 0
    asked = {"logprobs": True, "top_logprobs": 3}
    with pytest.raises(UnsupportedParameter, match="chat endpoint returns at most 2 alternatives"):
        asked_logprobs(draft(asked, drops=True, max_top_logprobs=2), "chat", "why.")
    without = draft(asked, drops=True, logprobs=False)
    assert asked_logprobs(without, "chat", "why.") is None
    assert without.report.dropped == ["logprobs", "top_logprobs"]


def test_a_stop_sequence_counts_once() -> None:
    assert asked_stops(draft({"stop": ["a", "b", "a"]})) == ("a", "b")
    assert asked_stops(draft({"stop": "ab"})) == ("ab",)
    assert asked_stops(draft({})) == ()


@pytest.mark.parametrize(("seed", "dropped"), [(True, []), (False, ["seed"])])
def test_a_seed_is_sent_where_it_is_taken(seed: bool, dropped: list[str]) -> None:
    made = draft({"seed": 5, "temperature": 0.5}, seed=seed)
    copy_sampling(made, "")
    assert made.upstream == {"temperature": 0.5, **({"seed": 5} if seed else {})}
    assert made.report.dropped == dropped


@pytest.mark.parametrize(
    ("effort", "able", "sent", "changed", "dropped"),
    [
        ("low", {}, "low", [], []),
        ("low", {"efforts": frozenset({"high"})}, "high", ["e:low->high"], []),
        ("low", {"reasoning_effort": False}, None, [], ["e"]),
        (None, {}, "medium", [], []),
        (None, {"efforts": frozenset({"high"})}, "high", [], []),
        (None, {"reasoning_effort": False}, None, [], []),
    ],
)
def test_the_effort_is_the_clients_or_the_configured_one_as_the_model_takes_it(
    effort: str | None, able: Json, sent: str | None, changed: list[str], dropped: list[str]
) -> None:
    made = draft({}, effort="medium", **able)
    assert sent_effort(made, effort, "e") == sent
    assert (made.report.changed, made.report.dropped) == (changed, dropped)


def test_without_any_effort_none_is_sent() -> None:
    assert sent_effort(draft({}), None, "e") is None


@pytest.mark.parametrize(
    ("options", "taken", "sent", "dropped"),
    [
        ({"verbosity": "low"}, True, {"verbosity": "low"}, []),
        ({"verbosity": "low"}, False, {}, ["text.verbosity"]),
        ({"verbosity": "medium"}, False, {}, []),
        ({}, True, {}, []),
    ],
)
def test_a_verbosity_is_sent_where_it_is_taken(
    options: Json, taken: bool, sent: Json, dropped: list[str]
) -> None:
    made = draft({}, verbosity=taken)
    assert sent_verbosity(made, options, "text.verbosity") == sent
    assert made.report.dropped == dropped


@pytest.mark.parametrize(("may_stream", "upstream"), [(True, {"stream": False}), (False, {})])
def test_servers_that_stream_unasked_are_asked_not_to(may_stream: bool, upstream: Json) -> None:
    made = draft({}, may_stream_unasked=may_stream)
    not_streamed(made)
    assert made.upstream == upstream


def test_audio_output_is_refused_and_a_voice_alone_is_dropped() -> None:
    made = draft({"modalities": ["text"], "audio": {"voice": "alloy"}})
    refuse_audio(made, "a completions endpoint")
    assert made.report.dropped == ["audio"]
    with pytest.raises(UnsupportedParameter, match="a completions endpoint generates text only"):
        refuse_audio(draft({"modalities": ["text", "audio"]}, drops=True), "a completions endpoint")


def test_a_moderation_is_sent_where_it_is_understood() -> None:
    made = draft({"moderation": {"model": "x"}}, moderation=True)
    copy_moderation(made)
    assert made.upstream == {"moderation": {"model": "x"}}
    nothing = draft({})
    copy_moderation(nothing)
    assert nothing.upstream == {}
    with pytest.raises(UnsupportedParameter, match=r"not here\.") as caught:
        copy_moderation(draft({"moderation": {}}, moderation=False), "not here.")
    assert caught.value.param == "moderation"


def test_of_cache_options_what_is_unknown_is_dropped_where_the_server_is_strict() -> None:
    made = draft({"prompt_cache_options": {"mode": "implicit", "x": 1}}, strict_params=True)
    assert cache_options(made) == {"mode": "implicit"}
    assert made.report.dropped == ["prompt_cache_options.x"]


def test_neutral_values_are_not_reported() -> None:
    made = draft({"a": 1, "b": 2, "c": 3})
    drop(made, {"a": (1,), "b": (7,), "c": (), "d": ()})
    assert made.report.dropped == ["b", "c"]


def test_extensions_are_copied_but_those_that_mean_something_else() -> None:
    never = {"echo": (False,), "system": ()}
    made = draft({"echo": False, "top_k": 4, "system": "x"}, strict_params=False)
    copy_extensions(made, ["echo", "top_k"], never)
    assert made.upstream == {"top_k": 4}
    with pytest.raises(UnsupportedParameter, match="'system'"):
        copy_extensions(made, ["system"], never)
    lenient = draft({"system": "x"}, drops=True, strict_params=False)
    copy_extensions(lenient, ["system"], never)
    assert (lenient.upstream, lenient.report.dropped) == ({}, ["system"])
