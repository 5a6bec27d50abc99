"""The events of clients: what becomes a request, and what is refused."""

from typing import Any

import msgspec
import pytest

from gateway.api.sockets.client_events import BadEvent, Create, read_event
from gateway.shapes import Json


def read(**event: Any) -> Create | None:
    return read_event(msgspec.json.encode(event))


def created(**fields: Any) -> Create:
    create = read(type="response.create", **fields)
    assert create is not None
    return create


def refused(message: bytes | Json) -> BadEvent:
    encoded = message if isinstance(message, bytes) else msgspec.json.encode(message)
    with pytest.raises(BadEvent) as caught:
        read_event(encoded)
    return caught.value


def body(create: Create) -> Any:
    return msgspec.json.decode(msgspec.json.encode(create.fields))


def test_a_create_is_a_request_without_the_fields_of_an_event() -> None:
    create = created(model="m", input="Hi", stream=False, generate=True, stream_id="a", x={"y": 1})
    assert body(create) == {"model": "m", "input": "Hi", "stream": True, "x": {"y": 1}}
    assert (create.stream_id, create.generates, create.previous) == ("a", True, None)
    assert msgspec.json.decode(create.message)["type"] == "response.create"


def test_values_stay_as_the_client_has_written_them() -> None:
    create = read_event(b'{"type":"response.create", "input": "\\u00e9", "temperature": 1.00}')
    assert create is not None
    sent = msgspec.json.encode(create.fields)
    assert sent == b'{"input":"\\u00e9","temperature":1.00,"stream":true}'


@pytest.mark.parametrize(("generate", "generates"), [(False, False), (None, True), (True, True)])
def test_a_prewarm_does_not_generate(generate: bool | None, generates: bool) -> None:
    assert created(generate=generate).generates is generates


def test_a_cache_can_be_prewarmed_whatever_is_to_be_generated() -> None:
    for options, generates in (({"prewarm": True}, False), ({"prewarm": False}, True), (1, True)):
        assert created(generate=True, prompt_cache_options=options).generates is generates


def test_the_response_that_it_continues_is_read() -> None:
    assert created(previous_response_id="resp_1", stream_id=None).previous == "resp_1"
    assert created(previous_response_id=5).previous == 5


def test_a_courtesy_needs_no_answer() -> None:
    assert read(type="response.processed", response_id="resp_1") is None


@pytest.mark.parametrize(
    ("event", "param", "code"),
    [
        ({"type": "response.cancel"}, "type", "invalid_value"),
        ({"model": "m"}, "type", "invalid_type"),
        ({"type": 5}, "type", "invalid_type"),
        ({"type": "response.create", "generate": "no"}, "generate", "invalid_type"),
        ({"type": "response.create", "stream_id": 5}, "stream_id", "invalid_type"),
        ({"type": "response.create", "stream_id": ""}, "stream_id", "invalid_type"),
        ({"type": "response.create", "stream_id": "a" * 257}, "stream_id", "invalid_type"),
        ({"type": "response.create", "background": True}, "background", "unsupported_parameter"),
        ({"type": "response.steer", "input": "Hi"}, "type", "steering_not_supported"),
        ({"type": "response.inject"}, "type", "steering_not_supported"),
        (b"[]", None, None),
        (b"{", None, None),
        (b"", None, None),
        (
            b'{"type":"response.create","previous_response_id":"\\ud800"}',
            "previous_response_id",
            None,
        ),
    ],
)
def test_what_cannot_be_a_request_is_refused(
    event: Json | bytes, param: str | None, code: str | None
) -> None:
    error = refused(event).error
    assert error.status == 400
    assert error.param == param
    assert code is None or error.code == code


def test_an_unknown_event_is_named_and_shortened() -> None:
    message = refused({"type": "response.dance" + "!" * 1000}).error.message
    assert "'response.dance!" in message
    assert "response.create" in message
    assert len(message) < 200


def test_a_refusal_has_the_stream_of_its_event() -> None:
    bad = refused({"type": "response.create", "stream_id": "a", "background": True})
    assert (bad.stream_id, bad.steered) == ("a", "")


@pytest.mark.parametrize(
    ("event", "steered"),
    [
        ({"type": "response.steer", "previous_response_id": "r1"}, "r1"),
        ({"type": "response.inject", "response_id": "r1"}, "r1"),
        ({"type": "response.steer", "response_id": "r1"}, ""),
        ({"type": "response.steer", "previous_response_id": 5}, ""),
        ({"type": "response.steer"}, ""),
        ({"type": "response.cancel", "response_id": "r1", "previous_response_id": "r1"}, ""),
        (b'{"type":"response.steer","previous_response_id":"\\ud800"}', ""),
    ],
)
def test_a_steering_event_names_the_response_that_it_is_for(
    event: Json | bytes, steered: str
) -> None:
    assert refused(event).steered == steered
