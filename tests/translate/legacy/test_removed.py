"""Every endpoint, purpose and model of the past has a text that says what to use instead."""

import pytest

from gateway.translate.legacy import engines
from gateway.translate.legacy.removed import REMOVED, moderation_model_gone, purpose_gone


def test_every_text_says_what_to_call() -> None:
    others = {"answers", "classifications", "deployments", "search", "search_indices", "snapshots"}
    assert others | engines.REMOVED == set(REMOVED)
    for text in REMOVED.values():
        assert "/v1/" in text
        assert not text.endswith(".")


@pytest.mark.parametrize("purpose", ["search", "answers", "classifications"])
def test_an_old_purpose_is_explained_by_its_endpoint(purpose: str) -> None:
    text = f"Files with the purpose '{purpose}' were for /v1/{purpose}: {REMOVED[purpose]}."
    assert purpose_gone(purpose) == text


@pytest.mark.parametrize("purpose", ["fine-tune", "generate", "", "Search"])
def test_other_purposes_have_no_text(purpose: str) -> None:
    assert purpose_gone(purpose) is None


def test_an_old_moderation_model_has_a_successor_and_a_line_that_keeps_its_name() -> None:
    text = moderation_model_gone("text-moderation-stable")
    assert "omni-moderation-latest" in text
    assert "`text-moderation-stable: {model: omni-moderation-latest}` to `models:`" in text
