from collections.abc import Sequence
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.translate.completions_via_chat.prompt_forms import Prompt, read_prompts
from tests.translate.completions_via_chat.chat_backend import make_context

VOCABULARY = {0: "Hello", 1: " world", 2: "<|endoftext|>", 3: "<|", 4: "endoftext", 5: "|>"}


def detokenize(tokens: Sequence[int]) -> str:
    return "".join(VOCABULARY[token] for token in tokens)


WITH_TOKENIZER = make_context(detokenize=detokenize)


@pytest.mark.parametrize("text", ["", " Q: why?\n\nA: ", "\n", "<|endoftext|>", "naïve 🙂"])
def test_a_string_is_one_prompt_verbatim(text: str) -> None:
    assert read_prompts(text, make_context()) == (Prompt(text, "prompt"),)


def test_a_list_of_strings_is_several_prompts() -> None:
    assert read_prompts(["a", "", "b"], make_context()) == (
        Prompt("a", "prompt[0]"),
        Prompt("", "prompt[1]"),
        Prompt("b", "prompt[2]"),
    )


def test_a_list_of_token_ids_is_one_prompt() -> None:
    assert read_prompts([0, 1], WITH_TOKENIZER) == (Prompt("Hello world", "prompt", tokens=2),)


def test_a_list_of_lists_of_token_ids_is_several_prompts() -> None:
    assert read_prompts([[0], [0, 1]], WITH_TOKENIZER) == (
        Prompt("Hello", "prompt[0]", tokens=1),
        Prompt("Hello world", "prompt[1]", tokens=2),
    )


@pytest.mark.parametrize(
    ("tokens", "text"),
    [([2, 0, 1, 2, 2], "Hello world"), ([2, 2], ""), ([0, 2], "Hello"), ([2, 1], " world")],
)
def test_special_tokens_at_the_ends_are_dropped(tokens: list[int], text: str) -> None:
    assert read_prompts(tokens, WITH_TOKENIZER) == (Prompt(text, "prompt", tokens=len(tokens)),)


def test_a_special_token_inside_is_refused() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        read_prompts([[0], [0, 2, 1]], WITH_TOKENIZER)
    assert caught.value.param == "prompt"
    assert "'prompt[1]' has the special token <|endoftext|> inside" in caught.value.message


def test_ordinary_tokens_that_spell_a_special_one_are_text() -> None:
    tokens = [0, 3, 4, 5, 1]
    assert read_prompts(tokens, WITH_TOKENIZER)[0].text == "Hello<|endoftext|> world"


def test_token_ids_without_a_tokenizer_are_refused_with_what_to_do() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        read_prompts([0, 1], make_context())
    assert caught.value.param == "prompt"
    assert "endpoint-gateway[tiktoken]" in caught.value.message
    assert "translation.tokenizer" in caught.value.message


@pytest.mark.parametrize("error", [KeyError(9), ValueError("9"), OverflowError(), IndexError()])
def test_token_ids_outside_the_vocabulary_are_refused(error: Exception) -> None:
    def failing(tokens: Sequence[int]) -> str:
        raise error

    with pytest.raises(InvalidRequest) as caught:
        read_prompts([[9]], make_context(detokenize=failing))
    assert caught.value.param == "prompt[0]"
    assert "vocabulary" in caught.value.message


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        (None, "prompt", "missing_required_parameter"),
        ([], "prompt", "empty_array"),
        ([[]], "prompt[0]", "empty_array"),
        ([[1], []], "prompt[1]", "empty_array"),
        (5, "prompt", "invalid_type"),
        ({"id": "pmpt_1"}, "prompt", "invalid_type"),
        (True, "prompt", "invalid_type"),
        (["a", 1], "prompt", "invalid_type"),
        (["a", None], "prompt", "invalid_type"),
        ([1, "a"], "prompt", "invalid_type"),
        ([1, True], "prompt", "invalid_type"),
        ([True, False], "prompt", "invalid_type"),
        ([1.0], "prompt", "invalid_type"),
        ([{"text": "a"}], "prompt", "invalid_type"),
        ([[1], "a"], "prompt", "invalid_type"),
        ([None], "prompt", "invalid_type"),
        ([-1], "prompt[0]", "integer_below_min_value"),
        ([[0], [0, -1]], "prompt[1][1]", "integer_below_min_value"),
        ([[0, True]], "prompt[0][1]", "invalid_type"),
        ([["a"]], "prompt[0][0]", "invalid_type"),
        ([[0, 1.5]], "prompt[0][1]", "invalid_type"),
    ],
)
def test_anything_else_is_refused(value: Any, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_prompts(value, WITH_TOKENIZER)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_more_prompts_than_allowed_are_refused_before_any_is_detokenised() -> None:
    def unexpected(tokens: Sequence[int]) -> str:
        raise AssertionError

    context = make_context(settings=TranslationSettings(max_fanout=2), detokenize=unexpected)
    with pytest.raises(InvalidRequest) as caught:
        read_prompts([[0], [0], [0]], context)
    assert caught.value.param == "prompt"
