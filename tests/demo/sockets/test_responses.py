"""`/v1/responses` over a WebSocket, with the client of `websockets` against the real server."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosed

from gateway.demo import emulator
from gateway.demo.emulator import Served
from gateway.demo.sockets.responses import MOST_WAITING
from tests.demo.sockets.client import CHAT_ONLY, KEY, LAST, ClientSocket, opened, text_of
from tests.rows import module_fixture
from tests.waiting import PATIENCE

TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}


@module_fixture
def served() -> Iterator[Served]:
    with emulator.serve() as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[ClientSocket]:
    served.journal.clear()
    with opened(served) as made:
        yield made


def test_events_are_those_of_the_stream_one_message_each(
    served: Served, client: ClientSocket
) -> None:
    events = client.turn(input="hi there")
    with openai.OpenAI(base_url=served.base_url, api_key=KEY, max_retries=0) as http:
        streamed = http.responses.create(
            model="gpt-4o-mini", store=False, input="hi there", stream=True
        )
        expected = [event.to_dict() for event in streamed]
    assert [event["type"] for event in events] == [event["type"] for event in expected]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event.keys() for event in events] == [event.keys() for event in expected]
    assert text_of(events[-1]["response"]) == "You said: hi there"


def test_stream_is_implied_whatever_it_says(client: ClientSocket) -> None:
    for stream in (True, False, None):
        assert text_of(client.done(input="hi", stream=stream)) == "You said: hi"
    options = {"include_obfuscation": False}
    events = client.turn(input="hi", stream_options=options)
    assert not any("obfuscation" in event for event in events)


def test_a_response_is_continued_from_the_memory_of_the_connection(client: ClientSocket) -> None:
    first = client.done(input="call clock", tools=[TOOL])
    (call,) = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "noon"}
    second = client.done(previous_response_id=first["id"], input=[output], tools=[TOOL])
    assert text_of(second) == "The tool said: noon"
    assert second["previous_response_id"] == first["id"]
    third = client.done(previous_response_id=second["id"], input="and now?")
    assert text_of(third) == "You said: and now?"
    assert third["usage"]["input_tokens"] > second["usage"]["input_tokens"]


def test_instructions_are_not_carried_over(client: ClientSocket) -> None:
    first = client.done(input="hi", instructions="Be brief.")
    second = client.done(input="ho", previous_response_id=first["id"])
    assert (first["instructions"], second["instructions"]) == ("Be brief.", None)


@pytest.mark.parametrize(
    "asked", [{"generate": False}, {"prompt_cache_options": {"prewarm": True}, "generate": True}]
)
def test_a_prewarmed_response_has_no_output_and_is_continued(
    client: ClientSocket, asked: dict[str, Any]
) -> None:
    created, completed = client.turn(input="call clock", tools=[TOOL], **asked)
    assert (created["type"], completed["type"]) == ("response.created", "response.completed")
    assert (created["sequence_number"], completed["sequence_number"]) == (0, 1)
    assert created["response"]["status"] == "in_progress"
    warmed = completed["response"]
    assert (warmed["output"], warmed["usage"]["total_tokens"]) == ([], 0)
    follow_up = [{"role": "user", "content": "call clock"}]
    done = client.done(previous_response_id=warmed["id"], input=follow_up, tools=[TOOL])
    assert [item["type"] for item in done["output"]] == ["function_call"]


def test_a_prewarm_is_checked_like_any_request(client: ClientSocket) -> None:
    assert client.refused(generate=False)["error"]["param"] == "input"
    assert client.refused(generate=False, input="x", model="nope")["error"]["param"] == "model"


def not_found(known_as: str) -> dict[str, Any]:
    return {
        "type": "error",
        "status": 400,
        "error": {
            "type": "invalid_request_error",
            "code": "previous_response_not_found",
            "message": f"Previous response with id '{known_as}' not found.",
            "param": "previous_response_id",
        },
    }


def test_a_response_of_another_connection_is_not_found(
    served: Served, client: ClientSocket
) -> None:
    first = client.done(input="hi")
    with opened(served) as other:
        refused = other.refused(input="ho", previous_response_id=first["id"])
        assert refused == not_found(first["id"])
        assert text_of(other.done(input="in full")) == "You said: in full"


def test_only_the_last_response_of_a_stream_is_remembered(client: ClientSocket) -> None:
    first = client.done(input="one")
    client.done(input="two", previous_response_id=first["id"])
    assert client.refused(input="x", previous_response_id=first["id"]) == not_found(first["id"])


@pytest.mark.parametrize(
    ("wrong", "last"),
    [
        (
            [{"type": "function_call_output", "call_id": "call_none", "output": "x"}],
            "No tool call found for function call output with call_id call_none.",
        ),
        ("!fail-midstream", None),
    ],
)
def test_a_failed_turn_forgets_what_it_continued(
    client: ClientSocket, wrong: Any, last: str | None
) -> None:
    first = client.done(input="one")
    events = client.turn(input=wrong, previous_response_id=first["id"])
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["message"] == last or last is None
    if last is None:
        assert client.next()["type"] == "response.failed"
    assert client.refused(input="x", previous_response_id=first["id"]) == not_found(first["id"])


def test_streams_have_their_own_queues_and_may_fork(served: Served, client: ClientSocket) -> None:
    first = client.done(input="shared", stream_id="a")
    client.create(input="!slow one", stream_id="a", previous_response_id=first["id"])
    client.until("response.output_text.delta")
    client.create(input="two", stream_id="a")
    fork = client.turn(input="forked", stream_id="b", previous_response_id=first["id"])
    assert {event["stream_id"] for event in fork} == {"b"}
    assert text_of(fork[-1]["response"]) == "You said: forked"
    slow, waited = client.released(served, *LAST), client.until(*LAST)
    assert {event["stream_id"] for event in slow + waited} == {"a"}
    assert text_of(slow[-1]["response"]) == "You said: !slow one"
    assert text_of(waited[-1]["response"]) == "You said: two"


def test_creates_without_a_stream_id_run_one_after_another(client: ClientSocket) -> None:
    for word in ("one", "two", "three"):
        client.create(input=word)
    turns = [client.until(*LAST) for _ in range(3)]
    for word, events in zip(("one", "two", "three"), turns, strict=True):
        assert text_of(events[-1]["response"]) == f"You said: {word}"
        assert len({event["response"]["id"] for event in events if "response" in event}) == 1


def test_too_many_creates_are_refused(served: Served, client: ClientSocket) -> None:
    for _ in range(MOST_WAITING):
        client.create(input="!slow")
    client.until("response.output_text.delta")
    client.create(input="x", stream_id="other")
    refused = client.next()
    assert (refused["status"], refused["stream_id"]) == (429, "other")
    assert refused["error"]["headers"]["retry-after"] == "20"


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"messages": []}, "messages", "unsupported_parameter"),
        ({"nonsense": 1}, "nonsense", "unknown_parameter"),
        ({"background": True}, "background", "unsupported_parameter"),
        ({"background": 1}, "background", "invalid_type"),
        ({"generate": "no"}, "generate", "invalid_type"),
        ({"stream_id": ""}, "stream_id", "empty_string"),
        ({"stream_id": 7}, "stream_id", "invalid_type"),
        ({"previous_response_id": 7}, "previous_response_id", "invalid_type"),
        ({"model": CHAT_ONLY}, "model", "model_not_found"),
        ({"model": "nope"}, "model", "model_not_found"),
        ({"input": "!429"}, None, "rate_limit_exceeded"),
    ],
)
def test_wrong_requests_are_refused_and_the_socket_stays_open(
    client: ClientSocket, given: dict[str, Any], param: str | None, code: str
) -> None:
    refused = client.refused(**{"input": "x", **given})
    assert (refused["error"]["param"], refused["error"]["code"]) == (param, code)
    assert refused["status"] == (429 if "!429" in str(given) else 400)
    assert client.done(input="still here")


def test_paths_in_errors_are_those_of_the_new_input(client: ClientSocket) -> None:
    first = client.done(input="one")
    wrong = [{"role": "user", "content": [{"type": "nonsense"}]}]
    refused = client.refused(input=wrong, previous_response_id=first["id"])
    assert refused["error"]["param"] == "input[0].content[0].type"


def test_a_conversation_and_a_previous_response_exclude_each_other(client: ClientSocket) -> None:
    first = client.done(input="one")
    refused = client.refused(input="x", previous_response_id=first["id"], conversation="conv_1")
    assert refused["error"]["code"] == "mutually_exclusive_parameters"


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        ("no json", None, None),
        ("[]", None, None),
        ("{}", "type", "missing_required_parameter"),
        ('{"type": 1}', "type", "invalid_type"),
        ('{"type": "response.cancel"}', "type", "invalid_value"),
    ],
)
def test_what_is_not_an_event_is_refused(
    client: ClientSocket, sent: str, param: str | None, code: str | None
) -> None:
    client.connection.send(sent)
    error = client.next()
    assert (error["type"], error["status"]) == ("error", 400)
    assert (error["error"]["param"], error["error"]["code"]) == (param, code)
    assert client.done(input="still here")


def test_what_codex_sends_out_of_courtesy_is_ignored(client: ClientSocket) -> None:
    client.send(type="response.processed", response_id="resp_1")
    assert client.done(input="hi")


def test_nothing_can_be_steered(served: Served, client: ClientSocket) -> None:
    def steered(**event: Any) -> Any:
        client.send(type="response.steer", **event)
        (failed,) = client.until("response.steer.failed")
        return failed

    wrong = steered(previous_response_id="resp_1", input="x", stream_id="a")
    assert wrong["error"]["code"] == "invalid_input"
    assert steered(previous_response_id="resp_1")["error"]["code"] == "invalid_input"
    unknown = steered(previous_response_id="resp_1", input="x")
    assert unknown["error"]["code"] == "response_not_found"
    assert unknown["steer"] == {"previous_response_id": "resp_1", "input": "x"}
    done = client.done(input="hi")
    late = steered(previous_response_id=done["id"], input="x")
    assert late["error"]["code"] == "response_already_completed"
    client.create(input="!slow")
    started = client.until("response.output_text.delta")[0]["response"]
    running = steered(previous_response_id=started["id"], input="x")
    assert running["error"]["code"] == "steering_not_supported"
    served.release()


def test_an_error_within_a_stream_is_nested(client: ClientSocket) -> None:
    *_, error = client.turn(input="!fail-midstream a b c d", stream_id="a")
    assert error.keys() == {"type", "sequence_number", "error", "stream_id"}
    assert error["error"]["type"] == "server_error"
    failed = client.next()
    assert failed["type"] == "response.failed"
    assert failed["sequence_number"] == error["sequence_number"] + 1


def closed(client: ClientSocket) -> tuple[int, str]:
    """Read on until the socket is closed; return the code and the reason."""
    with suppress(ConnectionClosed):
        while client.connection.recv(PATIENCE):
            continue
    assert client.connection.close_code is not None
    return client.connection.close_code, client.connection.close_reason or ""


@pytest.mark.parametrize(("command", "code"), [("!truncate", 1006), ("!unfinished", 1011)])
def test_a_socket_breaks_in_the_middle_of_a_response(
    client: ClientSocket, command: str, code: int
) -> None:
    client.create(input=f"{command} a b c d")
    client.until("response.output_text.delta")
    assert closed(client)[0] == code


def test_a_binary_message_closes_the_socket(client: ClientSocket) -> None:
    client.connection.send(b"{}")
    assert closed(client) == (1003, "Only text messages are supported.")


def test_a_client_that_leaves_is_noticed(served: Served, client: ClientSocket) -> None:
    client.create(input="!endless")
    client.until("response.output_text.delta")
    client.connection.close()
    (record,) = served.journal
    assert record.disconnected.wait(PATIENCE)
    assert record.finished.wait(PATIENCE)


def test_the_journal_has_the_upgrade_and_what_was_sent(
    served: Served, client: ClientSocket
) -> None:
    client.done(input="hi")
    (record,) = served.journal
    assert (record.method, record.path, record.status) == ("GET", "/v1/responses", 101)
    (message,) = record.messages
    assert json.loads(message)["input"] == "hi"
    assert record.body_size == len(message)


def test_after_sixty_minutes_a_socket_is_over() -> None:
    now = 0.0
    with emulator.serve(emulator.build(clock=lambda: now)) as served, opened(served) as client:
        now = 3_599.0
        assert client.done(input="hi")
        now = 3_600.0
        refused = client.refused(input="ho")
        assert refused["error"]["code"] == "websocket_connection_limit_reached"
        assert closed(client)[0] == 1000


def test_a_running_stream_ends_with_the_emulator() -> None:
    with emulator.serve() as served, opened(served) as client:
        client.create(input="!endless")
        client.until("response.output_text.delta")
        served.emulator.barrier.lift()
        assert closed(client)[0] == 1006


def test_items_are_kept_unless_nothing_is_to_be_stored(client: ClientSocket) -> None:
    stored, unstored = (client.done(input="hi", store=store) for store in (True, False))
    reference = {"type": "item_reference", "id": stored["output"][0]["id"]}
    asked = [reference, {"role": "user", "content": "go on"}]
    done = client.done(input=asked)
    assert text_of(client.done(input="hm", previous_response_id=done["id"])) == "You said: hm"
    lost = {"type": "item_reference", "id": unstored["output"][0]["id"]}
    assert client.refused(input=[lost])["status"] in (400, 404)
