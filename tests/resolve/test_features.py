"""Requests that need another endpoint than their model's other requests."""

import pytest

from gateway.resolve.features import NO_REASONING, REASONING, TOOLS, effort_of, fitting
from gateway.shapes import Shape

BOTH = (Shape.CHAT, Shape.RESPONSES)
RESPONSES = (Shape.RESPONSES,)


@pytest.mark.parametrize(
    ("quirk", "features", "endpoints"),
    [
        ("tools_responses_only", {TOOLS}, RESPONSES),
        ("tools_responses_only", {TOOLS, NO_REASONING}, RESPONSES),
        ("tools_responses_only", {REASONING}, BOTH),
        ("chat_tools_need_effort_none", {TOOLS}, RESPONSES),
        ("chat_tools_need_effort_none", {TOOLS, REASONING}, RESPONSES),
        ("chat_tools_need_effort_none", {TOOLS, NO_REASONING}, BOTH),
        ("chat_tools_need_effort_none", set(), BOTH),
        ("temperature_default_only", {TOOLS, REASONING}, BOTH),
    ],
)
def test_tools_can_move_a_request_to_responses(
    quirk: str, features: set[str], endpoints: tuple[Shape, ...]
) -> None:
    assert fitting(BOTH, {quirk}, features) == endpoints


def test_a_model_that_is_not_at_responses_stays_where_it_is() -> None:
    assert fitting((Shape.CHAT,), {"tools_responses_only"}, {TOOLS}) == (Shape.CHAT,)


@pytest.mark.parametrize(
    ("features", "effort"),
    [
        ({TOOLS, REASONING}, REASONING),
        ({NO_REASONING}, NO_REASONING),
        ({TOOLS}, ""),
        (set(), ""),
    ],
)
def test_a_requests_features_say_its_effort(features: set[str], effort: str) -> None:
    assert effort_of(features) == effort
