"""Conversations of messages clients keep their contents on the way to another shape and back."""

import json
import string
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from gateway.translate.plan import plan
from tests.translate.messages_prepared import TARGETS, context
from tests.translate.messages_requests import (
    asked,
    assistant,
    image,
    result,
    system,
    text,
    tool,
    use,
    user,
)

_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8).map("a{}".format)
"""Anthropic refuses texts of white space only."""
_NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
_INPUTS = st.dictionaries(
    st.sampled_from(string.ascii_lowercase), _TEXTS | _NUMBERS | st.none() | st.booleans()
)


@st.composite
def _conversations(draw: st.DrawFn, *, mixed: bool) -> list[Json]:
    """Draw turns of both sides; `mixed`: the assistant may speak after a call."""
    messages: list[Json] = []
    count = 0
    for _ in range(draw(st.integers(1, 4))):
        said = draw(st.lists(_TEXTS.map(text), max_size=2))
        results = [
            result(block["id"], draw(_TEXTS | st.lists(_TEXTS.map(text), min_size=1, max_size=1)))
            for block in (messages[-1]["content"] if messages else ())
            if block["type"] == "tool_use"
        ]
        messages.append(user(*results, *(said or ([] if results else [text("go on")]))))
        texts = draw(st.lists(_TEXTS.map(text), max_size=2))
        calls = []
        for given_input in draw(st.lists(_INPUTS, max_size=2)):
            count += 1
            calls.append(use(f"toolu_{count}", draw(st.sampled_from(("f", "g"))), **given_input))
        blocks = [*texts, *calls]
        if mixed:
            blocks = draw(st.permutations(blocks))
        messages.append(assistant(*(blocks or [text("yes")])))
    last = [result(each["id"]) for each in messages[-1]["content"] if each["type"] == "tool_use"]
    return [*messages, user(*last, "the end")]


def _there_and_back(messages: Sequence[Json], home: Shape) -> Sequence[Json]:
    body = asked(*messages, tools=[tool("f"), tool("g")])
    (sent,) = plan(Shape.MESSAGES, home, body, context(home)).calls
    (back,) = plan(home, Shape.MESSAGES, sent, context(Shape.MESSAGES)).calls
    return list(back["messages"])


def _content(messages: Sequence[Json]) -> list[tuple[str, Any]]:
    """Return what the messages say, whoever says it in whichever pieces, in order."""
    said: list[tuple[str, Any]] = []
    for message in messages:
        said += ((message["role"], each) for each in _blocks(message["content"]))
    return said


def _blocks(content: Any) -> Iterator[Any]:
    for block in [text(content)] if isinstance(content, str) else content:
        if block["type"] == "text":
            yield block["text"]
        elif block["type"] == "tool_use":
            yield block["id"], block["name"], json.dumps(block["input"])
        elif block["type"] == "tool_result":
            yield block["tool_use_id"], list(_blocks(block["content"]))
        else:
            yield block


@given(_conversations(mixed=False))
def test_a_conversation_comes_back_from_chat_as_it_was(messages: list[Json]) -> None:
    assert _content(_there_and_back(messages, Shape.CHAT)) == _content(messages)


@given(_conversations(mixed=True))
def test_one_comes_back_from_responses_in_its_order(messages: list[Json]) -> None:
    assert _content(_there_and_back(messages, Shape.RESPONSES)) == _content(messages)


@pytest.mark.parametrize("home", TARGETS)
def test_the_same_history_is_the_same_bytes_with_more_behind_it(home: Shape) -> None:
    history = [user("a"), assistant("b", use("1")), user(result("1", "c"), "d"), system("e")]
    field = "messages" if home is Shape.CHAT else "input"
    before: list[Json] = []
    for end in range(1, len(history) + 1):
        if history[end - 1]["role"] == "assistant":
            continue
        (sent,) = plan(Shape.MESSAGES, home, asked(*history[:end]), context(home)).calls
        assert sent[field][: len(before)] == before
        before = sent[field]


def test_an_image_in_a_result_comes_back_from_responses() -> None:
    messages = [user("x"), assistant(use("toolu_1")), user(result("toolu_1", [text("y"), image()]))]
    assert _content(_there_and_back(messages, Shape.RESPONSES)) == _content(messages)
