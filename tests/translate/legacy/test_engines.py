"""Engines are models, and a request to one is a request for it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UpstreamError
from gateway.translate.legacy import engines
from tests.translate.legacy.schemas import check_legacy, properties
from tests.translate.legacy.upstream_json import ANY_JSON, almost

CARD = {"id": "davinci", "object": "model", "created": 1649359874, "owned_by": "openai"}


def test_the_engine_becomes_the_model_and_the_librarys_own_keys_go() -> None:
    body = {"prompt": "Hi", "engine": "davinci", "deployment_id": None, "timeout": 20}
    assert engines.with_model(body, "davinci") == {"prompt": "Hi", "model": "davinci"}
    assert engines.with_model({"model": "davinci"}, "davinci") == {"model": "davinci"}
    assert engines.with_model({"model": None}, "davinci") == {"model": "davinci"}
    assert engines.without_place(body) == ["timeout"]
    assert engines.without_place({"timeout": None}) == []


@pytest.mark.parametrize("model", ["curie", "", 5, ["davinci"], pytest.param(10**5000, id="huge")])
def test_another_model_in_the_body_is_refused(model: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        engines.with_model({"model": model}, "davinci")
    assert caught.value.param == "model"
    assert "Cannot specify both model and engine" in caught.value.message


@pytest.mark.parametrize("name", ["engine", "deployment_id"])
def test_another_engine_in_the_body_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        engines.with_model({name: "curie"}, "davinci")
    assert caught.value.param == name
    assert "the path names 'davinci', the body 'curie'" in caught.value.message


def test_a_models_parameter_is_the_clients_engine() -> None:
    assert engines.client_param("model") == "engine"
    assert engines.client_param("prompt") == "prompt"
    assert engines.client_param(None) is None


def test_a_card_becomes_an_engine() -> None:
    engine = engines.engine_from_model(CARD)
    assert engine == {
        "id": "davinci",
        "object": "engine",
        "created": 1649359874,
        "owner": "openai",
        "permissions": None,
        "ready": True,
    }
    assert properties("Engine") <= set(engine)
    check_legacy("Engine", engine)


def test_what_a_card_lacks_is_null() -> None:
    engine = engines.engine_from_model({"id": "m", "created": "x", "owned_by": 5})
    assert (engine["created"], engine["owner"]) == (None, None)
    check_legacy("Engine", engine)


def as_json(*cards: Any) -> list[bytes]:
    return [msgspec.json.encode(card) for card in cards]


def test_what_is_not_a_card_is_left_out() -> None:
    deep = b"[" * 100_000
    cards = [*as_json(CARD, 5, {"id": 5}), b'{"id":"a"', deep]
    assert [engine["id"] for engine in engines.engines_from_cards(cards)] == ["davinci"]


def test_a_card_with_a_wrong_number_is_an_engine_without_it() -> None:
    cards = [b'{"id":"a","created":1e999}', b'\xef\xbb\xbf{"id":"b","created":NaN}']
    found = engines.engines_from_cards(cards)
    assert [(engine["id"], engine["created"]) for engine in found] == [("a", None), ("b", None)]


@given(ANY_JSON | almost("id", "created", "owned_by", inner=ANY_JSON | st.text()))
def test_any_card_is_an_engine_or_an_upstream_error(card: Any) -> None:
    try:
        engine = engines.engine_from_model(card)
    except UpstreamError:
        return
    check_legacy("Engine", engine)


@given(st.lists(almost("id", "created", inner=ANY_JSON)))
def test_any_cards_are_engines_or_left_out(cards: list[Any]) -> None:
    try:
        encoded = as_json(*cards)
    except OverflowError:
        return
    listed = {"object": "list", "data": engines.engines_from_cards(encoded)}
    check_legacy("ListEnginesResponse", listed)
