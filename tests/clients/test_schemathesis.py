"""Schemathesis, a judge that nobody here wrote, on the endpoints of generation.

It makes requests out of OpenAI's own description, valid ones and broken ones: none may end in a
5xx, and every reply and error has its schema's form. SCHEMATHESIS in the environment is the number
of requests per endpoint; `make test SCHEMATHESIS=1000`.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import NotInstallable, python_environment
from tests.clients.running import BASE_FINE_TUNE, CHAT_FINE_TUNE, stage
from tests.translate.openai_schema import definitions

CASES = int(os.environ.get("SCHEMATHESIS", "") or 0)
PACKAGE = "schemathesis==4.32.5"
MODELS = [
    *("gpt-3.5-turbo", "gpt-4o-mini", "gpt-5.4-mini", CHAT_FINE_TUNE),
    *("davinci-002", "gpt-3.5-turbo-instruct", BASE_FINE_TUNE, "gpt-5-codex", "o1-pro"),
]
ENDPOINTS = {
    "/completions": ("CreateCompletionRequest", "CreateCompletionResponse"),
    "/chat/completions": ("CreateChatCompletionRequest", "CreateChatCompletionResponse"),
    "/responses": ("CreateResponse", "Response"),
}
_TEXT_OR_NULL = {"type": ["string", "null"]}
ENVELOPE = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "minLength": 1},
                "type": {"type": "string"},
                "param": _TEXT_OR_NULL,
                "code": _TEXT_OR_NULL,
            },
        }
    },
}


def operation(request: str, reply: str) -> dict[str, Any]:
    named = {"properties": {"model": {"enum": MODELS}}, "required": ["model"]}
    asked = {"allOf": [{"$ref": f"#/components/schemas/{request}"}, {"type": "object", **named}]}
    content = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{reply}"}},
        "text/event-stream": {},
    }
    failed = {"application/json": {"schema": ENVELOPE}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {
            "200": {"description": "", "content": content},
            "4XX": {"description": "", "content": failed},
        },
    }


def described() -> str:
    """Return the description of the three endpoints, cut out of OpenAI's."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "generation", "version": "1"},
        "paths": {path: {"post": operation(*names)} for path, names in ENDPOINTS.items()},
        "components": {"schemas": definitions()},
    }
    return json.dumps(document).replace("#/$defs/", "#/components/schemas/")


@pytest.mark.timeout(300 + CASES * 10)
@pytest.mark.skipif(not CASES, reason="SCHEMATHESIS=n plays n random requests of each endpoint")
def test_no_request_ends_in_a_fault(tmp_path: Path) -> None:
    try:
        python = python_environment("schemathesis", [PACKAGE])
    except NotInstallable as error:
        pytest.skip(f"{PACKAGE} cannot be installed here: {error}")
    document = tmp_path / "openapi.json"
    document.write_text(described())
    judge = [str(python.with_name("schemathesis")), "run", str(document), "--no-color"]
    phases = ["--phases", "fuzzing", "--max-examples", str(CASES), "--continue-on-failure"]
    checks = ["--checks", "not_a_server_error,response_schema_conformance"]
    with stage() as demo:
        done = subprocess.run(
            [*judge, *phases, *checks, "-u", demo.base_url, "-H", "Authorization: Bearer sk-demo"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
