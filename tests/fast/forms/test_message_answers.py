"""Messages with one text, whole and as events."""

import msgspec
import pytest

from gateway.fast.forms.message_answers import TextStream, encode_message, usage
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.parts.messages.usage import messages_usage
from gateway.translate.stream.messages.message_events import events_of
from tests.fast.both_paths import CONTEXT

END = Stop("end_turn")


@pytest.mark.parametrize("tier", [None, "default", "priority", "unknown", 5])
@pytest.mark.parametrize("cached", [0, 2, 4, 9])
@pytest.mark.parametrize("written", [1, 4])
def test_the_usage_is_that_of_the_generic_path(tier: object, cached: int, written: int) -> None:
    counted = {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    encoded = msgspec.json.encode(usage(5, 3, cached, written, 2, tier))
    assert encoded == msgspec.json.encode(messages_usage(counted, tier))


def test_events_say_the_same_as_the_whole_message() -> None:
    stream = TextStream(CONTEXT)
    assert stream.ping() == []
    events = stream.open("own", None, None)
    assert stream.open("other", {}, "flex") == []
    assert stream.ping() == [{"type": "ping"}]
    events += [*stream.add_text("Hi."), *stream.close(END, None, None)]
    assert stream.length == 3
    whole = encode_message("Hi.", END, usage(0, 0, 0, 0, 0, None), "own", CONTEXT)
    message = {**msgspec.json.decode(whole), "usage": messages_usage(None)}
    assert events == list(events_of(message))


def test_a_refusal_has_details() -> None:
    whole = encode_message("No.", Stop("refusal"), usage(1, 1, 0, 0, 0, None), None, CONTEXT)
    assert msgspec.json.decode(whole)["stop_details"]["type"] == "refusal"
