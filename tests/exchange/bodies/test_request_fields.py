"""What is read of a request body before anything is decoded whole."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.request_fields import (
    MOST_AT_ONCE,
    PATH_MODEL_WINS,
    check_encoding,
    features_of,
    field_names,
    has_any,
    model_of,
    read_object,
    read_objects,
    read_routed,
    read_words,
    with_path_model,
)
from gateway.exchange.decision import Decision
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.own_endpoint import watched


def test_the_names_of_fields_are_skimmed() -> None:
    assert field_names(b'{"a": {"b": 1}, "c": "d"}') == {"a", "c"}
    for odd in (b"[]", b'{"a": ', b'{"\xff": 1}', b"[" * 10_000):
        with pytest.raises(InvalidRequest):
            field_names(odd)


@pytest.mark.parametrize(
    ("fields", "features"),
    [
        (b"", set()),
        (b', "tools": [], "functions": null, "reasoning_effort": null', set()),
        (b', "tools": [{}]', {"tools"}),
        (b', "functions": [ {} ]', {"tools"}),
        (b', "reasoning_effort": "low"', {"reasoning"}),
        (b', "reasoning": {"effort": "high"}', {"reasoning"}),
        (b', "reasoning": {"summary": "auto"}', set()),
        (b', "reasoning": "odd"', set()),
        (b', "reasoning_effort": "none", "tools": [{}]', {"tools", "no_reasoning"}),
    ],
)
def test_features_are_what_can_move_the_endpoint(fields: bytes, features: set[str]) -> None:
    assert features_of(read_routed(b'{"model": "m"%b}' % fields)) == features


@pytest.mark.parametrize("value", [b"1e400", rb'"\ud800"'])
@pytest.mark.parametrize("name", [b"reasoning_effort", b"reasoning"])
def test_a_value_that_cannot_be_is_a_400_wherever_it_is_first_read(
    name: bytes, value: bytes
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        features_of(read_routed(b'{"model": "m", "%b": %b}' % (name, value)))
    assert refused.value.code == "invalid_json"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_400(data: bytes) -> None:
    for read in (lambda body: model_of(read_routed(body)), read_object):
        with suppress(InvalidRequest):
            assert isinstance(read(data), str | dict)


@pytest.mark.parametrize(
    ("body", "sent", "warning"),
    [
        (b'{"model": "m",  "x": 1}', b'{"model": "m",  "x": 1}', ""),
        (b'{ "x": 1.50 }', b'{"x":1.50,"model":"m"}', ""),
        (b'{"model": null, "x": 1e2}', b'{"model":"m","x":1e2}', ""),
        (b'{"model": "other", "x": [1]}', b'{"model":"m","x":[1]}', PATH_MODEL_WINS),
        (b'{"model": 5}', b'{"model":"m"}', PATH_MODEL_WINS),
        (b'{"x": 1234567890123456789012}', b'{"x":1234567890123456789012,"model":"m"}', ""),
    ],
)
def test_the_paths_model_is_put_into_the_body(body: bytes, sent: bytes, warning: str) -> None:
    decision = Decision()
    assert with_path_model(body, "m", decision) == sent
    assert decision.warning == warning


@pytest.mark.parametrize("model", ["", "a\nb", "a\x00", "x" * 513])
def test_a_path_may_name_no_model_that_a_body_may_not(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_path_model(b"{}", model, Decision())
    assert refused.value.param == "model"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"\\ud800": 1}', b'{"a":' + b"[" * 100_000])
def test_a_body_for_the_paths_model_must_be_an_object(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_path_model(body, "m", Decision())
    assert refused.value.code == "invalid_json"


def test_every_field_that_a_model_may_not_take_is_known_without_another_look() -> None:
    able = Capabilities(
        temperature=False,
        top_p=False,
        penalties=False,
        seed=False,
        logit_bias=False,
        logprobs=False,
        stop=False,
        verbosity=False,
        reasoning_effort=False,
        max_tokens_field="max_completion_tokens",
    )
    context = Context(model_asked="m", model_sent="m", capabilities=able, own_endpoint=able)
    for shape in Shape:
        names = watched(shape, context)
        assert names
        assert not has_any(read_routed(b'{"model": "m", "n": 1}'), names)
        for name in names:
            assert has_any(read_routed(msgspec.json.encode({name: None})), names)


def test_objects_are_decoded_and_other_fields_only_named() -> None:
    body = b'{"a": {"b": [1]}, "c": [{"d": 1}], "e": "{", "f": null, "g" :\n{} }'
    assert read_objects(body) == {"a": {"b": [1]}, "c": None, "e": None, "f": None, "g": {}}


def test_a_body_of_megabytes_is_decoded_like_a_small_one() -> None:
    items = [{"role": "user", "content": "é" * 1000}] * 1_000
    body = msgspec.json.encode({"a": items, "b": "x" * 1_000, "c": [1]})
    assert len(body) > MOST_AT_ONCE
    assert read_object(body) == msgspec.json.decode(body)
    for odd in (body[:-1], body + b",", b"[" + body + b"]", body.replace(b"user", b"us\xffr")):
        with pytest.raises(InvalidRequest):
            read_object(odd)
        with pytest.raises(InvalidRequest):
            check_encoding(odd) if b"\xff" in odd else read_routed(odd)


def test_what_is_not_utf8_is_found_in_bodies_of_any_size() -> None:
    for text in ("", "a" * 1_000, "é" * 1_000_000):
        body = msgspec.json.encode({"model": text})
        check_encoding(body)
        with pytest.raises(InvalidRequest, match="UTF-8") as raised:
            check_encoding(body[:-2] + b'\xff"}')
        assert raised.value.status == 400


def test_words_are_read_of_the_fields_that_may_have_them() -> None:
    body = b'{"a": "x", "b": {"c": "y"}, "d": 1e999, "e": null, "f": [1], "g": "z"}'
    assert read_words(body, ("a", "b", "d", "e", "f", "h")) == {"a": "x", "b": {"c": "y"}}
