"""Efforts between messages and OpenAI's endpoints: words, budgets, and what is reported."""

from typing import Any

import pytest

from gateway.shapes import Shape
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.messages.effort import (
    asked_effort,
    budget_of_word,
    effort_to_send,
    messages_effort,
    word_of_budget,
)


@pytest.mark.parametrize(
    ("tokens", "word"),
    [(1024, "low"), (4095, "low"), (4096, "medium"), (16383, "medium"), (16384, "high")],
)
def test_a_budget_stands_for_a_word(tokens: int, word: str) -> None:
    assert word_of_budget(tokens) == word


@pytest.mark.parametrize(
    ("word", "budget"),
    [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576), ("max", 24576)],
)
def test_a_word_has_a_budget(word: str, budget: int) -> None:
    assert budget_of_word(word) == budget


@pytest.mark.parametrize(
    ("word", "known"),
    [("none", None), ("minimal", "low"), ("low", "low"), ("xhigh", "xhigh"), ("new", "new")],
)
def test_openais_words_are_those_of_messages(word: str, known: str | None) -> None:
    assert messages_effort(word) == known


BUDGET = {"type": "enabled", "budget_tokens": 5000}
OFF = {"type": "disabled"}
HIGH = {"effort": "high"}
FEW = frozenset({"low", "medium", "high"})


@pytest.mark.parametrize(
    ("client", "efforts", "sent", "changed"),
    [
        ({}, None, None, []),
        ({"thinking": {"type": "adaptive"}}, None, None, []),
        ({"thinking": {"type": "between_tools"}}, None, None, []),
        ({"output_config": HIGH}, None, "high", []),
        ({"output_config": {"effort": "max"}}, None, "max", []),
        ({"output_config": {"effort": "max"}}, FEW, "high", ["output_config.effort:max->high"]),
        ({"thinking": BUDGET}, None, "medium", ["thinking.budget_tokens:5000->medium"]),
        ({"thinking": BUDGET, "output_config": HIGH}, None, "high", []),
        ({"thinking": OFF}, None, "none", []),
        ({"thinking": OFF, "output_config": HIGH}, None, "none", []),
        ({"thinking": OFF}, FEW, "low", ["thinking:disabled->low"]),
    ],
)
def test_the_effort_is_what_the_client_asked_for(
    client: dict[str, Any], efforts: frozenset[str] | None, sent: str | None, changed: list[str]
) -> None:
    draft = _draft(client, Capabilities(efforts=efforts))
    assert effort_to_send(draft) == sent
    assert draft.report.changed == changed
    assert draft.report.dropped == []


@pytest.mark.parametrize(
    ("client", "dropped"),
    [
        ({"output_config": HIGH}, ["output_config.effort"]),
        ({"thinking": BUDGET}, ["thinking.budget_tokens"]),
        ({"thinking": OFF}, []),
    ],
)
def test_a_model_without_efforts_gets_none(client: dict[str, Any], dropped: list[str]) -> None:
    draft = _draft(client, Capabilities(reasoning_effort=False))
    assert effort_to_send(draft) is None
    assert draft.report.dropped == dropped


def test_a_last_system_message_sets_the_effort_of_its_turn() -> None:
    low, max_ = ({"role": "system", "output_config": {"effort": e}} for e in ("low", "max"))
    asked = {"role": "user"}
    client = {"messages": [asked, low], "output_config": HIGH}
    found = asked_effort(client)
    assert found is not None
    assert (found.word, found.path) == ("low", "messages[1].output_config.effort")
    words = [
        asked_effort({"messages": messages, "output_config": HIGH})
        for messages in ([asked, low, asked], [asked, low, max_, {"role": "system"}], [])
    ]
    assert [word and word.word for word in words] == ["high", "max", "high"]


def test_the_models_own_setting_counts_where_the_client_asks_for_none() -> None:
    draft = _draft({}, Capabilities(efforts=FEW), configured="xhigh")
    assert effort_to_send(draft) == "high"
    assert draft.report.changed == []
    asked = asked_effort({"output_config": HIGH})
    assert asked is not None
    assert asked.path == "output_config.effort"


def _draft(client: dict[str, Any], able: Capabilities, configured: str | None = None) -> Draft:
    context = Context("asked", "sent", capabilities=able, reasoning_effort=configured)
    return Draft(client, context, Report(Shape.MESSAGES, Shape.CHAT))
