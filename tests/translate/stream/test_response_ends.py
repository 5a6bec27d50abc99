"""The end of a response under another name."""

from typing import Any

import pytest

from gateway.translate.stream.response_ends import documented


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status": "completed"}, "completed"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "failed"}, "failed"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "in_progress"}, "completed"),
        ({"status": None}, "completed"),
        ({"status": []}, "completed"),
        ({}, "completed"),
        (None, "completed"),
    ],
)
def test_it_has_the_type_of_its_status(response: Any, kind: str) -> None:
    event = {"type": "response.done", "sequence_number": 5, "response": response}
    assert documented(event) == {**event, "type": f"response.{kind}"}


@pytest.mark.parametrize("other", [5, "response.done", [], {}, {"type": "response.created"}])
def test_other_values_stay_as_they_are(other: Any) -> None:
    assert documented(other) is other
