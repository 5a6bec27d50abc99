"""Updates of the configuration within the input count more than the parameters."""

from typing import Any

from gateway.shapes import Json
from tests.translate.messages_upstreams import context as at_messages
from tests.translate.responses_via_chat.chat_backend import (
    SELF_HOSTED,
    asking,
    completion,
    context,
    replied,
)
from tests.translate.responses_via_chat.input.items import CHAT_USER, USER
from tests.translate.responses_via_messages.cases import HELLO, translated

SCHEMA: Json = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: Json = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}


def update(**settings: Any) -> Json:
    return {"type": "configuration_update", "id": "cu_1", **settings}


def test_the_last_setting_of_each_kind_counts() -> None:
    items = [
        update(reasoning={"effort": "low"}, text={"format": FORMAT}),
        USER,
        update(reasoning={"effort": "high"}),
    ]
    translation = asking(input=items, reasoning={"effort": "medium", "summary": "auto"})
    (call,) = translation.calls
    assert call["messages"] == [CHAT_USER]
    assert call["reasoning_effort"] == "high"
    assert call["response_format"]["json_schema"]["schema"] == SCHEMA
    assert translation.report.emulated == ["input[0]", "input[2]"]


def test_a_format_can_be_taken_back() -> None:
    items = [USER, update(text={"format": {"type": "text"}})]
    (call,) = asking(input=items, text={"format": FORMAT, "verbosity": "low"}).calls
    assert "response_format" not in call
    assert call["verbosity"] == "low"


def test_an_update_of_nothing_changes_nothing() -> None:
    translation = asking(input=[USER, update(reasoning={"effort": None})])
    assert translation.calls == asking(input=[USER]).calls
    assert replied(completion("a"), input=[USER, update()])["reasoning"]["effort"] is None


def test_the_response_shows_what_was_in_effect() -> None:
    response = replied(completion("a"), input=[USER, update(reasoning={"effort": "high"})])
    assert response["reasoning"]["effort"] == "high"


def test_fields_that_nobody_knows_are_reported() -> None:
    change = update(reasoning={"effort": "low", "a": 1}, text={"format": FORMAT, "b": 1}, c=1)
    for of in (context(), context(SELF_HOSTED)):
        dropped = asking(of, input=[USER, change]).report.dropped
        assert dropped == ["input[1].c", "input[1].reasoning.a", "input[1].text.b"]


def test_it_counts_at_messages_too() -> None:
    items = [*HELLO, update(reasoning={"effort": "high"}, text={"format": FORMAT})]
    translation = translated({"input": items}, at_messages())
    (call,) = translation.calls
    form = {"type": "json_schema", "schema": SCHEMA}
    assert call["output_config"] == {"effort": "high", "format": form}
    assert [message["role"] for message in call["messages"]] == ["user"]
    assert translation.report.emulated == ["input[1]"]
