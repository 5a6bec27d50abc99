"""The parameters of messages requests that responses have in a form of their own."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests import kinds
from tests.translate.messages_prepared import context as context_of
from tests.translate.messages_prepared import prepared, refused
from tests.translate.messages_requests import asked, assistant, tool, user

R = Shape.RESPONSES
OPENAI, VLLM = context_of(R), context_of(R, kinds.VLLM)
REASONS = context_of(R, able={"reasoning": True})
ADAPTIVE = {"type": "adaptive"}
INCLUDE = ["reasoning.encrypted_content"]


def test_nothing_is_stored() -> None:
    assert prepared(asked(), OPENAI, R).call["store"] is False


@pytest.mark.parametrize(
    ("of", "sent", "changed"), [(OPENAI, 16, ["max_tokens:4->16"]), (VLLM, 4, [])]
)
def test_a_limit_below_the_least_is_raised(of: Context, sent: int, changed: list[str]) -> None:
    made = prepared(asked(max_tokens=4), of, R)
    assert made.call["max_output_tokens"] == sent
    assert made.report.changed == changed


@pytest.mark.parametrize(
    ("of", "parameters", "reasoning", "include"),
    [
        (OPENAI, {}, None, None),
        (OPENAI, {"thinking": ADAPTIVE}, None, None),
        (OPENAI, {"output_config": {"effort": "high"}}, {"effort": "high"}, INCLUDE),
        (OPENAI, {"thinking": {"type": "disabled"}}, {"effort": "none"}, None),
        (REASONS, {}, None, INCLUDE),
        (REASONS, {"thinking": ADAPTIVE}, {"summary": "auto"}, INCLUDE),
        (REASONS, {"thinking": {**ADAPTIVE, "display": "omitted"}}, None, INCLUDE),
        (REASONS, {"thinking": {"type": "disabled"}}, {"effort": "none"}, INCLUDE),
        (
            OPENAI,
            {"thinking": {"type": "enabled", "budget_tokens": 20000}, "max_tokens": 30000},
            {"effort": "high", "summary": "auto"},
            INCLUDE,
        ),
        # It gives the text of its reasoning, and takes it back.
        (VLLM, {"output_config": {"effort": "low"}}, {"effort": "low"}, None),
        (context_of(R, able={"reasoning": True}, seal=None), {}, None, None),
    ],
)
def test_models_that_reason_are_asked_for_what_can_be_brought_back(
    of: Context, parameters: Json, reasoning: Json | None, include: list[str] | None
) -> None:
    call = prepared(asked(**parameters), of, R).call
    assert call.get("reasoning") == reasoning
    assert call.get("include") == include


def test_functions_say_whether_they_are_strict() -> None:
    strict: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    given = [tool("f", description="d"), tool("g", strict, strict=True)]
    call = prepared(asked(tools=given), OPENAI, R).call
    assert call["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "function", "name": "g", "parameters": strict, "strict": True},
    ]
    assert "strict" not in prepared(asked(tools=given), VLLM, R).call["tools"][0]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "f"}, {"type": "function", "name": "f"}),
    ],
)
def test_a_choice_is_flat(choice: Json, sent: object) -> None:
    body = asked(tools=[tool("f")], tool_choice={**choice, "disable_parallel_tool_use": True})
    call = prepared(body, OPENAI, R).call
    assert call["tool_choice"] == sent
    assert call["parallel_tool_calls"] is False


def test_llamacpp_reads_chats_format() -> None:
    form: Any = {"type": "json_schema", "schema": {}}
    of = context_of(R, kinds.LLAMACPP)
    call = prepared(asked(output_config={"format": form}), of, R).call
    assert call["response_format"]["json_schema"]["schema"] == {}
    assert "text" not in call


def test_stop_sequences_are_always_looked_for_here() -> None:
    for of in (OPENAI, VLLM):
        sent = prepared(asked(stop_sequences=["a"]), of, R)
        assert "stop" not in sent.call
        assert sent.options.stop_sequences == ("a",)
        assert sent.report.emulated == ["stop_sequences"]


def test_a_begun_reply_is_refused_by_its_path_or_dropped() -> None:
    body = asked(user("x"), assistant("{", "}"))
    assert refused(body, OPENAI, R).param == "messages[1]"
    assert refused(body, VLLM, R).param == "messages[1]"
    drops: Any = {"on_unsupported": "drop"}
    sent = prepared(body, context_of(R, settings=drops), R)
    assert sent.call["input"] == [{"type": "message", "role": "user", "content": "x"}]
    assert sent.report.dropped == ["messages[1]"]
    several = prepared(
        asked(user("x"), assistant("{"), assistant("}")), context_of(R, settings=drops), R
    )
    assert several.call["input"] == sent.call["input"]
    assert several.report.dropped == ["messages[1]", "messages[2]"]
    assert len(prepared(asked(user("x"), assistant("")), OPENAI, R).call["input"]) == 1
