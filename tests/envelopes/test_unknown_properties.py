"""Fields that ajv does not name in its text, but in its entries."""

from typing import Any

import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.envelopes.unknown_properties import unknown_properties, with_brackets
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.shapes import Json, Shape

TEXT = "must NOT have additional properties"


def ajv(name: str, place: str = "", **more: Any) -> Json:
    return {
        "instancePath": place,
        "schemaPath": "#/additionalProperties",
        "keyword": "additionalProperties",
        "params": {"additionalProperty": name},
        "message": TEXT,
        **more,
    }


def openapi(path: str) -> Json:
    code = "additionalProperties.openapi.validation"
    return {"path": path, "message": TEXT, "errorCode": code}


BODIES: list[tuple[Json, tuple[str, ...]]] = [
    ({"message": f"body {TEXT}", "errors": [ajv("store")]}, ("store",)),
    # fastify with its `validation`, and hapi's way of nesting
    ({"statusCode": 400, "message": f"body {TEXT}", "validation": [ajv("store")]}, ("store",)),
    ({"error": {"message": "Invalid.", "details": [ajv("store"), ajv("seed")]}}, ("store", "seed")),
    (
        {"error": "Invalid.", "errors": [ajv("reasoning_content", "/messages/0")]},
        ("messages[0].reasoning_content",),
    ),
    ({"message": TEXT, "errors": [ajv("store", "/body")]}, ("store",)),
    # ajv 6
    (
        {
            "message": TEXT,
            "errors": [
                {
                    "dataPath": ".messages[0]",
                    "keyword": "additionalProperties",
                    "params": {"additionalProperty": "reasoning_content"},
                }
            ],
        },
        ("messages[0].reasoning_content",),
    ),
    (
        {
            "message": TEXT,
            "errors": [
                {
                    "keyword": "unevaluatedProperties",
                    "params": {"unevaluatedProperty": "seed"},
                }
            ],
        },
        ("seed",),
    ),
    ({"message": f"request/body {TEXT}", "errors": [openapi("/body/store")]}, ("store",)),
    (
        {"message": TEXT, "errors": [openapi("/body/messages/0/reasoning_content")]},
        ("messages[0].reasoning_content",),
    ),
]


@pytest.mark.parametrize(("body", "names"), BODIES)
def test_they_are_read_wherever_the_entries_are(body: Json, names: tuple[str, ...]) -> None:
    assert unknown_properties(body) == names
    reply = read_error(body)
    assert reply is not None
    assert reply.unknown_fields == names
    sent = {"messages", "store", "seed"}
    refusal = classify(Shape.CHAT, 400, body, model="m", sent=sent)
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert refusal.fixes


@pytest.mark.parametrize(
    "body",
    [
        {"message": f"body {TEXT}"},
        {"message": TEXT, "errors": [ajv("store"), ajv("x", keyword="required")]},
        {"message": TEXT, "errors": [ajv("store", params=None)]},
        {"message": TEXT, "errors": [ajv("store", params={"additionalProperty": 3})]},
        {"message": TEXT, "errors": [{"errorCode": "required.openapi.validation", "path": "/a"}]},
        {"message": TEXT, "errors": [openapi("")]},
        {"message": TEXT, "errors": ["x"]},
        {"message": TEXT, "errors": "x"},
        {"error": "x"},
        [3],
        None,
    ],
)
def test_others_name_none(body: Any) -> None:
    assert unknown_properties(body) == ()
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"messages", "store"})
    assert refusal.verdict is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "Property store is not expected to be here",
        "/ : 'store' property is not expected to be here",
    ],
)
def test_texts_that_name_one(message: str) -> None:
    body = {"message": message}
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"messages", "store"})
    assert [(fix.action, fix.name) for fix in refusal.fixes] == [("drop", "store")]


def test_only_whole_steps_are_indexes() -> None:
    assert with_brackets("messages.0.content.12") == "messages[0].content[12]"
    assert with_brackets("gpt-4.1-mini.v2") == "gpt-4.1-mini.v2"
