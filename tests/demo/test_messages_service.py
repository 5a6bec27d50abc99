"""Anthropic's API beside OpenAI's, at one address."""

from typing import Any

import pytest

from gateway.demo import emulator
from tests.demo.client import ask, post
from tests.demo.messages_client import APP, BUDGETED, USER, VERSION, refusal, say, send

BODY: Any = {"model": BUDGETED, "max_tokens": 9, "messages": [USER]}


def asked(headers: dict[str, str], key: str | None = None) -> Any:
    return ask(APP, "POST", "/v1/messages", BODY, key=key, headers=headers)


@pytest.mark.parametrize("headers", [{"x-api-key": "sk-1"}, {"authorization": "Bearer sk-1"}])
def test_either_credential_is_taken(headers: dict[str, str]) -> None:
    assert asked({**headers, "anthropic-version": VERSION}).status == 200


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "x-api-key header is required"),
        ({"x-api-key": "wrong"}, "invalid x-api-key"),
        ({"authorization": "Bearer wrong"}, "invalid x-api-key"),
    ],
)
def test_no_key_no_service(headers: dict[str, str], text: str) -> None:
    assert refusal(asked({**headers, "anthropic-version": VERSION})) == (
        401,
        "authentication_error",
        text,
    )


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "anthropic-version: header is required"),
        ({"anthropic-version": "2"}, 'anthropic-version: "2" is not a valid version'),
    ],
)
def test_the_version_is_required(headers: dict[str, str], text: str) -> None:
    reply = asked({**headers, "x-api-key": "sk-1"})
    assert refusal(reply) == (400, "invalid_request_error", text)


def test_replies_are_marked_as_anthropics() -> None:
    headers = say("hi").headers
    assert headers["request-id"].startswith("req_")
    assert not {"x-request-id", "openai-version"} & headers.keys()


def test_models_answer_at_their_own_service_only() -> None:
    reply = say("hi", model="gpt-4o-mini")
    assert refusal(reply) == (404, "not_found_error", "model: gpt-4o-mini")
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/completions"):
        asked = {"messages": [USER], "input": "hi", "prompt": "hi"}
        name = {"chat/completions": "messages", "responses": "input", "completions": "prompt"}
        body = {name[path[4:]]: asked[name[path[4:]]]}
        assert "model_not_found" in post(APP, path, model=BUDGETED, **body).error()
    listed = ask(APP, "GET", "/v1/models").json()["data"]
    assert BUDGETED not in {card["id"] for card in listed}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind", "text"),
    [
        ("GET", "/v1/messages", None, 405, "invalid_request_error", "Method Not Allowed"),
        ("POST", "/v1/messages/nope", {}, 404, "not_found_error", "Not Found"),
        (
            "POST",
            "/v1/messages",
            b"[]",
            400,
            "invalid_request_error",
            "The request body is not valid JSON: expected an object",
        ),
        ("POST", "/v1/messages", {}, 400, "invalid_request_error", "model: Field required"),
        (
            "POST",
            "/v1/messages",
            {"model": 1},
            400,
            "invalid_request_error",
            "model: Input should be a valid string",
        ),
    ],
)
def test_what_is_not_a_request_is_refused_in_its_envelope(
    method: str, path: str, body: Any, status: int, kind: str, text: str
) -> None:
    reply = ask(APP, method, path, body, headers={"anthropic-version": VERSION})
    assert refusal(reply) == (status, kind, text)


def test_tokens_are_counted_without_a_limit() -> None:
    counted = send("/v1/messages/count_tokens", model=BUDGETED, messages=[USER], system="Be brief.")
    assert counted.json() == {"input_tokens": 10}
    limited = send("/v1/messages/count_tokens", model=BUDGETED, messages=[USER], max_tokens=9)
    assert refusal(limited)[2] == "max_tokens: Extra inputs are not permitted"


def test_a_key_sees_its_models_only() -> None:
    app = emulator.build(keys={"one": ["davinci-002"], "two": [BUDGETED]})
    headers = {"anthropic-version": VERSION}
    ids = [
        [
            card["id"]
            for card in ask(app, "GET", "/v1/models", key=key, headers=headers).json()["data"]
        ]
        for key in ("one", "two")
    ]
    assert ids == [[], [BUDGETED]]
