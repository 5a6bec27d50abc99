"""Engines are models, and a request to one is a request for it."""

from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UpstreamError
from gateway.translate.legacy import engines
from gateway.translate.legacy.engines import EnginePath
from tests.translate.legacy.schemas import check_legacy, properties
from tests.translate.legacy.upstream_json import ANY_JSON, almost

CARD = {"id": "davinci", "object": "model", "created": 1649359874, "owned_by": "openai"}


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/engines", EnginePath(None, None)),
        ("/engines/davinci", EnginePath("davinci", None)),
        ("/engines/davinci/completions", EnginePath("davinci", "completions")),
        ("/engines/davinci/chat/completions", EnginePath("davinci", "chat/completions")),
        ("/engines/org%2Fmodel/edits", EnginePath("org/model", "edits")),
        ("/engines/a+b%2Bc", EnginePath("a b+c", None)),
        (
            "/engines/curie%3Aft-org-2021-03-03-21-44-20/completions",
            EnginePath("curie:ft-org-2021-03-03-21-44-20", "completions"),
        ),
        ("/engines/", None),
        ("/engines/davinci/", None),
        ("/enginesX", None),
        ("/models", None),
    ],
)
def test_paths_are_taken_apart(path: str, read: EnginePath | None) -> None:
    assert engines.read_path(path) == read


@given(st.text(min_size=1))
def test_every_engine_that_the_old_library_quotes_is_found_again(name: str) -> None:
    path = engines.read_path(f"/engines/{quote_plus(name)}/completions")
    assert path == EnginePath(name, "completions")


def test_the_engine_becomes_the_model_and_the_librarys_own_keys_go() -> None:
    body = {"prompt": "Hi", "engine": "davinci", "deployment_id": None, "timeout": 20}
    assert engines.with_model(body, "davinci") == {"prompt": "Hi", "model": "davinci"}
    assert engines.with_model({"model": "davinci"}, "davinci") == {"model": "davinci"}
    assert engines.with_model({"model": None}, "davinci") == {"model": "davinci"}
    assert "timeout" in body


@pytest.mark.parametrize("model", ["curie", "", 5, ["davinci"], pytest.param(10**5000, id="huge")])
def test_another_model_in_the_body_is_refused(model: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        engines.with_model({"model": model}, "davinci")
    assert caught.value.param == "model"
    assert "Cannot specify both model and engine" in caught.value.message


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


def test_a_list_leaves_out_what_is_no_card() -> None:
    listed = engines.engines_from_models({"object": "list", "data": [CARD, 5, {"id": 5}]})
    assert [engine["id"] for engine in listed["data"]] == ["davinci"]
    check_legacy("ListEnginesResponse", listed)


@given(ANY_JSON | almost("id", "created", "owned_by", inner=ANY_JSON | st.text()))
def test_any_card_is_an_engine_or_an_upstream_error(card: Any) -> None:
    try:
        engine = engines.engine_from_model(card)
    except UpstreamError:
        return
    check_legacy("Engine", engine)


@given(almost("data", inner=ANY_JSON | st.lists(almost("id", "created", inner=ANY_JSON))))
def test_any_list_is_one_of_engines_or_an_upstream_error(models: Any) -> None:
    try:
        listed = engines.engines_from_models(models)
    except UpstreamError:
        return
    check_legacy("ListEnginesResponse", listed)
