"""Errors on a socket: OpenAI's form, with nothing in it that is secret."""

from typing import Any

import msgspec
import pytest
from openai.types.responses.responses_server_event import ResponseWsError

from gateway.api.sockets.error_frames import frame_of, frame_of_event, frame_of_reply
from gateway.errors import GatewayError, InvalidRequest, TruncatedStream
from gateway.shapes import Json, RawHeaders

ID = {"x-request-id": "req_1"}


def read(frame: bytes) -> Any:
    decoded = msgspec.json.decode(frame)
    ResponseWsError.model_validate(decoded, strict=True)
    return decoded


def of_reply(body: bytes | Json, status: int = 400, fields: RawHeaders = ()) -> Any:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return read(frame_of_reply(status, fields, encoded, None, {}))


def test_an_error_of_the_gateway_has_its_status_and_its_fields() -> None:
    error = GatewayError("Wait.", status=429, code="busy", headers=(("retry-after", "1"),))
    assert read(frame_of(error, "a", ID)) == {
        "type": "error",
        "status": 429,
        "error": {
            "message": "Wait.",
            "type": "server_error",
            "param": None,
            "code": "busy",
            "headers": {"retry-after": "1", "x-request-id": "req_1"},
        },
        "stream_id": "a",
    }


def test_an_error_without_header_fields_names_none() -> None:
    frame = read(frame_of(InvalidRequest("No.", param="input")))
    assert frame["error"]["param"] == "input"
    assert "headers" not in frame["error"]
    assert "stream_id" not in frame


def test_an_upstreams_envelope_stays_as_it_is() -> None:
    error: Json = {"message": "No.", "type": "t", "code": "c", "param": None, "misalignment": {}}
    assert of_reply({"error": error}, 418) == {"type": "error", "status": 418, "error": error}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"object": "error", "message": "No such thing.", "code": 404}, "No such thing."),
        ({"error": {"message": "No.", "type": "t", "code": 400}}, "No."),
        ({"error": {"message": "No.", "type": "t", "param": 5}}, "No."),
        ({"error": {"message": "No."}}, "No."),
        ({"error": "No."}, "No."),
        ({"detail": "No."}, "No."),
        (b"Bad gateway", "Bad gateway"),
        (b"\xff", "400"),
        (b"[]", "400"),
        (b"", "no body"),
    ],
)
def test_other_envelopes_become_openais(body: Json | bytes, message: str) -> None:
    frame = of_reply(body)
    assert message in frame["error"]["message"]
    assert frame["status"] == 400


def test_a_reply_shows_when_to_retry_and_no_secret() -> None:
    fields = (
        (b"retry-after", b"7"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"set-cookie", b"session=secret"),
        (b"authorization", b"Bearer secret"),
    )
    frame = of_reply({"error": {"message": "Wait.", "type": "requests"}}, 429, fields)
    assert frame["error"]["headers"] == {"retry-after": "7", "x-ratelimit-remaining-requests": "0"}


FLAT = {
    "type": "error",
    "sequence_number": 3,
    "code": "server_error",
    "message": "Oh.",
    "param": None,
}


def of_event(event: Json, failure: GatewayError | None = None) -> Any:
    return read(frame_of_event(msgspec.json.encode(event), failure, "a", ID))


def test_a_flat_event_gets_the_form_of_the_socket() -> None:
    assert of_event(FLAT) == {
        "type": "error",
        "status": 502,
        "error": {
            "message": "Oh.",
            "type": "server_error",
            "param": None,
            "code": "server_error",
            "headers": ID,
        },
        "sequence_number": 3,
        "stream_id": "a",
    }


def test_the_error_behind_an_event_gives_it_its_status() -> None:
    failure = TruncatedStream("Cut.", status=504, headers=(("retry-after", "1"),))
    frame = of_event({"type": "error", "error": {"message": "Cut.", "type": "t"}}, failure)
    assert (frame["status"], frame["error"]["message"]) == (504, "Cut.")
    assert frame["error"]["headers"] == {"retry-after": "1", **ID}


def test_known_words_give_an_event_its_status() -> None:
    assert of_event({**FLAT, "code": "rate_limit_exceeded"})["status"] == 429


def test_an_event_that_says_nothing_is_an_error_too() -> None:
    frame = of_event({"type": "error", "error": 5, "sequence_number": "x"})
    assert frame["status"] == 502
    assert frame["error"]["message"]
    assert "sequence_number" not in frame
