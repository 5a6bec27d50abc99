"""What is read of an upstream's events."""

import pytest

from gateway.exchange.sockets.events import USUAL, Event, read_event, with_documented_end


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        (b'{"type":"response.completed","response":{"id":"r1"}}', True),
        (b'{"type":"response.done","response":{"id":"r1","status":"completed"}}', True),
        (b'{"response":{"id":"r1"},"type":"response.failed"}', True),
        (b'{"type":"response.incomplete","response":{"id":"r1"}}', True),
        (b'{"type":"error","error":{}}', True),
        (b'{"type":"error","error":"Oh."}', True),
        (b'{"type":"error","status":"400","error":[]}', True),
        (b'{"type":"error","error":{"message":"\\ud83d"}}', True),
        (b'{"error":{"message":"Oh."},"status":400}', True),
        (b'{"type":"response.failed","response":{"id":null}}', True),
        (b'{"type":"response.completed","response":{"id":7},"stream_id":3}', True),
        (b'{"type":"response.incomplete","response":{"incomplete_details":"max_tokens"}}', True),
        (b'{"type":"response.completed","response":["x"]}', True),
        (b'{"type":"response.completed","response":{"id":"\\ud83d"}}', True),
        (b'{"type":"response.completed","response":{"id":"r1"},"logprob":NaN}', True),
        (b'{"type":"response.completed","response":{"id":"\xff"}}', True),
        (b'{"type":"response.created","error":null}', False),
        (b'{"type":"response.created","response":{"id":"r1"}}', False),
        (b'{"type":"response.output_text.delta","delta":"response.completed"}', False),
        (b'{"type":"response.steer.accepted"}', False),
        (b"{}", False),
    ],
)
def test_a_turn_ends_with_certain_events(message: bytes, ends: bool) -> None:
    assert read_event(message).ends_turn is ends
    assert not (ends and message.startswith(USUAL))


def test_a_response_that_was_steered_is_followed_by_another() -> None:
    steered = b'{"type":"response.incomplete","response":{"incomplete_details":{"reason":"%b"}}}'
    event = read_event(steered % b"steered")
    assert (event.ends_turn, event.is_steered) == (False, True)
    assert read_event(steered % b"max_output_tokens").ends_turn


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"[]", b"{", b"\xff", b"[" * 5000, b'{"type":1}', b'{"response":[]}'),
        b'{"type":1,"error":{}}',
    ],
)
def test_what_is_not_an_event_is_none_that_matters(message: bytes) -> None:
    event = read_event(message)
    assert (event.type, event.ends_turn, event.error_status) == ("", False, 0)
    assert (event.is_error, event.status) == (False, 200)


def test_the_ids_of_a_response_and_of_its_stream_are_read() -> None:
    event = read_event(b'{"type":"response.created","response":{"id":"r1"},"stream_id":"s"}')
    assert (event.response_id, event.stream_id) == ("r1", "s")
    event = read_event(b'{"type":"response.created","response":{"id":7},"stream_id":7}')
    assert (event.type, event.response_id, event.stream_id) == ("response.created", "", None)
    assert Event().response_id == ""


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        (b'{"type":"error","status":400,"error":{"code":"c"}}', 400, "c"),
        (b'{"type":"error","status":429,"error":{"code":7}}', 429, "7"),
        (b'{"type":"error","error":{"code":null}}', 500, ""),
        (b'{"type":"error","error":{"code":"invalid_api_key"}}', 401, "invalid_api_key"),
        (b'{"type":"error","code":"invalid_api_key"}', 401, "invalid_api_key"),
        (b'{"type":"error","code":["x"]}', 500, ""),
        (b'{"type":"error","error":{"code":"403"}}', 403, "403"),
        (b'{"type":"error","error":{"code":999}}', 500, "999"),
        (b'{"type":"error","status":200,"message":"flat"}', 500, ""),
        (b'{"type":"error","status":"429","error":{}}', 429, ""),
        (b'{"type":"error","status":"no","status_code":429,"error":{}}', 429, ""),
        (b'{"type":"error","status":400.0,"error":{"code":"c"}}', 400, "c"),
        (b'{"type":"error","status":NaN,"error":{"code":"c"}}', 500, "c"),
        (b'{"type":"error","status":{},"error":{"code":["x"]}}', 500, ""),
        (b'{"type":"error","code":"403","error":"No."}', 403, "403"),
        (b'{"status":400,"error":{"code":"c"}}', 400, "c"),
        (b'{"type":"response.failed","status":400}', 200, ""),
    ],
)
def test_errors_have_a_status_and_perhaps_a_code(message: bytes, status: int, code: str) -> None:
    event = read_event(message)
    assert (event.status, event.error_code, event.is_error) == (status, code, True)
    assert event.error_status in (status, 0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [('"incomplete"', "incomplete"), ("null", "completed"), ("NaN", "completed")],
)
def test_the_end_of_a_response_gets_the_type_that_clients_know(status: str, kind: str) -> None:
    message = b'{"type":"response.done","response":{"id":"\\ud83d","status":%b}}' % status.encode()
    found = read_event(with_documented_end(message))
    assert (found.type, found.ends_turn) == (f"response.{kind}", True)


def test_what_says_nothing_of_a_response_is_aside() -> None:
    assert read_event(b'{"type":"codex.rate_limits"}').is_aside
    assert not any(Event(kind).is_aside for kind in ("", "error", "response.created"))


def test_items_are_taken_when_they_are_complete() -> None:
    done = b'{"type":"response.output_item.done","item":{ "id":"m1" }}'
    assert not done.startswith(USUAL)
    assert [bytes(event.item or b"") for event in (read_event(done), Event())] == [
        b'{ "id":"m1" }',
        b"",
    ]
    assert read_event(done.replace(b"done", b"added")).item is None


@pytest.mark.parametrize(
    "name",
    [
        *("output_text.delta", "output_item.added", "content_part.done", "reasoning_text.delta"),
        *("function_call_arguments.delta", "mcp_call.in_progress"),
    ],
)
@pytest.mark.parametrize("space", [b"", b" "])
def test_most_events_are_known_by_their_beginning(name: str, space: bytes) -> None:
    message = b'{"type":%b"response.%b","delta":"x"}' % (space, name.encode())
    assert message.startswith(USUAL)
    assert not read_event(message).ends_turn
