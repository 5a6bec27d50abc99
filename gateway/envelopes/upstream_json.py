"""JSON of upstreams, read as leniently as by the official clients; the result is valid JSON.

Real replies have four things that the fast decoder refuses. Python's `json` writes `NaN` and
`-Infinity` (logprobs of vLLM and older servers), and numbers may be too large for a double. Some
proxies put a byte order mark before the text. The escape of half a UTF-16 pair is JSON, though
not a character: servers that cut texts by UTF-16 units send such halves, the two of a pair in two
events. And where a token is part of a character, servers that do not look at texts write its bytes,
which are not UTF-8. Only texts that the fast decoder refuses are read again.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

NOT_JSON = (msgspec.DecodeError, ValueError, RecursionError)
"""The exceptions of decoding for anything that is not JSON."""

BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before a JSON value: white space, and the bytes of a byte order mark."""
LOWEST = -9999.0
"""OpenAI's logprob for "very unlikely"; vLLM clamps at the same."""

_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

_OF_LOGPROBS = "logprob"
"""Part of the keys whose values are logprobs."""


def decode(data: bytes | bytearray) -> Any:
    """Return the decoded value of an upstream's text, which can be encoded as valid JSON.

    Halves of characters and bytes of none become U+FFFD, pairs are joined. NaN, infinities and
    numbers beyond every double become null, and so do integers of more than 4300 digits; logprobs
    among them become the nearest valid logprob. Raises `NOT_JSON`.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return whole_characters(read_leniently(data))


def valid_json(data: bytes | bytearray) -> bytes:
    """Return the valid JSON text of `decode`'s value; raises `NOT_JSON`."""
    return msgspec.json.encode(decode(data))


def is_cut_off(data: bytes) -> bool:
    """Whether a text that is not JSON is the beginning of one."""
    try:
        msgspec.json.decode(data)
    except UnicodeDecodeError:
        # Raised at the first text that is not UTF-8, whether or not the rest is cut off.
        return is_cut_off(data.decode("utf-8", "replace").encode())
    except RecursionError:
        return False
    except msgspec.DecodeError as error:
        # The decoder calls half a character "truncated", too.
        return bool(data.strip()) and "truncated" in str(error) and _is_no_json(data)
    return False


def _is_no_json(data: bytes) -> bool:
    try:
        read_leniently(data)
    except NOT_JSON:
        return True
    return False


def decode_halves(data: bytes) -> Any:
    """Like `decode`, but halves of characters are kept; raises `NOT_JSON`."""
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


def read_leniently(data: bytes | bytearray, errors: str = "replace") -> Any:
    """Like `decode_halves`, for a text that the fast decoder has refused.

    `errors` says what becomes of bytes that are not UTF-8: U+FFFD.
    """
    return _with_valid_numbers(json.loads(data.decode("utf-8-sig", errors), parse_int=_integer))


def read_with_bytes(data: bytes) -> tuple[Any, bool]:
    """Like `read_leniently`, for a text whose characters may be continued in another one.

    The second value says whether bytes that are not UTF-8 were read as lone surrogates (PEP 383);
    then nothing else is one. `whole_bytes` turns them into characters in the end.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if _ESCAPED_HALF.search(data) is None:
            return read_leniently(data, "surrogateescape"), True
    return read_leniently(data), False


def decode_with_bytes(data: bytes) -> tuple[Any, bool]:
    """Like `decode_halves`, but as `read_with_bytes` reads; raises `NOT_JSON`."""
    try:
        return msgspec.json.decode(data), False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return read_with_bytes(data)


def encode_with_bytes(value: Any, *, has_bytes: bool) -> bytes:
    """Return the text of what `decode_with_bytes` has read, with the bytes that it had."""
    if not has_bytes:
        return encode_halves(value)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def whole_characters(value: Any) -> Any:
    """Return a JSON value without halves of characters: pairs joined, others U+FFFD."""
    return _with_texts(value, _joined)


def whole_bytes(value: Any) -> Any:
    """Return a JSON value of `read_with_bytes` with characters in the place of bytes.

    Bytes that are no character become U+FFFD.
    """
    return _with_texts(value, of_bytes)


def of_bytes(text: str) -> str:
    """Return the text that the lone surrogates of `read_with_bytes` stand for."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _with_texts(value: Any, whole: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else whole(value)
    if isinstance(value, dict):
        return {_with_texts(key, whole): _with_texts(each, whole) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, whole) for item in value]
    return value


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # more digits than Python and the fast decoder take
        return None


def _with_valid_numbers(value: Any, *, logprobs: bool = False) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        # In this order of comparison NaN counts as very unlikely.
        return min(max(LOWEST, value), 0.0) if logprobs else None
    if isinstance(value, dict):
        return {
            key: _with_valid_numbers(each, logprobs=logprobs or _OF_LOGPROBS in key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_valid_numbers(item, logprobs=logprobs) for item in value]
    return value
