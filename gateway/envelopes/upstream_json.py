"""JSON of upstreams, read as the official clients read it; what comes of it is valid JSON again.

Three things that the fast decoder refuses are in real replies. Python's `json` writes `NaN` and
`-Infinity` (logprobs of vLLM and older servers), and numbers may be too large for a double. Some
proxies put a byte order mark before the text. And the escape of half a UTF-16 pair is JSON, though
no character: servers that cut texts by UTF-16 units send such halves, one of each pair in this
event and the other in the next. Only what the fast decoder has refused is read again.
"""

import json
import math
from typing import Any

import msgspec

NOT_JSON = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding raises for anything that is no JSON."""

LOWEST = -9999.0
"""OpenAI's logprob for "very unlikely"; vLLM clamps at the same."""

_OF_LOGPROBS = "logprob"
"""Part of the keys below which numbers are logprobs."""


def decode(data: bytes | bytearray) -> Any:
    """Return the JSON value of an upstream, which is valid JSON as it is.

    Halves of characters become U+FFFD, pairs are joined. A number that is none, or beyond every
    double, becomes null, and so does an integer of more than 4300 digits; among logprobs it becomes
    the nearest that can be one. Raises `NOT_JSON`.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return whole_characters(read_leniently(data))


def valid_json(data: bytes | bytearray) -> bytes:
    """Return the text of the value that `decode` gives; raises `NOT_JSON`."""
    return msgspec.json.encode(decode(data))


def decode_halves(data: bytes) -> Any:
    """Return what `decode` does, but with halves of characters as they are; raises `NOT_JSON`."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return read_leniently(data)


def encode_halves(value: Any) -> bytes:
    """Return the text of a JSON value, halves of characters as escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def read_leniently(data: bytes | bytearray) -> Any:
    """Return what `decode_halves` does, for what the fast decoder has refused already."""
    return _with_valid_numbers(json.loads(data.decode("utf-8-sig"), parse_int=_integer))


def whole_characters(value: Any) -> Any:
    """Return a JSON value without halves of characters: pairs joined, others U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else _joined(value)
    if isinstance(value, dict):
        return {whole_characters(key): whole_characters(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole_characters(item) for item in value]
    return value


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # of more digits than Python takes, and the fast decoder too
        return None


def _with_valid_numbers(value: Any, *, logprobs: bool = False) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        # In this order of comparison what is no number counts as very unlikely.
        return min(max(LOWEST, value), 0.0) if logprobs else None
    if isinstance(value, dict):
        return {
            key: _with_valid_numbers(each, logprobs=logprobs or _OF_LOGPROBS in key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_valid_numbers(item, logprobs=logprobs) for item in value]
    return value
