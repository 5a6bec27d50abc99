"""Common responses streams as messages streams."""

import pytest

from gateway.fast.streams.responses_as_messages import ResponsesAsMessages
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import MESSAGES, RESPONSES, THOUGHT, responses
from tests.fast.streams.test_fast_stream import assert_same
from tests.fast.streams.test_responses_as_chat import ODD, Change, each

SEALED = {**THOUGHT, "encrypted_content": "x"}
MORE: list[Change] = [
    *each("0.response.model", None, "", 5),
    *each("1.response.service_tier", None, "priority", 5),
    *each("1.response.usage", {"input_tokens": 1, "output_tokens": 0}),
    *each("2.item", SEALED, {**THOUGHT, "id": "rs_2"}),
    *each("3.item", SEALED, {**THOUGHT, "id": "rs_2"}),
    *each("3.output_index", 5),
    *each("3.type", "response.output_item.added"),
    *each("11.response.output.0", SEALED, {**THOUGHT, "id": "rs_2"}),
    *each("11.response.model", "other", None),
    *each("11.response.service_tier", "flex", None),
]


@pytest.mark.parametrize("change", [*ODD, *MORE])
def test_a_stream_is_what_the_generic_path_makes_of_it(change: Change) -> None:
    assert_same(MESSAGES, RESPONSES, change(responses(" on", " and")), {})


@pytest.mark.parametrize("thinks", [True, False])
def test_reasoning_is_common(*, thinks: bool) -> None:
    events: list[Json] = responses(" on", " and", thinks=thinks)
    stream = ResponsesAsMessages(context_of({}), 99)
    assert None not in [stream.take(event) for event in events]
    assert stream.passes_text
    assert_same(MESSAGES, RESPONSES, events, {})


@pytest.mark.parametrize("thinks", [True, False])
def test_a_phase_is_not_since_it_is_reported(*, thinks: bool) -> None:
    events: list[Json] = responses(" on", " and", phase="final_answer", thinks=thinks)
    stream = ResponsesAsMessages(context_of({}), 99)
    assert None in [stream.take(event) for event in events]
    assert_same(MESSAGES, RESPONSES, events, {})


def test_events_that_come_twice_or_not_at_all() -> None:
    events = responses(" on", " and")
    for place in range(len(events)):
        assert_same(MESSAGES, RESPONSES, events[:place] + events[place + 1 :], {})
        assert_same(MESSAGES, RESPONSES, events[: place + 1] + events[place:], {})
        swapped = [*events[:place], *reversed(events[place : place + 2]), *events[place + 2 :]]
        assert_same(MESSAGES, RESPONSES, swapped, {})
