"""Conversations that another model has begun, as Anthropic takes them."""

import copy
import re
from typing import Any

import pytest

from gateway.resolve.refusals.history.earlier_blocks import (
    refused_block,
    safe_use_id,
    with_safe_ids,
    without_blank_texts,
)
from gateway.shapes import Json

PATTERN = "String should match pattern '^[a-zA-Z0-9_-]+$'"
EMPTY = "all messages must have non-empty content except for the optional final assistant message"
USER: Json = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        # cc-switch#1181
        (f"messages.1.content.0.tool_use.id: {PATTERN}", "tool_use.id"),
        (f"messages.12.content.3.tool_result.tool_use_id: {PATTERN}", "tool_use.id"),
        ("messages.3.content.1: `tool_use` ids must be unique", "tool_use.id"),
        ("messages: tool_use ids must be unique", "tool_use.id"),
        # claude-code#23390, claude-agent-sdk-pi#15, BoltAI#165
        ("messages: text content blocks must contain non-whitespace text", "content[text]"),
        ("messages: text content blocks must be non-empty", "content[text]"),
        ("system: text content blocks must be non-empty", "content[text]"),
        ("messages.1.content.0.text: text content blocks must be non-empty", "content[text]"),
        # claude-code#59294
        (
            "messages.64.content.3.text: cache_control cannot be set for empty text blocks",
            "content[text]",
        ),
        ("system.1.text: cache_control cannot be set for empty text blocks", "content[text]"),
        # claude-code#4416
        (f"messages.11: {EMPTY}", "content[text]"),
        ("", None),
        ("messages.64.content.3.thinking: cache_control cannot be set for thinking", None),
        (f"tools.0.custom.name: {PATTERN}", None),
        (f"messages.1.content.0.tool_use.name: {PATTERN}", None),
        ("messages: at least one message is required", None),
    ],
)
def test_what_is_refused_is_known_by_its_text(message: str, refused: str | None) -> None:
    assert refused_block(message) == refused


def said(*ids: Any) -> Json:
    uses = [{"type": "tool_use", "id": each, "name": "f", "input": {}} for each in ids]
    return {"role": "assistant", "content": [{"type": "text", "text": "t"}, *uses]}


def results(*ids: Any) -> Json:
    blocks = [{"type": "tool_result", "tool_use_id": each, "content": "r"} for each in ids]
    return {"role": "user", "content": blocks}


def ids_in(messages: list[Any]) -> list[list[str]]:
    return [
        [block.get("id") or block["tool_use_id"] for block in message["content"]
         if block["type"] != "text"]
        for message in messages
        if isinstance(message["content"], list)
    ]  # fmt: skip


@pytest.mark.parametrize("given", ["functions.f:0", "call_a|fc_b", "", "\ud83d", "a b"])
def test_a_call_and_its_result_get_the_same_id(given: str) -> None:
    messages: list[object] = [USER, said(given, "toolu_1"), results(given, "toolu_1"), USER]
    before = copy.deepcopy(messages)
    uses, answers = ids_in(list(with_safe_ids(messages)))
    assert messages == before
    assert uses == answers == [safe_use_id(given), "toolu_1"]
    assert re.fullmatch("toolu_[0-9a-f]{32}", uses[0])
    assert list(with_safe_ids(messages[:2])) == list(with_safe_ids(messages))[:2]


def test_an_id_that_comes_again_is_another_calls() -> None:
    first, answer, second, other = ids_in(
        list(with_safe_ids([said("c"), results("c"), said("c", "c"), results("c", "c")]))
    )
    assert first == answer == ["c"]
    assert second == other == [safe_use_id("c", 2), safe_use_id("c", 3)]
    assert len({*first, *second}) == 3


@pytest.mark.parametrize(
    "odd",
    [
        3,
        {},
        USER,
        {"content": [3, {}, {"type": "tool_use", "id": 4}, {"type": "text", "id": "a:b"}]},
    ],
)
def test_what_has_no_ids_stays(odd: Any) -> None:
    assert list(with_safe_ids([odd])) == [odd]


def text(said: str) -> Json:
    return {"type": "text", "text": said}


USE: Json = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
SAID: Json = {"role": "assistant", "content": "y"}
EFFORT: Json = {"role": "system", "output_config": {"effort": "low"}}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ([USER, {"role": "assistant", "content": [text("\n\n"), USE]}],
         [USER, {"role": "assistant", "content": [USE]}]),
        ([{"role": "assistant", "content": " "}, USER, {"role": "user", "content": ""}], [USER]),
        ([USER, {"role": "assistant", "content": [text("")]}], [USER]),
        ([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
                                        "content": [text(" "), text("r")]}, text("x")]}],
         [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
                                        "content": [text("r")]}, text("x")]}]),
        ([{"role": "user", "content": [{"type": "tool_result", "content": [text("")]}]}],
         [{"role": "user", "content": [{"type": "tool_result", "content": []}]}]),
        ([USER, EFFORT, {"role": "assistant", "content": []}, 3], [USER, EFFORT, 3]),
        ([USER, {"role": "assistant", "content": ""}, USER], [USER, USER]),
        ([USER, {"role": "assistant", "content": []}], [USER]),
        # At chat.
        ([USER, {"role": "assistant", "content": "\n", "tool_calls": [{"id": "a"}]},
          {"role": "tool", "tool_call_id": "a", "content": ""}],
         [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
          {"role": "tool", "tool_call_id": "a", "content": ""}]),
        ([USER, {"role": "assistant", "content": [text(" ")], "tool_calls": [{"id": "a"}]}],
         [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}]),
        ([USER, {"role": "assistant", "content": [], "tool_calls": [{"id": "a"}]}],
         [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}]),
        # The model would answer what was said before it.
        ([USER, SAID, {"role": "user", "content": [text(" ")]}],
         [USER, SAID, {"role": "user", "content": [text(" ")]}]),
        ([USER, SAID, {"role": "user", "content": []}],
         [USER, SAID, {"role": "user", "content": []}]),
        # Nothing would be left: the refusal says it best.
        ([{"role": "user", "content": " "}], [{"role": "user", "content": " "}]),
        (3, 3),
    ],
)  # fmt: skip
def test_blank_texts_are_left_out(given: Any, left: Any) -> None:
    body = {"messages": given}
    before = copy.deepcopy(given)
    without_blank_texts(body)
    assert body == {"messages": left}
    assert given == before


@pytest.mark.parametrize(
    ("system", "left"),
    [
        ([text(" "), text("Be brief.")], {"system": [text("Be brief.")]}),
        ([text("")], {}),
        ("\n", {}),
        ("Be brief.", {"system": "Be brief."}),
        ([{"type": "text", "text": 3}], {"system": [{"type": "text", "text": 3}]}),
    ],
)
def test_those_of_the_system_prompt_too(system: Any, left: Json) -> None:
    body: Json = {"system": system}
    without_blank_texts(body)
    assert body == left
