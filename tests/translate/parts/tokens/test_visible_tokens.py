"""Logprobs of a message's text among those of all that was generated."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.parts.tokens.visible_tokens import (
    entries_of_text,
    hides_tokens,
    range_of_text,
    reasoning_text,
    visible_entries,
)


def entries(*tokens: str | bytes) -> list[Json]:
    raw = [token.encode() if isinstance(token, str) else token for token in tokens]
    return [{"token": each.decode("utf-8", "replace"), "bytes": list(each)} for each in raw]


def words(found: Sequence[Json]) -> list[str]:
    return [entry["token"] for entry in found]


@pytest.mark.parametrize(
    ("tokens", "reasoning", "text", "expected"),
    [
        (["<think>", "hm", "</think>", "Hel", "lo"], "hm", "Hello", ["Hel", "lo"]),
        (["a", "b", "a", "b", ""], "ab", "ab", ["a", "b"]),
        (["hm", "</think>\n\nHi", "!"], "hm", "Hi!", ["</think>\n\nHi", "!"]),
        (["hm", "</think>", "\n\n", "Hi"], "hm\n", "Hi", ["Hi"]),
        (["Hi", "<tool>", "f", "{}"], "", "Hi", ["Hi"]),
        # Each decoded alone, as SentencePiece's: without the space before it.
        (["Well", "then", "Hello", "you"], "Well then", "Hello you", ["Hello", "you"]),
        (["hm", "</think>"], "hm", "", []),
        (["H", "i"], "hm", "Hi", ["H", "i"]),
        ([" ", "a", " ", "b"], "hm", " a b", [" ", "a", " ", "b"]),
        (["\n", "<eos>"], "hm", "\n", ["\n"]),
        (["x", "y"], "hm", "Hi", ["x", "y"]),
        (["hmm", "x"], "hm", "\n", []),
    ],
)
def test_the_entries_of_a_text_are_those_behind_the_reasoning(
    tokens: list[str], reasoning: str, text: str, expected: list[str]
) -> None:
    assert words(entries_of_text(entries(*tokens), text, reasoning)) == expected


def test_tokens_may_be_parts_of_characters() -> None:
    tokens = entries("é", b"\xe2\x82", b"\xac", "€")
    assert range_of_text(tokens, "€€", "é") == (1, 4)
    assert range_of_text(tokens, "€", "é") == (1, 3)


@pytest.mark.parametrize(
    ("message", "hides", "reasoning"),
    [
        ({"content": "a"}, False, ""),
        ({"content": "a", "reasoning": None, "tool_calls": []}, False, ""),
        ({"reasoning": "hm"}, True, "hm"),
        ({"reasoning_content": "hm", "reasoning": "hm"}, True, "hm"),
        ({"reasoning_text": "hm"}, True, "hm"),
        ({"thinking": {"content": "hm"}}, True, ""),
        ({"tool_calls": [{"id": "a"}]}, True, ""),
        ({"function_call": {"name": "f"}}, True, ""),
        ({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}, "a"]}, True, "hm"),
        ({"content": [{"type": "text", "text": "a"}]}, False, ""),
    ],
)
def test_reasoning_and_calls_have_tokens_but_no_text(
    message: Any, hides: bool, reasoning: str
) -> None:
    assert (hides_tokens(message), reasoning_text(message)) == (hides, reasoning)


def test_only_a_message_that_hides_something_is_searched() -> None:
    tokens = entries("Hi", "<|end|>")
    assert visible_entries({"content": "Hi"}, "Hi", tokens) == tokens
    assert words(visible_entries({"reasoning": "H"}, "i", entries("H", "i"))) == ["i"]
