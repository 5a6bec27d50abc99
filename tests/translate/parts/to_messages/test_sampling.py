from dataclasses import replace

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.to_messages.sampling import write_sampling
from gateway.translate.parts.tokens.ids import TokenIds
from tests.translate.messages_upstreams import CLAUDE, OLDER, context

NONE = replace(CLAUDE, temperature=False, top_p=False, top_k=False)
"""A model that takes no sampling parameters."""


def written(
    client: Json, able: Capabilities = CLAUDE, *, thinks: bool = False, drop: bool = False
) -> tuple[Json, Report]:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    of = context(able, on_unsupported="drop" if drop else "refuse")
    draft = Draft(client, of, report)
    write_sampling(draft, thinks=thinks)
    return draft.upstream, report


@pytest.mark.parametrize(
    ("client", "able", "sent", "dropped"),
    [
        ({}, CLAUDE, {}, []),
        (
            {"temperature": 0, "top_p": 0.5, "top_k": 7},
            CLAUDE,
            {"temperature": 0, "top_p": 0.5, "top_k": 7},
            [],
        ),
        ({"temperature": 1, "top_p": 1}, CLAUDE, {"temperature": 1, "top_p": 1}, []),
        ({"temperature": 0.5, "top_p": 0.5}, OLDER, {"temperature": 0.5}, ["top_p"]),
        ({"temperature": 0.5, "top_p": 1}, OLDER, {"temperature": 0.5}, []),
        ({"top_p": 0.5}, OLDER, {"top_p": 0.5}, []),
        (
            {"temperature": 0.5, "top_p": 0.5, "top_k": 7},
            NONE,
            {},
            ["temperature", "top_p", "top_k"],
        ),
        ({"temperature": 1, "top_p": 1, "top_k": 0}, NONE, {}, []),
        ({"top_k": -1}, CLAUDE, {}, []),
        ({"presence_penalty": 0, "frequency_penalty": 0.0}, CLAUDE, {}, []),
        (
            {"presence_penalty": 1, "frequency_penalty": 1, "seed": 7},
            CLAUDE,
            {},
            ["presence_penalty", "frequency_penalty", "seed"],
        ),
        ({"logit_bias": {}}, CLAUDE, {}, []),
    ],
)
def test_parameters_are_sent_or_reported(
    client: Json, able: Capabilities, sent: Json, dropped: list[str]
) -> None:
    upstream, report = written(client, able)
    assert upstream == sent
    assert report.dropped == dropped
    assert not report.changed


@pytest.mark.parametrize(
    ("client", "sent", "dropped"),
    [
        ({"temperature": 0.5}, {}, ["temperature"]),
        ({"temperature": 1}, {}, []),
        ({"temperature": 1.5}, {}, ["temperature"]),
        ({"top_p": 0.5}, {}, ["top_p"]),
        ({"top_p": 0.95}, {"top_p": 0.95}, []),
        ({"top_k": 7}, {}, ["top_k"]),
    ],
)
def test_thinking_models_take_the_defaults(client: Json, sent: Json, dropped: list[str]) -> None:
    upstream, report = written(client, thinks=True)
    assert upstream == sent
    assert report.dropped == dropped


def test_a_temperature_above_the_maximum_is_never_clamped_in_secret() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        written({"temperature": 1.5})
    assert refused.value.param == "temperature"
    upstream, report = written({"temperature": 1.5}, drop=True)
    assert upstream == {"temperature": 1}
    assert report.changed == ["temperature:1.5->1"]
    assert written({"temperature": 1.5}, replace(CLAUDE, max_temperature=2))[0] == {
        "temperature": 1.5
    }


def test_biases_are_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        written({"logit_bias": {"7": -100}})
    assert refused.value.param == "logit_bias"
    assert written({"logit_bias": {"7": -100}}, drop=True)[1].dropped == ["logit_bias"]


@pytest.mark.parametrize("more", [{}, {"7": 0}])
def test_the_bias_against_the_end_of_a_text_is_dropped(more: Json) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    of = replace(context(), token_ids=TokenIds("p50k_base", 50256, foreign=True))
    draft = Draft({"logit_bias": {"50256": -100, **more}}, of, report)
    write_sampling(draft, thinks=False)
    assert (draft.upstream, report.dropped) == ({}, ["logit_bias"])
    with pytest.raises(UnsupportedParameter, match="the messages endpoint does not take it"):
        write_sampling(Draft({"logit_bias": {"50256": -100, "7": 1}}, of, report), thinks=False)
