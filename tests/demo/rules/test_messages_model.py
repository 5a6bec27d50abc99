"""What single models refuse."""

from typing import Any

import pytest

from tests.demo.messages_client import ADAPTIVE, BUDGETED, CLOCK, PLAIN, refused, say
from tests.demo.rules.test_messages import SCHEMA

ENABLED = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize(
    ("model", "given", "text"),
    [
        (ADAPTIVE, {"temperature": 1}, "`temperature` is deprecated for this model."),
        (
            ADAPTIVE,
            {"thinking": ENABLED},
            (
                '"thinking.type.enabled" is not supported for this model. Use'
                ' "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            ),
        ),
        (
            BUDGETED,
            {"thinking": {"type": "adaptive"}},
            '"thinking.type.adaptive" is not supported for this model.',
        ),
        (
            BUDGETED,
            {"thinking": {**ENABLED, "budget_tokens": 2000}},
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        (
            BUDGETED,
            {"thinking": ENABLED, "tools": [CLOCK], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            BUDGETED,
            {"temperature": 0.5, "top_p": 0.5},
            (
                "`temperature` and `top_p` cannot both be specified for this model. Please use only"
                " one."
            ),
        ),
        (
            BUDGETED,
            {"thinking": ENABLED, "temperature": 0.5},
            "`temperature` may only be set to 1 when thinking is enabled.",
        ),
        (
            BUDGETED,
            {"thinking": ENABLED, "top_k": 5},
            "`top_k` and `top_p` below 0.95 may not be set when thinking is enabled.",
        ),
        (
            BUDGETED,
            {"output_config": {"effort": "low"}},
            "This model does not support the effort parameter.",
        ),
        (
            PLAIN,
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "output_config.format: This model does not support structured outputs.",
        ),
        (
            BUDGETED,
            {
                "output_config": {
                    "format": {
                        "type": "json_schema",
                        "schema": {**SCHEMA, "properties": {"a": {"type": "object"}}},
                    }
                }
            },
            (
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be"
                " explicitly set to false"
            ),
        ),
        (
            PLAIN,
            {"max_tokens": 9000},
            (
                "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens for"
                f" {PLAIN}"
            ),
        ),
    ],
)
def test_a_model_refuses_what_it_cannot_do(model: str, given: Any, text: str) -> None:
    assert refused("hi", model=model, **given) == text


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (ADAPTIVE, {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
        (PLAIN, {"thinking": {"type": "disabled"}}),
        (BUDGETED, {"thinking": {"type": "disabled"}, "temperature": 0.5, "top_k": 5}),
        (BUDGETED, {"thinking": ENABLED, "top_p": 0.95}),
        (
            BUDGETED,
            {"output_config": {"format": {"type": "json_schema", "schema": {"anyOf": [SCHEMA]}}}},
        ),
    ],
)
def test_a_model_takes_what_it_can_do(model: str, given: Any) -> None:
    assert say("hi", model=model, **given).status == 200
