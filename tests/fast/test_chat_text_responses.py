"""Common chat streams as responses streams."""

import pytest

from gateway.fast.chat_text_responses import ChatTextResponses
from gateway.shapes import Json
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, RESPONSES, chat
from tests.fast.test_chat_text_messages import MORE
from tests.fast.test_chat_texts import ODD
from tests.fast.test_streams import assert_same


@pytest.mark.parametrize("events", [*ODD, *MORE, [], chat()])
@pytest.mark.parametrize("options", [{}, {"instructions": "Be brief.", "temperature": 1}])
def test_a_stream_is_what_the_generic_path_makes_of_it(events: list[Json], options: Json) -> None:
    assert_same(RESPONSES, CHAT, events, options)


@pytest.mark.parametrize("events", MORE[:6])
def test_these_are_common(events: list[Json]) -> None:
    stream = ChatTextResponses({}, context_of({}))
    taken = [stream.take(event) for event in events]
    assert None not in taken
    assert stream.passes_text
