"""What a client's events ask for."""

from typing import Any

import pytest

from gateway.demo.refusals import Refused
from gateway.demo.sockets.creates import check_steering, create_of, event_type, stream_id_of


def test_a_create_is_the_request_and_what_is_the_sockets() -> None:
    create = create_of(
        {"type": "response.create", "model": "m", "input": "x", "stream": False, "stream_id": "a"}
    )
    assert create.body == {"model": "m", "input": "x", "stream": True}
    assert (create.stream_id, create.generates, create.previous) == ("a", True, None)


@pytest.mark.parametrize(
    ("given", "generates"),
    [
        ({"generate": None}, True),
        ({"generate": False}, False),
        ({"prompt_cache_options": {"prewarm": True}}, False),
        ({"prompt_cache_options": {"prewarm": False}, "generate": True}, True),
        ({"prompt_cache_options": 7}, True),
    ],
)
def test_a_create_may_only_prepare(given: dict[str, Any], generates: bool) -> None:
    assert create_of({"type": "response.create", **given}).generates is generates


def test_types_are_checked() -> None:
    assert event_type({"type": "response.processed"}) == "response.processed"
    with pytest.raises(Refused, match=r"'response.create', and 'response.steer'"):
        event_type({"type": "session.update"})


def test_an_error_carries_a_stream_id_that_is_one() -> None:
    assert stream_id_of({"stream_id": "a"}) == "a"
    assert stream_id_of({"stream_id": 1}) is None


def test_steering_takes_three_members() -> None:
    right = {"type": "response.steer", "previous_response_id": "r", "input": [{}]}
    check_steering(right)
    for wrong in ({**right, "input": []}, {**right, "input": 1}, {**right, "stream_id": "a"}):
        with pytest.raises(Refused):
            check_steering(wrong)
    with pytest.raises(Refused, match="Missing required parameter: 'input'"):
        check_steering({"type": "response.steer", "previous_response_id": "r"})
