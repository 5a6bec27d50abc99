"""One model's card, or that there is none: however upstreams say it, clients read OpenAI's 404."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule
from gateway.errors import ModelNotFound, UpstreamError
from gateway.exchange.decision import Decision
from gateway.shapes import RawHeaders, UpstreamCall
from tests.exchange.legacy_scene import AS_JSON, LegacyScene
from tests.exchange.models.test_listing import LOCAL
from tests.fakes import Answer, FakeReply, json_reply

CARD = {"id": "llama-3", "object": "model", "created": 1, "owned_by": "me"}
LISTED = json_reply({"object": "list", "data": [CARD, {"id": "org/model"}, {"id": "hidden-lama"}]})
ONE_API = {
    "error": {
        "message": "The model 'lama-3' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
}
DENIALS: dict[str, tuple[int, object]] = {
    "one-api": (200, ONE_API),
    "text": (200, {"error": "Model 'lama-3' not found"}),
    "flat": (200, {"object": "error", "message": "The model `lama-3` does not exist."}),
    "retired": (200, {"error": {"message": "The model `lama-3` has been deprecated"}}),
    "404": (404, {"object": "error", "message": "The model `lama-3` does not exist."}),
    "detail": (404, {"detail": "Model lama-3 not found"}),
}
NO_ROUTES: dict[str, tuple[int, object]] = {
    "LM Studio": (200, {"error": "Unexpected endpoint or method. (GET /v1/models/x)"}),
    "FastAPI": (404, {"detail": "Not Found"}),
    "llama.cpp": (404, {"error": {"message": "File Not Found", "code": 404}}),
    "method": (405, {"detail": "Method Not Allowed"}),
    "unheard of": (404, {"oops": "?"}),
    "list": (404, []),
}


def coming(status: int, body: object, how: str) -> FakeReply:
    """Return a reply: with its length, or without one in one piece or byte by byte."""
    if how == "length":
        return json_reply(body, status)
    raw = msgspec.json.encode(body)
    pieces = [raw] if how == "chunked" else [raw[at : at + 1] for at in range(len(raw))]
    return FakeReply(status, pieces=pieces)


def answering(reply: FakeReply, models: FakeReply = LISTED) -> Callable[[UpstreamCall], Answer]:
    """Answer with the same again and again, for a list and for all else."""
    return lambda call: replace(models if call.path == "/models" else reply, closed=False)


def absent(scene: LegacyScene, path: str = "/models/lama-3", **more: Any) -> ModelNotFound:
    with pytest.raises(ModelNotFound) as raised:
        scene.ask("GET", path, **more)
    return raised.value


HOW = pytest.mark.parametrize("how", ["length", "chunked", "bytewise"])


@HOW
@pytest.mark.parametrize("kind", DENIALS)
def test_a_denial_is_a_404_with_the_names_that_come_near(kind: str, how: str) -> None:
    status, body = DENIALS[kind]
    rules = (ModelRule("lama", model="llama-3"),)
    error = absent(LegacyScene(answering(coming(status, body, how)), LOCAL, rules=rules))
    assert (error.status, error.param, error.code) == (404, "model", "model_not_found")
    assert "ama-3" in error.message
    assert "upstream 'local' for its card" in error.message
    assert "Did you mean 'llama-3' or 'lama'?" in error.message


@HOW
@pytest.mark.parametrize("kind", NO_ROUTES)
def test_where_there_are_no_cards_they_are_in_the_list(kind: str, how: str) -> None:
    scene = LegacyScene(answering(coming(*NO_ROUTES[kind], how)), LOCAL)
    for name in ("llama-3", "org/model"):
        assert scene.ask("GET", f"/models/{name}").json["id"] == name
    assert scene.ask("GET", "/engines/llama-3").json["id"] == "llama-3"
    error = absent(scene)
    assert (error.status, error.code) == (404, "model_not_found")
    assert error.message.startswith("The model 'lama-3' does not exist")
    assert "Did you mean 'llama-3'" in error.message


def test_what_an_upstream_says_of_a_card_that_is_not_there_is_passed_on() -> None:
    gone = json_reply({"message": "Come back on Monday"}, 404)
    error = absent(LegacyScene(answering(gone), LOCAL))
    assert error.message.startswith("Come back on Monday. The gateway asked upstream 'local'")


def test_an_engine_that_is_denied_is_a_404_too() -> None:
    scene = LegacyScene(answering(json_reply(ONE_API)), LOCAL)
    assert absent(scene, "/engines/lama-3").param == "engine"


def test_a_client_sees_no_name_that_it_may_not_use() -> None:
    client = ClientSettings("team", ("0" * 64,), ("lama*", "llama*"))
    scene = LegacyScene(answering(json_reply(ONE_API)), LOCAL)
    assert "hidden-lama" not in absent(scene, client=client).message
    client = ClientSettings("team", ("0" * 64,), ("lama*",))
    assert "Did you mean" not in absent(scene, client=client).message


def test_a_list_that_could_not_be_read_is_not_asked_for_again() -> None:
    broken = json_reply({}, 500)
    scene = LegacyScene(answering(json_reply({"detail": "Not Found"}, 404), broken), LOCAL)
    decision = Decision()
    error = absent(scene, decision=decision)
    assert "Its models could not be listed: its reply has status 500." in error.message
    assert scene.network.paths == ["GET /models/lama-3", "GET /models"]
    assert decision.attempts == 2
    assert len(decision.failures) == 1


def test_what_goes_on_after_a_model_is_the_upstreams_to_deny() -> None:
    scene = LegacyScene(answering(json_reply({"detail": "Not Found"}, 404)), LOCAL)
    result = scene.ask("GET", "/models/llama-3/endpoints")
    assert (result.reply.status, result.json) == (404, {"detail": "Not Found"})


GZIP = ((b"content-encoding", b"gzip"),)


@pytest.mark.parametrize(
    "reply",
    [
        json_reply(CARD),
        json_reply({**CARD, "error": None}),
        json_reply({**CARD, "description": "x" * 5000}),
        coming(200, CARD, "bytewise"),
        json_reply({"error": {"message": "no key", "code": "invalid_api_key"}}),
        json_reply({"error": {"message": "Overloaded"}}, 503),
        json_reply(ONE_API, 404),
        json_reply({"error": {"message": "Ask the owner of the model"}}, 404),
        FakeReply(404, GZIP, (b"\x1f\x8b",)),
        FakeReply(200, GZIP, (b"\x1f\x8b",)),
    ],
)
def test_all_else_is_the_upstreams_own(reply: FakeReply) -> None:
    scene = LegacyScene(answering(reply), LOCAL)
    result = scene.ask("GET", "/models/lama-3")
    assert result.reply.status == reply.status
    assert result.body == b"".join(reply.pieces)
    assert scene.network.paths == ["GET /models/lama-3"]


def test_a_denial_of_another_request_is_passed_on() -> None:
    scene = LegacyScene(answering(json_reply(ONE_API)), LOCAL)
    result = scene.ask("DELETE", "/models/lama-3")
    assert (result.reply.status, result.json) == (200, ONE_API)


VERSIONED = (*AS_JSON, (b"anthropic-version", b"2023-06-01"))


def anthropics(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("denial", "headers"),
    [
        (ONE_API, VERSIONED),
        ({"error": {"message": "Ask the owner of the model"}}, VERSIONED),
        (anthropics("not_found_error", "model: lama-3"), AS_JSON),
    ],
)
def test_a_denial_in_the_other_apis_form_is_the_gateways_own_404(
    denial: dict[str, Any], headers: RawHeaders
) -> None:
    """Anthropic's SDKs read the type of an error, OpenAI's its code."""
    error = absent(LegacyScene(answering(json_reply(denial, 404)), LOCAL), headers=headers)
    assert error.code == "model_not_found"
    assert error.message.startswith(denial["error"]["message"])
    assert "Did you mean 'llama-3'" in error.message


def test_a_denial_in_the_clients_own_form_is_passed_on() -> None:
    denial = anthropics("not_found_error", "model: lama-3")
    scene = LegacyScene(answering(json_reply(denial, 404)), LOCAL)
    assert scene.ask("GET", "/models/lama-3", headers=VERSIONED).json == denial


@pytest.mark.parametrize(
    ("reply", "headers", "expected"),
    [
        (
            json_reply({"error": {"message": "no key", "code": "invalid_api_key"}}, 401),
            VERSIONED,
            (401, None, "invalid_api_key", "no key"),
        ),
        (
            json_reply({"detail": "busy"}, 503),
            VERSIONED,
            (503, None, None, "busy"),
        ),
        (
            json_reply(anthropics("authentication_error", "invalid x-api-key"), 401),
            AS_JSON,
            (401, "invalid_request_error", "invalid_api_key", "invalid x-api-key"),
        ),
        (
            FakeReply(502, pieces=[b"<html><title>Bad Gateway</title></html>"]),
            VERSIONED,
            (502, None, "upstream_error", "and a web page: Bad Gateway"),
        ),
    ],
)
def test_other_errors_come_in_the_clients_form(
    reply: FakeReply, headers: RawHeaders, expected: tuple[int, str | None, str | None, str]
) -> None:
    with pytest.raises(UpstreamError) as raised:
        LegacyScene(answering(reply), LOCAL).ask("GET", "/models/lama-3", headers=headers)
    error, (status, kind, code, text) = raised.value, expected
    assert (error.status, error.code) == (status, code)
    assert kind in (None, error.type)
    assert text in error.message


@pytest.mark.parametrize("reply", [FakeReply(503, GZIP, (b"\x1f\x8b",)), json_reply(CARD)])
def test_what_is_no_error_to_be_read_is_passed_on(reply: FakeReply) -> None:
    scene = LegacyScene(answering(reply), LOCAL)
    result = scene.ask("GET", "/models/llama-3", headers=VERSIONED)
    assert result.reply.status == reply.status


def test_what_goes_on_after_a_model_is_denied_in_the_clients_form() -> None:
    scene = LegacyScene(answering(json_reply({"detail": "Not Found"}, 404)), LOCAL)
    with pytest.raises(UpstreamError) as raised:
        scene.ask("GET", "/models/llama-3/endpoints", headers=VERSIONED)
    assert (raised.value.status, raised.value.message) == (404, "Not Found")
