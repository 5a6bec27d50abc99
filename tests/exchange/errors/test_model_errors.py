from dataclasses import replace
from datetime import date

import pytest

from gateway.errors import GatewayError
from gateway.exchange.errors.model_errors import (
    Search,
    lives_elsewhere,
    model_not_found,
)
from gateway.resolve.evidence import Evidence, Route, Source
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Shape
from gateway.translate.parts.messages.errors import messages_error
from tests import kinds

TODAY = date(2026, 11, 18)
ROUTE = Route(
    "openai",
    "asked",
    "asked",
    kinds.OPENAI,
    Shape.CHAT,
    (Shape.CHAT,),
    Source.DEFAULT,
    (Evidence(Source.DEFAULT, "nothing is known", (Shape.CHAT,)),),
)
REFUSAL = Refusal(Verdict.MODEL_NOT_FOUND, message="No such model.")


def failed(route: Route, refusal: Refusal = REFUSAL, *nearest: str) -> GatewayError:
    search = Search([Shape.CHAT, Shape.CHAT], nearest=nearest)
    return model_not_found(route, refusal, 404, search, TODAY)


def test_a_missing_model_is_reported_with_what_was_checked_and_what_is_near() -> None:
    error = failed(ROUTE, REFUSAL, "near", "nearer")
    assert error.message == (
        "No such model. The gateway asked upstream 'openai' at /v1/chat/completions. "
        "What it knows: nothing is known. Did you mean 'near' or 'nearer'?"
    )
    assert (error.status, error.param, error.code) == (404, "model", "model_not_found")


def test_an_upstream_that_says_nothing_is_given_words() -> None:
    assert failed(ROUTE, replace(REFUSAL, message=" ")).message.startswith(
        "The model 'asked' does not exist. "
    )


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("No such model", "No such model. The gateway asked"),
        ("No such model. ", "No such model. The gateway asked"),
        ("Is it 'x'?", "Is it 'x'? The gateway asked"),
        ("unknown model 'x'\n", "unknown model 'x'. The gateway asked"),
        ("model not found:", "model not found. The gateway asked"),
        ("该模型不存在。", "该模型不存在。 The gateway asked"),
    ],
)
def test_the_upstreams_words_end_as_a_sentence(said: str, begins: str) -> None:
    assert failed(ROUTE, replace(REFUSAL, message=said)).message.startswith(begins)


@pytest.mark.parametrize(
    ("code", "shown"), [(None, "model_not_found"), ("404", "model_not_found"), ("gone", "gone")]
)
def test_the_upstreams_code_is_kept_if_it_is_a_word(code: str | None, shown: str) -> None:
    assert failed(ROUTE, replace(REFUSAL, code=code)).code == shown


def test_an_alias_says_what_it_stands_for() -> None:
    assert "('asked' is an alias of 'sent'.)" in failed(replace(ROUTE, model_sent="sent")).message


@pytest.mark.parametrize("said", ["model: sent", "model: sent."])
def test_anthropics_words_for_a_missing_model_have_the_clients_name_once(said: str) -> None:
    error = failed(replace(ROUTE, model_sent="sent"), replace(REFUSAL, message=said))
    told = "model: asked. ('asked' is an alias of 'sent'.) The gateway asked"
    assert error.message.startswith(told)
    assert messages_error(error, "asked")["error"]["message"] == error.message


def test_so_have_those_for_a_model_without_texts() -> None:
    refusal = Refusal(Verdict.MODEL_NOT_FOUND, other_endpoint="embeddings", message="model: sent")
    error = lives_elsewhere(replace(ROUTE, model_sent="sent"), refusal, 404, TODAY)
    assert error is not None
    told = "model: asked. The model 'asked' lives at /v1/embeddings."
    assert error.message.startswith(told)


@pytest.mark.parametrize(
    ("replacement", "advice"),
    [
        (None, "To keep the name working, alias it in the gateway's configuration."),
        ("gpt-5.4-mini", "add `asked: {model: gpt-5.4-mini}` to `models:`"),
        ("one or another", "Suggested instead: one or another. To keep the name working, alias"),
        ("the best there is.", "Suggested instead: the best there is. To keep the name working,"),
    ],
)
def test_a_retired_model_is_reported_with_advice_that_can_be_followed(
    replacement: str | None, advice: str
) -> None:
    retired = replace(ROUTE, retired="2026-09-28", replacement=replacement)
    assert "It was shut down on 2026-09-28." in failed(retired).message
    assert advice in failed(retired).message
    assert "shut down" not in failed(replace(retired, retired="2027-01-14")).message


def test_what_the_upstream_suggests_counts_more_than_the_catalogue() -> None:
    refusal = Refusal(
        Verdict.MODEL_RETIRED,
        replacement="kimi-k3",
        message="Model kimi-k2.5 has been retired",
    )
    for route in (ROUTE, replace(ROUTE, retired="2026-09-28", replacement="gpt-5.4-mini")):
        message = failed(route, refusal).message
        assert "The suggested replacement is kimi-k3;" in message
        assert "`asked: {model: kimi-k3}`" in message
        assert "gpt-5.4-mini" not in message


def test_a_model_that_the_upstream_calls_retired_can_be_aliased() -> None:
    refusal = replace(REFUSAL, verdict=Verdict.MODEL_RETIRED, message="It has been retired")
    assert failed(ROUTE, refusal).message.startswith(
        "It has been retired. To keep the name working, alias it in the gateway's configuration. "
    )


def test_a_refusal_that_came_as_a_success_is_a_404() -> None:
    error = model_not_found(ROUTE, REFUSAL, 200, Search([Shape.CHAT]), TODAY)
    assert (error.status, error.code) == (404, "model_not_found")


EMBEDDER = replace(ROUTE, other_endpoints=("embeddings",))
WRONG = Refusal(
    Verdict.WRONG_ENDPOINT,
    message="This is not a chat model",
    type="invalid_request_error",
)


def elsewhere(route: Route, refusal: Refusal, status: int = 404) -> GatewayError | None:
    return lives_elsewhere(route, refusal, status, TODAY)


@pytest.mark.parametrize("verdict", [Verdict.WRONG_ENDPOINT, Verdict.MODEL_NOT_FOUND])
def test_a_model_that_lives_elsewhere_is_refused_with_the_endpoint_to_call(
    verdict: Verdict,
) -> None:
    error = elsewhere(EMBEDDER, replace(WRONG, verdict=verdict))
    assert error is not None
    assert error.envelope() == {
        "error": {
            "message": "This is not a chat model. The model 'asked' lives at /v1/embeddings. "
            "Call that endpoint.",
            "type": "invalid_request_error",
            "param": "model",
            "code": None,
        }
    }
    assert error.status == 404


def test_such_a_refusal_keeps_the_upstreams_status_type_and_code() -> None:
    refusal = replace(WRONG, type="BadRequestError", code="unsupported", message="Pooling only?")
    error = elsewhere(EMBEDDER, refusal, 400)
    assert error is not None
    assert (error.status, error.type, error.code) == (400, "BadRequestError", "unsupported")
    assert error.message.startswith("Pooling only? The model")
    bare = elsewhere(EMBEDDER, replace(WRONG, type=None, code="400", message=""), 200)
    assert bare is not None
    assert (bare.status, bare.type, bare.code) == (404, "invalid_request_error", None)
    assert bare.message.startswith("The model 'asked' lives at")


def test_the_upstreams_word_on_the_endpoint_counts_more() -> None:
    error = elsewhere(
        replace(EMBEDDER, retired="2020-01-01"), replace(WRONG, other_endpoint="moderations")
    )
    assert error is not None
    assert "lives at /v1/moderations. Call that endpoint." in error.message


def test_of_several_endpoints_one_is_to_be_called() -> None:
    both = replace(ROUTE, other_endpoints=("audio/transcriptions", "audio/speech"))
    error = elsewhere(both, WRONG)
    assert error is not None
    assert error.message.endswith(
        "lives at /v1/audio/transcriptions and /v1/audio/speech. Call one of these endpoints."
    )


@pytest.mark.parametrize(
    ("route", "refusal"),
    [
        (ROUTE, WRONG),
        (EMBEDDER, replace(WRONG, verdict=Verdict.OTHER)),
        (EMBEDDER, replace(WRONG, verdict=Verdict.UNKNOWN_ROUTE)),
        (EMBEDDER, replace(WRONG, verdict=Verdict.MODEL_RETIRED)),
        (replace(EMBEDDER, retired="2026-11-18"), WRONG),
        (replace(EMBEDDER, kind=kinds.AZURE), replace(WRONG, verdict=Verdict.MODEL_NOT_FOUND)),
    ],
    ids=["not known", "other", "route", "said to be retired", "retired", "not deployed"],
)
def test_other_refusals_name_no_endpoint(route: Route, refusal: Refusal) -> None:
    assert elsewhere(route, refusal) is None


def test_a_redirect_that_leads_nowhere_says_so() -> None:
    route = replace(ROUTE, redirected_to="new", model_sent="newest", retired="2020-01-02")
    message = failed(replace(route, replacement="newer")).message
    assert "(model 'asked' is redirected to 'new' by the gateway's configuration.)" in message
    assert "alias of" not in message
    assert "`new: {model: newer}`" in message
