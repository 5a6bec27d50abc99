"""The reason of an end: a stop, a limit, a filter, a refusal."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.messages_via_responses.output.ending import is_cut_off, stop_of
from gateway.translate.parts.messages.stop_reasons import WINDOW, Stop
from tests.translate.chat_via_responses.cases import LLAMACPP, USAGE
from tests.translate.messages_client import context


def ended(
    status: str = "completed",
    *,
    reason: str | None = None,
    calls: bool = False,
    refusal: str = "",
    limit: int | None = None,
    able: Capabilities | None = None,
    report: Report | None = None,
    **response: object,
) -> Stop:
    reply: Json = {"incomplete_details": reason and {"reason": reason}, "usage": USAGE, **response}
    sent: Json = {} if limit is None else {"max_output_tokens": limit}
    truncated = is_cut_off(status, reply, sent, context(able))
    report = report or Report(Shape.MESSAGES, Shape.RESPONSES)
    return stop_of(status, reply, report, has_calls=calls, refusal=refusal, truncated=truncated)


def test_a_natural_end_depends_on_calls_and_refusals() -> None:
    assert ended() == Stop("end_turn")
    assert ended(calls=True) == Stop("tool_use")
    assert ended(refusal="No.", calls=True) == Stop("refusal", explanation="No.")


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("max_output_tokens", None),
        ("max_tokens", None),
        (None, "none"),
        ("something", "something"),
        ("end_turn", "end_turn"),
    ],
)
def test_an_incomplete_response_has_reached_a_limit(
    reason: str | None, changed: str | None
) -> None:
    report = Report(Shape.MESSAGES, Shape.RESPONSES)
    assert ended("incomplete", reason=reason, calls=True, report=report) == Stop("max_tokens")
    expected = [f"incomplete_details.reason:{changed}->max_tokens"] if changed else []
    assert report.changed == expected


def test_a_full_window() -> None:
    word: str = WINDOW
    assert ended("incomplete", reason=word) == Stop(WINDOW)
    of_limit = ended("incomplete", reason="max_output_tokens", native_finish_reason=word)
    assert of_limit == Stop(WINDOW)


def test_filters_and_refusals() -> None:
    assert ended("incomplete", reason="content_filter") == Stop("refusal")
    filtered = ended("incomplete", reason="content_filter", refusal="No.")
    assert filtered == Stop("refusal", explanation="No.")


def test_a_response_that_was_steered_has_ended() -> None:
    assert ended("incomplete", reason="steered", calls=True) == Stop("end_turn")


def test_servers_that_call_everything_complete() -> None:
    assert ended(limit=5, able=LLAMACPP, calls=True) == Stop("max_tokens")
    assert ended(limit=6, able=LLAMACPP) == Stop("end_turn")
    assert ended(limit=5) == Stop("end_turn")
