"""Common chat streams as responses streams."""

import pytest

from gateway.fast.streams.chat_as_responses import ChatAsResponses
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, RESPONSES, chat
from tests.fast.streams.test_chat_as_completions import ODD
from tests.fast.streams.test_chat_as_messages import MORE
from tests.fast.streams.test_fast_stream import assert_same


@pytest.mark.parametrize("events", [*ODD, *MORE, [], chat()])
@pytest.mark.parametrize("options", [{}, {"instructions": "Be brief.", "temperature": 1}])
def test_a_stream_is_what_the_generic_path_makes_of_it(events: list[Json], options: Json) -> None:
    assert_same(RESPONSES, CHAT, events, options)


@pytest.mark.parametrize("events", MORE[:6])
def test_these_are_common(events: list[Json]) -> None:
    stream = ChatAsResponses({}, context_of({}))
    taken = [stream.take(event) for event in events]
    assert None not in taken
    assert stream.passes_text
