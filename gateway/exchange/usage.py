"""The tokens that an upstream counted: its `usage`, in decoded replies and in bytes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.translate.parts.tokens.counts import token_count

Tokens = tuple[int | None, int | None]
"""Tokens of the input and of the output, each None if the upstream did not count them."""

TAIL: Final = 4 * 1024
"""Bytes at the end of an event stream, or of a piped body, among which `usage` is looked for."""

_NAME: Final = b'"usage"'
_OF_A_CACHE: Final = b'"cache_'
_EVENTS: Final = (b"data:", b"event:", b":")
"""How an event stream begins."""
_OPENS = re.compile(rb'"usage"\s*:\s*\{')
_usual = re.compile(
    rb'"usage":\s?\{\s*"(?:prompt|input)_tokens":\s?(\d{1,15}),\s*'
    rb'(?:"(?:total_tokens":\s?\d+|input_tokens_details":\s?\{[^{}]*\}),\s*)?'
    rb'"(?:completion|output)_tokens":\s?(\d{1,15})[,\s}]'
).match
"""As OpenAI, vLLM and llama.cpp write it: found without decoding, in a third of the time."""
_usual_of_messages = re.compile(
    rb'"usage":\s?\{\s*"input_tokens":\s?(\d{1,15}),\s*'
    rb'"cache_creation_input_tokens":\s?(\d{1,15}),\s*'
    rb'"cache_read_input_tokens":\s?(\d{1,15}),\s*'
    rb'(?:"cache_creation":\s?\{[^{}]*\},\s*)?"output_tokens":\s?(\d{1,15})[,\s}]'
).match
"""As Anthropic and the gateway write it."""
_BRACES = re.compile(rb"[{}]")
_MAX_NAMES: Final = 8
"""Places where an object may be; a chat stream has `"usage": null` in its other chunks."""
_MAX_BRACES: Final = 64
_MAX_TOKENS: Final = 2**53


_OF_CACHES: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""The input tokens of messages that `input_tokens` leaves out."""


def tokens_in(body: bytes) -> Tokens | None:
    """Return what the last `usage` object of a body counts; None if there is none.

    The body is not decoded. No text in it can look like such an object: within a string, the quotes
    around the name are escaped. A stream has it in its last events, so only those are searched.
    """
    if len(body) > TAIL and body.startswith(_EVENTS):
        body = body[-TAIL:]
    end = body.rfind(_NAME)
    if end < 0:
        return None
    usual = _usual(body, end)
    if usual is not None and body.find(_OF_A_CACHE, end, end + TAIL) < 0:
        inputs, outputs = usual.groups()
        return int(inputs), int(outputs)
    usual = _usual_of_messages(body, end)
    if usual is not None:
        fresh, written, read, outputs = map(int, usual.groups())
        return fresh + written + read, outputs
    for _ in range(_MAX_NAMES):
        found = _OPENS.match(body, end)
        if found is not None:
            return _counted(_object_at(body, found.end() - 1))
        end = body.rfind(_NAME, 0, end)
        if end < 0:
            break
    return None


def tokens_at_start(beginning: bytes) -> Tokens | None:
    """Return what the first `usage` of a stream's beginning counts; None if there is none."""
    first = beginning.find(_NAME)
    second = beginning.find(_NAME, first + 1)
    return tokens_in(beginning if second < 0 else beginning[:second])


def tokens_of(usage: object) -> Tokens | None:
    """Return what a decoded `usage` counts; None if it counts nothing."""
    if not isinstance(usage, Mapping):
        return None
    inputs = _first(usage, ("prompt_tokens",))
    if inputs is None and (inputs := _first(usage, ("input_tokens",))) is not None:
        inputs += sum(_first(usage, (name,)) or 0 for name in _OF_CACHES)
    return _known(inputs, _first(usage, ("completion_tokens", "output_tokens")))


def tokens_of_start(event: Mapping[str, Any]) -> Tokens | None:
    """Return what a `message_start` counts; None if it counts nothing."""
    message = event.get("message")
    return tokens_of(message.get("usage")) if isinstance(message, Mapping) else None


def updated(known: Tokens | None, new: Tokens | None) -> Tokens | None:
    """Return a stream's counts after a new one, which may leave out what an earlier one had."""
    if known is None or new is None:
        return new or known
    inputs, outputs = new
    return known[0] if inputs is None else inputs, known[1] if outputs is None else outputs


def summed(counts: Iterable[Tokens | None]) -> Tokens | None:
    """Return the sum of what several calls counted; None if none did."""
    known = [each for each in counts if each is not None]
    if not known:
        return None
    inputs = [each[0] for each in known if each[0] is not None]
    outputs = [each[1] for each in known if each[1] is not None]
    return sum(inputs) if inputs else None, sum(outputs) if outputs else None


def _object_at(body: bytes, start: int) -> bytes:
    """Return the JSON object that begins there, if its braces match; else nothing."""
    depth = 0
    for count, brace in enumerate(_BRACES.finditer(body, start)):
        depth += 1 if brace[0] == b"{" else -1
        if depth == 0:
            return body[start : brace.end()]
        if count == _MAX_BRACES:
            break
    return b""


def _counted(usage: bytes) -> Tokens | None:
    try:
        return tokens_of(msgspec.json.decode(usage))
    except NOT_JSON:
        return None


def _first(usage: Mapping[str, Any], names: Iterable[str]) -> int | None:
    found = (token_count(usage.get(name)) for name in names)
    return next((each for each in found if each is not None), None)


def _known(inputs: int | None, outputs: int | None) -> Tokens | None:
    inputs = inputs if inputs is not None and 0 <= inputs < _MAX_TOKENS else None
    outputs = outputs if outputs is not None and 0 <= outputs < _MAX_TOKENS else None
    return None if inputs is None and outputs is None else (inputs, outputs)
