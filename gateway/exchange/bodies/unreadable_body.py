"""Says why the body of a client's request cannot be read, where the decoder's words mislead.

For half a character (a lone surrogate) the decoder says that the input was truncated. Programs that
cut texts by UTF-16 units send such halves; their authors look at the cuts only if the error says
what is wrong, and where.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.apart import LARGE_BYTES

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions of decoding a body that cannot be read."""

INVALID_JSON: Final = "invalid_json"
"""The code of the refusal."""

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALVES = re.compile(
    rb"((?:\\\\)+|\\u[dD][89aAbB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][\da-fA-F]{2}"
)
"""Half a character; the group matches what only looks like one."""
_WRONG_TYPE = re.compile(r"^Expected `object`, got `\w+`$")
"""The decoder's words about a value that is not an object."""
_HALF = re.compile("[\ud800-\udfff]")
_MAX_PATH = 200
_Found = Callable[[object], str]
_T = TypeVar("_T")
NOT_AN_OBJECT: Final = "it is not an object"
_TOO_DEEP = "it is nested too deeply"
_BOM = b"\xef\xbb\xbf"
_OUT_OF_RANGE = "out of range"
"""A part of the decoder's words about numbers that no double holds, and very long integers."""
_MOST_DIGITS = 4300


def unreadable(error: Exception, body: bytes, at: str = "") -> InvalidRequest:
    """Return the refusal of a body that could not be decoded; `error` says why.

    With `at`, `body` is the value of the field of that name.
    """
    param, reason = None, _WRONG_TYPE.sub(NOT_AN_OBJECT, str(error))
    if isinstance(error, RecursionError):
        reason = _TOO_DEEP
    elif not body.strip():
        reason = "it is empty"
    elif isinstance(error, UnicodeDecodeError):
        param, reason = at, _not_utf8(body, at)
    elif _OUT_OF_RANGE in reason:
        param = _first_too_large(body, at)
        reason = f"'{param}' is a number that is out of range" if param else reason
    elif body.startswith(_BOM):
        reason = "it begins with a byte order mark, which JSON does not have"
    elif _SURROGATE_ESCAPE.search(body) is not None:
        param, half = _first_half(body, at)
        if half:
            where = f"'{param}'" if param else "a name"
            reason = (
                f"{where} has half a character, \\u{ord(half):04x} without the other half. "
                "Cut texts between characters, or send U+FFFD instead of the half"
            )
    return _refused(reason, param)


def read_beside_halves(decode: Callable[[bytes], _T], body: bytes) -> _T | None:
    """Return what a decoder reads of a body whose texts may have half a character, or None.

    This is for callers that read other values than those texts, which servers with lenient parsers
    take. In a body so large that this would hold up the event loop, halves are not looked for.
    """
    try:
        return decode(body)
    except UNREADABLE:
        if len(body) >= LARGE_BYTES:
            return None
    try:
        return decode(_HALVES.sub(rb"\1", body))
    except UNREADABLE:
        return None


def nested_too_deeply() -> InvalidRequest:
    """Return the refusal of a body that could be decoded but not worked on."""
    return _refused(_TOO_DEEP)


def _refused(reason: str, param: str | None = None) -> InvalidRequest:
    return InvalidRequest(
        f"We could not parse the JSON body of your request: {reason}. "
        "The body must be one JSON object, encoded in UTF-8.",
        param=param or None,
        code=INVALID_JSON,
    )


def _not_utf8(body: bytes, at: str) -> str:
    """Return where a body stops being UTF-8: the decoder counts from the beginning of a text."""
    try:
        if not at:
            body.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 (byte {error.start}: 0x{body[error.start]:02x})"
    return f"'{at}' is not UTF-8"


class _TooLarge:
    """A number that cannot be read."""


def _first_too_large(body: bytes, at: str) -> str:
    if len(body) >= LARGE_BYTES:
        return ""

    def read(digits: str) -> object:
        is_long = digits.lstrip("-").isdigit() and len(digits) > _MOST_DIGITS
        return _TooLarge() if is_long or math.isinf(float(digits)) else 0

    def found(value: object) -> str:
        return "number" if isinstance(value, _TooLarge) else ""

    return _first(body, at, found, parse_int=read, parse_float=read)[0]


def _first_half(body: bytes, at: str) -> tuple[str, str]:
    def found(value: object) -> str:
        half = _HALF.search(value) if isinstance(value, str) else None
        return half[0] if half else ""

    return _first(body, at, found)


def _first(body: bytes, at: str, found: _Found, **numbers: Any) -> tuple[str, str]:
    """Return the place of the first value for which `found` returns a text, and that text."""
    try:
        path, what = next(_places(json.loads(body, **numbers), at, found), ("", ""))
    except (ValueError, RecursionError):
        return "", ""
    return path[:_MAX_PATH], what


def _places(value: Any, path: str, found: _Found) -> Iterator[tuple[str, str]]:
    """Yield the path of each value for which `found` returns a text, and that text.

    A key has no path.
    """
    if what := found(value):
        yield path, what
    elif isinstance(value, dict):
        for key, each in value.items():
            if what := found(key):
                yield "", what
            yield from _places(each, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _places(each, f"{path}[{position}]", found)
