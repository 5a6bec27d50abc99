"""Errors that refuse a key, and such that only look like it."""

import json
from typing import Any

import pytest

from gateway.envelopes.refused_keys import refuses_certificate, refuses_key

XAI: dict[str, Any] = {
    "code": "Client specified an invalid argument",
    "error": "Incorrect API key provided: na***ys. You can obtain an API key from the console.",
}
GEMINI: list[Any] = [
    {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
        }
    }
]
RELAYED: dict[str, Any] = {
    "error": {"message": "litellm.AuthenticationError: no entry", "code": "401", "param": None}
}


@pytest.mark.parametrize(
    "body",
    [
        XAI,
        GEMINI,
        RELAYED,
        json.dumps(GEMINI).encode(),
        {"error": {"message": "wrong", "code": "invalid_api_key"}},
        {
            "type": "error",
            "error": {"type": "authentication_error", "message": "invalid x-api-key"},
        },
        {"error": {"message": "User not found.", "code": 401}},
        {"error": {"message": "API key expired. Please renew the API key."}},
        {"message": "Your api key is invalid", "type": "invalid_request_error"},
        {"error": {"message": "Error code: 401 - {'error': {'message': 'no', 'code': 'x'}}"}},
        {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}},
        {"base_resp": {"status_code": 2049, "status_msg": "invalid api key"}},
        b"Incorrect API key provided: sk-o*wn\n",
        b'"Invalid API key"',
    ],
)
def test_a_refused_key_is_recognised_by_code_type_or_text(body: object) -> None:
    assert refuses_key(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<p>Invalid API key",
        b"Invalid API key " + b"x" * 2048,
        b"You said: Invalid API key",
        {"choices": []},
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        {"error": {"message": "The tool said: API key not valid", "code": None}},
        {"error": {"message": "no", "code": "insufficient_quota", "type": "insufficient_quota"}},
        {"error": {"message": "no", "code": 403}},
        {"error": {"message": "Invalid value: 'api key'", "code": "invalid_value"}},
    ],
)
def test_other_errors_say_nothing_about_the_key(body: object) -> None:
    assert not refuses_key(body)


NGINX = b"<html>\r\n<head><title>400 %b</title></head>\r\n<body>...</body>\r\n</html>\r\n"


@pytest.mark.parametrize(
    "said", [b"No required SSL certificate was sent", b"The SSL certificate error"]
)
def test_a_refused_certificate_is_recognised_by_nginxs_page(said: bytes) -> None:
    assert refuses_certificate(400, NGINX % said)
    assert not refuses_certificate(403, NGINX % said)
    assert not refuses_certificate(400, said)
    assert not refuses_certificate(400, NGINX % b"Bad Request")
