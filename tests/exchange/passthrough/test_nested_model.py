"""Models that a body names within its session: in JSON, and in a form's field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.passthrough.nested_model import (
    NestedModel,
    form_with,
    in_form,
    in_json,
    json_with,
)
from gateway.exchange.restricted.permissions import NESTED_MODELS

SESSION = ("session", "model")
SPEECH = ("session", "audio", "input", "transcription", "model")
PLACES = (SESSION, SPEECH)


def form(*fields: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\nContent-Type: x/y\r\n\r\n%b\r\n'
    return b"".join(part % (name.encode(), value) for name, value in fields) + end


def test_the_places_are_those_by_which_clients_are_judged() -> None:
    assert NESTED_MODELS["/realtime/client_secrets"] == PLACES
    assert NESTED_MODELS["/realtime/transcription_sessions"] == (
        ("input_audio_transcription", "model"),
    )
    assert "/embeddings" not in NESTED_MODELS


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"session": {"model": "m"}}', NestedModel("m", SESSION)),
        (
            b'{"session": {"audio": {"input": {"transcription": {"model": "w"}}}}}',
            NestedModel("w", SPEECH),
        ),
        (rb'{"session": {"instructions": "\ude00", "model": "m"}}', NestedModel("m", SESSION)),
        (b'{"session": {"model": ""}}', None),
        (b'{"session": {"model": 1}}', None),
        (b'{"session": "x", "model": "m"}', None),
        (b'["session"]', None),
        (b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", None),
        (b"\xff", None),
    ],
)
def test_a_json_objects_model_is_found(body: bytes, found: NestedModel | None) -> None:
    assert in_json(body, PLACES) == found


def test_it_is_replaced_and_all_else_stays() -> None:
    body = b'{"a":1,"session":{"type":"realtime","model":"m","x":[null]}}'
    assert json_with(body, SESSION, "n") == body.replace(b'"m"', b'"n"')


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ((("sdp", b"v=0"), ("session", b'{"model": "m"}')), NestedModel("m", SESSION)),
        ((("session", b' {\n"model": "m"}\r\n'),), NestedModel("m", SESSION)),
        ((("session", b'{"model": 1}'), ("session", b'{"model":"m"}')), NestedModel("m", SESSION)),
        ((("sdp", b'{"model": "m"}'),), None),
        ((("session", b"m"),), None),
        ((), None),
    ],
)
def test_a_forms_model_is_found(
    fields: tuple[tuple[str, bytes], ...], found: NestedModel | None
) -> None:
    assert in_form(form(*fields), PLACES) == found


def test_a_field_that_is_not_all_here_is_not_looked_into() -> None:
    assert in_form(form(("session", b'{"model": "m"}'), end=b"")[:-2], PLACES) is None


def test_the_field_where_it_was_found_is_changed() -> None:
    one, two = ("session", b'{"model":1}'), ("sdp", b"v=0")
    before = form(two, one, ("session", b'{"model":"m","x":"y"}'))
    after = form(two, one, ("session", b'{"model":"n","x":"y"}'))
    assert form_with(before, SESSION, "n") == after


@given(st.binary(max_size=200), st.text(max_size=20))
def test_whatever_comes_with_it_the_form_has_the_model_afterwards(rest: bytes, model: str) -> None:
    prefix = form(("session", b'{"model":"m"}')) + rest
    assert in_form(form_with(prefix, SESSION, model or "n"), PLACES) == (model or "n", SESSION)
