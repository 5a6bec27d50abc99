"""Messages of a responses socket."""

import json

from gateway.demo.generation.answer import data_event
from gateway.demo.refusals.service import rate_limited
from gateway.demo.sockets.frames import error_frame, framed, prewarmed


def test_an_event_becomes_a_message_with_its_stream_id() -> None:
    event = data_event({"type": "response.created", "a": "}"}, "response.created")
    assert framed(event, None) == b'{"type":"response.created","a":"}"}'
    assert json.loads(framed(event, 'q"')) == {
        "type": "response.created",
        "a": "}",
        "stream_id": 'q"',
    }


def test_headers_of_an_error_are_in_it() -> None:
    frame = error_frame(rate_limited("m"), None)
    assert frame["status"] == 429
    assert frame["error"]["headers"]["x-ratelimit-reset-requests"] == "20s"
    assert "stream_id" not in frame


def test_a_prewarmed_response_is_complete_and_costs_nothing() -> None:
    response = {
        "status": "incomplete",
        "created_at": 7,
        "completed_at": None,
        "output": [{"id": "msg_1"}],
        "incomplete_details": {"reason": "max_output_tokens"},
        "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 1}},
    }
    started, done = (event["response"] for event in prewarmed(response, None))
    assert (started["status"], started["usage"]) == ("in_progress", None)
    assert (done["status"], done["completed_at"], done["output"]) == ("completed", 7, [])
    assert done["incomplete_details"] is None
    assert done["usage"] == {"input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}}
