from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.sampling import effort_of, sampling_parameters, takes

ALL: Json = {
    "temperature": 0.5,
    "top_p": 0.9,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "logit_bias": {"50256": -100},
}


def context(**capabilities: Any) -> Context:
    return Context("m", "m-sent", capabilities=replace(Capabilities(), **capabilities))


def sent(client: Json, **capabilities: Any) -> tuple[Json, list[str]]:
    report = Report(Shape.CHAT, Shape.CHAT)
    parameters = sampling_parameters(client, context(**capabilities), report, "it takes none.")
    return parameters, report.dropped


def test_what_is_taken_is_sent_as_it_is() -> None:
    assert sent({**ALL, "model": "m"}) == (ALL, [])


@pytest.mark.parametrize(
    ("capability", "names"),
    [
        ("temperature", ["temperature"]),
        ("top_p", ["top_p"]),
        ("penalties", ["presence_penalty", "frequency_penalty"]),
    ],
)
def test_what_is_not_taken_is_dropped_and_reported(capability: str, names: list[str]) -> None:
    parameters, dropped = sent(ALL, **{capability: False})
    assert parameters == {name: value for name, value in ALL.items() if name not in names}
    assert dropped == names


def test_a_neutral_value_is_sent_and_needs_no_report_where_it_is_not() -> None:
    neutral = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
    assert sent(neutral) == (neutral, [])
    assert sent(neutral, temperature=False, top_p=False, penalties=False) == ({}, [])


def test_biases_that_are_not_taken_are_refused() -> None:
    with pytest.raises(UnsupportedParameter, match="it takes none") as caught:
        sent({"logit_bias": {"5": -100}}, logit_bias=False)
    assert caught.value.param == "logit_bias"


def test_a_bias_on_the_end_of_a_text_alone_is_dropped() -> None:
    report = Report(Shape.CHAT, Shape.CHAT)
    foreign = context(logit_bias=False)
    foreign.token_ids = replace(foreign.token_ids, end_of_text=50256)
    assert sampling_parameters({"logit_bias": {"50256": -100}}, foreign, report, "") == {}
    assert report.dropped == ["logit_bias"]


@pytest.mark.parametrize(
    ("client", "taken"),
    [
        ({}, False),
        ({"reasoning_effort": "low"}, False),
        ({"reasoning_effort": "none"}, True),
        ({"reasoning": {"effort": "none"}}, True),
    ],
)
def test_some_models_sample_only_without_reasoning(client: Json, taken: bool) -> None:
    needs_none = context(sampling_needs_effort_none=True)
    assert takes("temperature", client, needs_none) is taken
    assert takes("presence_penalty", client, needs_none)


def test_the_effort_is_the_requests_or_the_configured_one() -> None:
    configured = Context("m", "m", reasoning_effort="high")
    assert effort_of({"reasoning_effort": "low"}, configured) == "low"
    assert effort_of({"reasoning": {"effort": "low"}}, configured) == "low"
    assert effort_of({"reasoning": {}}, configured) == "high"
    assert effort_of({"reasoning": "low"}, Context("m", "m")) is None
