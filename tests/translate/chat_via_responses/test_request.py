"""Which calls a chat request becomes."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.chat_via_responses import translate
from tests.translate.chat_via_responses.cases import (
    HELLO,
    VLLM,
    call_of,
    context,
    items_of,
    translated,
)


def refusal_of(body: Json, **settings: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translated(body, context(**settings))
    return caught.value


def test_the_model_has_the_upstreams_name() -> None:
    assert call_of({"model": "whatever"})["model"] == "gpt-5-pro"


def test_messages_are_required() -> None:
    with pytest.raises(InvalidRequest) as caught:
        translate({"model": "thinker"}, context())
    assert caught.value.param == "messages"


def test_null_parameters_are_absent_and_the_body_is_not_changed() -> None:
    body = {"messages": HELLO, "stop": None, "tools": None, "seed": None, "n": None}
    before = dict(body)
    (call,) = translate(body, context()).calls
    assert call == call_of({})
    assert body == before


def test_n_is_emulated_by_as_many_calls() -> None:
    translation = translated({"n": 3})
    assert [*translation.calls] == [call_of({})] * 3
    assert translation.report.emulated == ["n"]
    assert [*translated({"n": 1}).calls] == [call_of({})]


def test_n_beyond_the_limit_is_refused() -> None:
    assert refusal_of({"n": 5}, max_fanout=4).param == "n"


def test_each_choice_has_a_seed_of_its_own() -> None:
    translation = translated({"n": 3, "seed": 2**63 - 2}, context(VLLM))
    seeds = [call["seed"] for call in translation.calls]
    assert seeds == [2**63 - 2, 2**63 - 1, -(2**63)]
    assert translation.report.emulated == ["n", "seed"]


def test_arguments_that_are_an_object_become_text() -> None:
    call = tool_call(arguments={"x": "é"})
    (item,) = items_of([{"role": "assistant", "tool_calls": [call]}])
    assert json.loads(item["arguments"]) == {"x": "é"}
    legacy = {"name": "f", "arguments": {"x": 1}}
    (item,) = items_of([{"role": "assistant", "function_call": legacy}])
    assert json.loads(item["arguments"]) == {"x": 1}


def tool_call(call_id: str = "call_a", name: str = "f", arguments: object = "{}") -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
