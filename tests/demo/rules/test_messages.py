"""What a request is refused for, whatever its model."""

from typing import Any

import pytest

from gateway.demo.refusals import messages as refusals
from gateway.demo.rules.messages import LATEST
from tests.demo.messages_client import (
    ADAPTIVE,
    BUDGETED,
    USER,
    refusal,
    refused,
    say,
    send,
)

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize("missing", ["max_tokens", "messages"])
def test_what_is_required_is_asked_for(missing: str) -> None:
    body: Any = {"model": BUDGETED, "max_tokens": 9, "messages": [USER]}
    del body[missing]
    assert refusal(send(**body))[2] == f"{missing}: Field required"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"n": 2}, "n: Extra inputs are not permitted"),
        ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
        ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
        (
            {"stop_sequences": [" "]},
            "stop_sequences: each stop sequence must contain non-whitespace",
        ),
        ({"stop_sequences": "."}, "stop_sequences: Input should be a valid list"),
        ({"metadata": {"session": "x"}}, "metadata.session: Extra inputs are not permitted"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            "thinking.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: Field required"),
        (
            {"output_config": {"effort": "huge"}},
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        ),
        ({"service_tier": "flex"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        (
            {"system": [{"type": "text", "text": ""}]},
            "messages: text content blocks must be non-empty",
        ),
    ],
)
def test_a_wrong_parameter_is_named(given: Any, text: str) -> None:
    assert refused("hi", **given) == text


@pytest.mark.parametrize("stops", [None, [], ["."]])
def test_stop_sequences_may_be_null_or_empty(stops: Any) -> None:
    """As fast-agent sends them to Claude with every request; so do older programs of its kind."""
    assert say("hi", stop_sequences=stops).status == 200


def test_no_conversation_is_kept_and_sdks_are_told_so() -> None:
    asked: Any = {"thread": {"type": "create"}, "beta": "message-threads-2026-08-12"}
    assert refused("hi", **asked) == "thread: Threads are not available to this organization."
    assert refusals.no_threads().envelope()["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["hipaa"],
    }


@pytest.mark.parametrize(
    ("field", "beta"),
    [
        ({"display": "updates"}, "thinking-display-updates-2026-08-18"),
        ({"block_binding": {}}, "thinking-binding-controls-2026-08-01"),
        ({"block_binding": None}, "thinking-binding-controls-2026-08-01"),
    ],
)
def test_a_beta_allows_its_field_of_thinking(field: dict[str, object], beta: str) -> None:
    """Claude Code asks for updates of what a model thinks where it prints them as they come."""
    asked: Any = {"model": ADAPTIVE, "thinking": {"type": "adaptive", **field}}
    assert say("hi", beta=f"effort-2025-11-24, {beta}", **asked).status == 200
    assert say("hi", beta="effort-2025-11-24", **asked).status == 400
    asked["thinking"]["zzz"] = 1
    assert say("hi", beta=beta, **asked).status == 400


def test_a_beta_does_not_allow_anything_in_place_of_thinking() -> None:
    asked: Any = {"thinking": "adaptive", "beta": "thinking-display-updates-2026-08-18"}
    assert say("hi", **asked).status == 400


def test_a_beta_allows_its_parameter() -> None:
    edits: Any = {"context_management": {"edits": []}}
    assert say("hi", beta="effort-2025-11-24, context-management-2025-06-27", **edits).status == 200
    assert say("hi", beta="effort-2025-11-24", **edits).status == 400
    form = {"type": "json_schema", "schema": SCHEMA}
    assert say("hi", beta="structured-outputs-2025-11-13", output_format=form).status == 200


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_the_latest_version_has_no_sampling(name: str) -> None:
    given: Any = {name: 1}
    assert say("hi", **given).status == 200
    assert refused("hi", version=LATEST, **given) == f"{name}: Extra inputs are not permitted"
    assert say("hi", version=LATEST).status == 200
