"""A realtime session, with the client of `websockets` against the real server."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.demo import emulator
from gateway.demo.emulator import Served
from tests.demo.sockets.client import REALTIME, ClientSocket, opened, text_of
from tests.rows import module_fixture
from tests.waiting import PATIENCE

PATH = f"/realtime?model={REALTIME}"
SECOND = base64.b64encode(bytes(48_000)).decode()
TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}


@module_fixture
def served() -> Iterator[Served]:
    with emulator.serve() as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[ClientSocket]:
    served.journal.clear()
    with opened(served, PATH) as made:
        created = made.next()
        assert created["type"] == "session.created"
        assert created["session"]["model"] == REALTIME
        yield made


def say(client: ClientSocket, text: str, **more: Any) -> Any:
    """Add the user's message; return the item."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    client.send(type="conversation.item.create", item={**item, **more})
    added, done = client.until("conversation.item.done")
    assert added["type"] == "conversation.item.added"
    assert added["item"] == done["item"]
    return done["item"]


def respond(client: ClientSocket, **response: Any) -> list[Any]:
    client.send(type="response.create", response=response)
    return client.until("response.done", "error")


def error(client: ClientSocket, **event: Any) -> Any:
    client.send(**event)
    answer = client.next()
    assert answer["type"] == "error", answer
    return answer["error"]


def test_a_session_is_updated(client: ClientSocket) -> None:
    changes = {
        "type": "realtime",
        "instructions": "Be brief.",
        "output_modalities": ["text"],
        "audio": {"input": {"turn_detection": None}, "output": {"voice": "cedar"}},
    }
    client.send(type="session.update", session=changes)
    updated = client.next()
    assert updated["type"] == "session.updated"
    session = updated["session"]
    assert (session["instructions"], session["output_modalities"]) == ("Be brief.", ["text"])
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["output"]["speed"] == 1.0
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}


def test_an_answer_in_text(client: ClientSocket) -> None:
    say(client, "hi there")
    events = respond(client, output_modalities=["text"], metadata={"a": "b"})
    kinds = [event["type"] for event in events]
    deltas = kinds.count("response.output_text.delta")
    assert kinds == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * deltas,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert len({event["event_id"] for event in events}) == len(events)
    response = events[-1]["response"]
    assert (response["status"], response["metadata"]) == ("completed", {"a": "b"})
    assert text_of(response) == "You said: hi there"
    assert response["usage"]["output_token_details"]["audio_tokens"] == 0


def test_an_answer_in_silence_with_a_transcript(client: ClientSocket) -> None:
    say(client, "hi")
    events = respond(client)
    sound = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    words = [
        event["delta"]
        for event in events
        if event["type"] == "response.output_audio_transcript.delta"
    ]
    assert "".join(words) == text_of(events[-1]["response"]) == "You said: hi"
    assert len(sound) == len(words)
    assert base64.b64decode(sound[0]) == bytes(480)
    assert events[-1]["response"]["usage"]["output_token_details"]["audio_tokens"] == len(words)


def test_items_follow_one_another(client: ClientSocket) -> None:
    first = say(client, "one", id="item_1")
    assert first["id"] == "item_1"
    events = respond(client)
    (item,) = events[-1]["response"]["output"]
    added = next(each for each in events if each["type"] == "conversation.item.added")
    assert added["previous_item_id"] == "item_1"
    client.send(type="conversation.item.retrieve", item_id=item["id"])
    assert client.next()["item"] == item
    text = {"type": "input_text", "text": "Be kind."}
    system = {"type": "message", "role": "system", "content": [text]}
    client.send(type="conversation.item.create", item=system, previous_item_id="root")
    assert client.until("conversation.item.done")[-1]["previous_item_id"] is None
    truncating = {"item_id": item["id"], "content_index": 0, "audio_end_ms": 10}
    client.send(type="conversation.item.truncate", **truncating)
    assert client.next()["type"] == "conversation.item.truncated"
    client.send(type="conversation.item.delete", item_id=item["id"])
    assert client.next()["type"] == "conversation.item.deleted"
    gone = error(client, type="conversation.item.retrieve", item_id=item["id"])
    assert gone["code"] == "item_not_found"


def test_audio_is_counted_and_committed(served: Served, client: ClientSocket) -> None:
    client.send(type="input_audio_buffer.append", audio=SECOND)
    client.send(type="input_audio_buffer.append", audio=SECOND)
    client.send(type="input_audio_buffer.commit")
    committed, _, done = client.until("conversation.item.done")
    assert committed["type"] == "input_audio_buffer.committed"
    assert committed["item_id"] == done["item"]["id"]
    assert text_of(respond(client)[-1]["response"]) == "You said: [96000 bytes of audio]"
    empty = error(client, type="input_audio_buffer.commit", event_id="mine")
    assert (empty["code"], empty["event_id"]) == ("input_audio_buffer_commit_empty", "mine")
    (record,) = served.journal
    assert record.body_size > 2 * len(SECOND)
    assert not any("append" in message for message in record.messages)


def test_audio_that_waits_can_be_dropped(client: ClientSocket) -> None:
    client.send(type="input_audio_buffer.append", audio=SECOND)
    client.send(type="input_audio_buffer.clear")
    assert client.next()["type"] == "input_audio_buffer.cleared"
    assert error(client, type="input_audio_buffer.commit")["message"].endswith("0.00ms of audio.")


def test_a_tool_is_called_and_its_output_repeated(client: ClientSocket) -> None:
    client.send(type="session.update", session={"type": "realtime", "tools": [TOOL]})
    client.next()
    say(client, "call clock")
    events = respond(client)
    (call,) = events[-1]["response"]["output"]
    assert (call["type"], call["name"]) == ("function_call", "clock")
    done = next(e for e in events if e["type"] == "response.function_call_arguments.done")
    assert (done["call_id"], done["arguments"]) == (call["call_id"], call["arguments"])
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "noon"}
    client.send(type="conversation.item.create", item=output)
    client.until("conversation.item.done")
    assert text_of(respond(client)[-1]["response"]) == "The tool said: noon"


def test_a_response_beside_the_conversation_leaves_nothing_in_it(client: ClientSocket) -> None:
    text = {"type": "input_text", "text": "aside"}
    asked = [{"type": "message", "role": "user", "content": [text]}]
    events = respond(client, conversation="none", input=asked)
    assert not any(event["type"].startswith("conversation.") for event in events)
    response = events[-1]["response"]
    assert (text_of(response), response["conversation_id"]) == ("You said: aside", None)
    assert text_of(respond(client)[-1]["response"]) == "You said: "


def test_one_response_at_a_time_which_can_be_cancelled(
    served: Served, client: ClientSocket
) -> None:
    assert error(client, type="response.cancel")["code"] == "response_cancel_not_active"
    say(client, "!slow answer")
    client.send(type="response.create")
    started = client.until("response.output_audio_transcript.delta")[0]["response"]
    second = error(client, type="response.create")
    assert second["code"] == "conversation_already_has_active_response"
    other = error(client, type="response.cancel", response_id="resp_other")
    assert other["code"] == "response_cancel_not_active"
    client.send(type="response.cancel", response_id=started["id"])
    cancelled = client.until("response.done")[-1]["response"]
    assert (cancelled["id"], cancelled["status"]) == (started["id"], "cancelled")
    assert cancelled["status_details"]["reason"] == "client_cancelled"
    say(client, "and now")
    assert text_of(respond(client)[-1]["response"]) == "You said: and now"


def test_a_slow_response_goes_on_when_it_is_released(served: Served, client: ClientSocket) -> None:
    say(client, "!slow answer")
    client.send(type="response.create")
    client.until("response.output_audio_transcript.delta")
    done = client.released(served, "response.done")[-1]
    assert text_of(done["response"]) == "You said: !slow answer"


def test_a_limit_makes_a_response_incomplete(client: ClientSocket) -> None:
    say(client, "a b c d e")
    response = respond(client, max_output_tokens=2)[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"]["reason"] == "max_output_tokens"


@pytest.mark.parametrize(
    ("event", "param", "code"),
    [
        ({"type": "nonsense"}, "type", "invalid_value"),
        ({"type": "output_audio_buffer.clear"}, "type", "invalid_value"),
        ({}, "type", "missing_required_parameter"),
        ({"type": "session.update"}, "session", "missing_required_parameter"),
        ({"type": "session.update", "session": {}}, "session.type", "missing_required_parameter"),
        (
            {"type": "session.update", "session": {"type": "realtime", "model": "gpt-4o-mini"}},
            "session.model",
            "invalid_value",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime", "voice": "cedar"}},
            "session.voice",
            "unknown_parameter",
        ),
        ({"type": "input_audio_buffer.append", "audio": "no!"}, "audio", "invalid_value"),
        ({"type": "response.create", "stream": True}, "stream", "unknown_parameter"),
        (
            {"type": "response.create", "response": {"modalities": ["text"]}},
            "response.modalities",
            "unknown_parameter",
        ),
        (
            {"type": "response.create", "response": {"tool_choice": {"name": "none"}}},
            "tool_choice",
            None,
        ),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_id", "item_not_found"),
    ],
)
def test_wrong_events_are_errors_and_the_session_goes_on(
    client: ClientSocket, event: dict[str, Any], param: str, code: str | None
) -> None:
    found = error(client, **event)
    assert (found["param"], found["code"], found["event_id"]) == (param, code, None)
    say(client, "still here")


def test_an_item_has_an_id_of_its_own(client: ClientSocket) -> None:
    say(client, "one", id="item_1")
    again = {"type": "function_call_output", "call_id": "c", "output": "x", "id": "item_1"}
    found = error(client, type="conversation.item.create", item=again)
    assert found["param"] == "item.id"


def test_an_error_can_be_asked_for(client: ClientSocket) -> None:
    say(client, "!429")
    assert respond(client)[-1]["error"]["code"] == "rate_limit_exceeded"


def test_after_sixty_minutes_a_session_is_over() -> None:
    now = 0.0
    with (
        emulator.serve(emulator.build(clock=lambda: now)) as served,
        opened(served, PATH) as client,
    ):
        client.next()
        now = 3_600.0
        assert error(client, type="response.create")["code"] == "session_expired"
        with pytest.raises(ConnectionClosed):
            client.connection.recv(PATIENCE)
        assert client.connection.close_code == 1001
