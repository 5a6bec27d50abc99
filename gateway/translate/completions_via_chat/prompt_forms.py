"""The forms that `prompt` takes: a text, several texts, token ids, several lists of token ids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.translate.contract import Context, Detokenize
from gateway.translate.fanout import check_fanout
from gateway.translate.schema.errors import type_name, wrong_type

_SPECIAL_TOKEN = re.compile(r"<\|[^|<>\s]{1,64}\|>")


@dataclass(slots=True)
class Prompt:
    """One prompt of a request."""

    text: str
    path: str
    """The client's path of the prompt: `prompt`, or `prompt[3]` in a list."""
    tokens: int | None = None
    """The number of token ids that the client gave; None for a text."""


def read_prompts(value: object, context: Context) -> tuple[Prompt, ...]:
    """Return the prompts of a request's `prompt`, with token ids turned into text.

    No text is trimmed. Raises `InvalidRequest` if `prompt` is absent (None) or malformed, or has
    more items than `max_fanout`, and `UnsupportedParameter` for token ids that cannot be turned
    into text.
    """
    if isinstance(value, str):
        return (Prompt(value, "prompt"),)
    items = _items(value, context)
    if isinstance(items[0], int):
        return (_detokenized(items, "prompt", context),)
    check_fanout(len(items), context, "prompt")
    return tuple(
        Prompt(item, f"prompt[{i}]")
        if isinstance(item, str)
        else _detokenized(item, f"prompt[{i}]", context)
        for i, item in enumerate(items)
    )


def _items(value: object, context: Context) -> list[Any]:
    if value is None:
        raise InvalidRequest(
            "Missing required parameter: 'prompt'. The chat endpoint, which serves model "
            f"'{context.model_asked}', cannot start a new document without a prompt. Send one.",
            param="prompt",
            code="missing_required_parameter",
        )
    if not isinstance(value, list):
        raise wrong_type("prompt", "a string or an array", value)
    if not value:
        raise InvalidRequest(
            "Invalid 'prompt': empty array. Send at least one prompt.",
            param="prompt",
            code="empty_array",
        )
    for i, item in enumerate(value):
        if type(item) is not type(value[0]) or not isinstance(item, str | int | list):
            raise _mixed(i, item)
    if isinstance(value[0], bool):
        raise _mixed(0, value[0])
    return value


def _mixed(position: int, item: object) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid type for 'prompt': item {position} is {type_name(item)}. Send a string, an array "
        "of strings, an array of token ids, or an array of arrays of token ids.",
        param="prompt",
        code="invalid_type",
    )


def _detokenized(tokens: list[Any], path: str, context: Context) -> Prompt:
    _check_tokens(tokens, path)
    if context.detokenize is None:
        raise UnsupportedParameter(
            f"'prompt' as token ids is not supported for model '{context.model_asked}': its "
            "server takes text, or ids of another vocabulary. Send text, or install "
            "endpoint-gateway[tiktoken] at the gateway and set translation.tokenizer to the "
            "encoding of the ids.",
            param="prompt",
        )
    return Prompt(_text_of(tokens, path, context.detokenize), path, tokens=len(tokens))


def _check_tokens(tokens: list[Any], path: str) -> None:
    if not tokens:
        raise InvalidRequest(
            f"Invalid '{path}': empty array. Send at least one token id.",
            param=path,
            code="empty_array",
        )
    for i, token in enumerate(tokens):
        if not isinstance(token, int) or isinstance(token, bool):
            raise wrong_type(f"{path}[{i}]", "a token id (an integer)", token)
        if token < 0:
            raise InvalidRequest(
                f"Invalid '{path}[{i}]': a token id is 0 or more.",
                param=f"{path}[{i}]",
                code="integer_below_min_value",
            )


def _text_of(tokens: Sequence[int], path: str, detokenize: Detokenize) -> str:
    """Return the text of token ids, without special tokens at its ends.

    There the model's chat template sets its own. Special tokens inside separate documents or roles,
    which a chat message cannot express: the model would read the letters that spell them.
    """
    text = _decode(tokens, path, detokenize)
    if not _SPECIAL_TOKEN.search(text):
        return text
    special = [_SPECIAL_TOKEN.fullmatch(_decode([token], path, detokenize)) for token in tokens]
    start, end = 0, len(tokens)
    while start < end and special[start]:
        start += 1
    while end > start and special[end - 1]:
        end -= 1
    for position in range(start, end):
        match = special[position]
        if match:
            raise UnsupportedParameter(
                f"'{path}' has the special token {match[0]} inside, which the endpoint that "
                "serves this model cannot express. Send each document as its own prompt.",
                param="prompt",
            )
    return _decode(tokens[start:end], path, detokenize) if start < end else ""


def _decode(tokens: Sequence[int], path: str, detokenize: Detokenize) -> str:
    try:
        return detokenize(tokens)
    except (LookupError, ValueError, OverflowError):
        raise InvalidRequest(
            f"Invalid '{path}': a token id is not in the vocabulary of the configured tokenizer. "
            "Send text, or ids of the model's own tokenizer.",
            param=path,
            code="invalid_value",
        ) from None
