import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.parts.output_format import (
    chat_format,
    chat_format_param,
    responses_format,
    responses_format_param,
)

SCHEMA = {"type": "object", "properties": {"type": {"type": "string"}}}
FIELDS = {"name": "n", "description": "d", "schema": SCHEMA, "strict": True}
CHAT = {"type": "json_schema", "json_schema": FIELDS}
RESPONSES = {"type": "json_schema", **FIELDS}


@pytest.mark.parametrize("kind", ["text", "json_object"])
def test_formats_without_a_schema_are_the_same(kind: str) -> None:
    assert responses_format({"type": kind}) == {"type": kind}
    assert chat_format({"type": kind}) == {"type": kind}


def test_a_schema_is_nested_in_chat_and_flat_in_responses() -> None:
    assert responses_format(CHAT) == RESPONSES
    assert chat_format(RESPONSES) == CHAT


def test_what_is_optional_in_chat_is_required_in_responses() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n"}}
    assert responses_format(form) == {
        "type": "json_schema",
        "name": "n",
        "schema": {},
        "strict": False,
    }


def test_fields_that_openai_does_not_know_are_kept() -> None:
    form = {"type": "json_object", "schema": {"type": "object"}}
    assert responses_format(form) == form


def test_the_clients_object_is_not_changed() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n"}}
    responses_format(form)
    assert form == {"type": "json_schema", "json_schema": {"name": "n"}}


@pytest.mark.parametrize(
    ("form", "param"),
    [
        (5, "response_format"),
        ({}, "response_format.type"),
        ({"type": "grammar"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {}}, "response_format.json_schema.name"),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": 1}},
            "response_format.json_schema.schema",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "strict": "yes"}},
            "response_format.json_schema.strict",
        ),
    ],
)
def test_a_malformed_chat_format_is_refused(form: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        responses_format(form)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ([], "text.format"),
        ({"type": "json_schema"}, "text.format.name"),
        ({"type": "json_schema", "name": 5}, "text.format.name"),
        ({"type": "x"}, "text.format.type"),
    ],
)
def test_a_malformed_responses_format_is_refused(form: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat_format(form)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("responses", "chat"),
    [
        ("text.format", "response_format"),
        ("text.format.schema", "response_format.json_schema.schema"),
        ("text.format.schema.a", "response_format.json_schema.schema.a"),
        ("text.format.type", "response_format.type"),
    ],
)
def test_paths_are_translated_in_both_directions(responses: str, chat: str) -> None:
    assert chat_format_param(responses, nested=True) == chat
    assert responses_format_param(chat) == responses


def test_paths_of_formats_without_a_schema_are_not_nested() -> None:
    assert chat_format_param("text.format.schema", nested=False) == "response_format.schema"
    assert responses_format_param("response_format.json_schema") == "text.format"


@given(
    fields=st.fixed_dictionaries(
        {"name": st.text(max_size=5), "schema": st.just(SCHEMA)},
        optional={"description": st.text(max_size=5), "strict": st.booleans()},
    )
)
def test_there_and_back_is_the_same_but_for_what_is_said_for_certainty(fields: Json) -> None:
    form = {"type": "json_schema", "json_schema": fields}
    sent = {"type": "json_schema", "json_schema": {"strict": False, **fields}}
    assert chat_format(responses_format(form)) == sent
