from dataclasses import replace
from typing import Literal

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.tokens.biases import sent_biases
from gateway.translate.parts.tokens.ids import TokenIds

OWN = TokenIds("o200k_base", 199999)
FOREIGN = TokenIds("p50k_base", 50256, foreign=True, model_vocabulary="o200k_base")
MAPPED = replace(FOREIGN, counterpart={5: 105, 6: 106}.get)


def sent(
    biases: Json, ids: TokenIds, *, taken: bool = True, policy: Literal["refuse", "drop"] = "refuse"
) -> tuple[Json | None, Report]:
    report = Report(Shape.COMPLETIONS, Shape.CHAT)
    context = Context(
        "asked",
        "sent",
        replace(TranslationSettings(), on_unsupported=policy),
        Capabilities(logit_bias=taken),
        token_ids=ids,
    )
    return sent_biases(biases, context, report, "it does not take it."), report


def test_ids_of_the_models_own_vocabulary_pass_as_they_are() -> None:
    biases = {"199999": -100, "7": 0, "odd": 1}
    assert sent(biases, OWN) == (biases, Report(Shape.COMPLETIONS, Shape.CHAT))


@pytest.mark.parametrize(("ids", "taken"), [(OWN, False), (FOREIGN, True), (FOREIGN, False)])
def test_the_id_that_ends_a_text_is_dropped_alone(ids: TokenIds, taken: bool) -> None:
    for more in ({}, {"3": 0}):
        biases, report = sent({str(ids.end_of_text): -100, **more}, ids, taken=taken)
        assert (biases, report.dropped) == (None, ["logit_bias"])


def test_all_ids_are_mapped_or_none() -> None:
    biases, report = sent({"5": 10, "50256": -100, "6": -5, "7": 0}, MAPPED)
    assert biases == {"105": 10, "106": -5}
    assert report.dropped == ["logit_bias.50256"]
    assert report.changed == ["logit_bias:p50k_base->o200k_base"]
    for unknown in ("7", "word", "-5", "5.0"):
        with pytest.raises(UnsupportedParameter) as refused:
            sent({"5": 10, unknown: 1}, MAPPED)
        assert refused.value.param == "logit_bias"
        assert "p50k_base" in refused.value.message


@pytest.mark.parametrize("ids", [FOREIGN, replace(FOREIGN, model_vocabulary="")])
def test_ids_that_cannot_be_mapped_are_refused_or_dropped(ids: TokenIds) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        sent({"5": 10}, ids)
    assert "those of p50k_base" in refused.value.message
    biases, report = sent({"5": 10}, ids, policy="drop")
    assert (biases, report.dropped, report.changed) == (None, ["logit_bias"], [])


def test_a_server_that_takes_none_says_so() -> None:
    with pytest.raises(UnsupportedParameter, match="it does not take it"):
        sent({"5": 10}, MAPPED, taken=False)


def test_nothing_that_is_neutral_is_sent_or_refused() -> None:
    assert sent({"5": 0}, FOREIGN)[0] is None
