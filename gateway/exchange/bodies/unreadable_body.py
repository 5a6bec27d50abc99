"""Says why the body of a client's request cannot be read, where the decoder's words mislead.

Of half a character it says that the input was truncated. Programs that cut texts by UTF-16 units
send such halves: they see to their cuts only if the error says what is wrong, and where.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.errors import InvalidRequest

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_MAX_PATH = 200
_TOO_DEEP = "it is nested too deeply"
_BOM = b"\xef\xbb\xbf"


def unreadable(error: Exception, body: bytes, at: str = "") -> InvalidRequest:
    """Return the refusal of a body that could not be decoded, `error` says why.

    With `at` the body is the value of that field.
    """
    param, reason = None, str(error)
    if isinstance(error, RecursionError):
        reason = _TOO_DEEP
    elif not body.strip():
        reason = "it is empty"
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


def nested_too_deeply() -> InvalidRequest:
    """Return the refusal of a body that could be decoded but not worked on."""
    return _refused(_TOO_DEEP)


def _refused(reason: str, param: str | None = None) -> InvalidRequest:
    return InvalidRequest(
        f"We could not parse the JSON body of your request: {reason}. "
        "The body must be one JSON object, encoded in UTF-8.",
        param=param or None,
        code="invalid_json",
    )


def _first_half(body: bytes, at: str) -> tuple[str, str]:
    try:
        path, half = next(_halves(json.loads(body), at), ("", ""))
    except (ValueError, RecursionError):
        return "", ""
    return path[:_MAX_PATH], half


def _halves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield where there are halves of characters, and these; no path for a key that has one."""
    if isinstance(value, str):
        half = _HALF.search(value)
        if half is not None:
            yield path, half[0]
    elif isinstance(value, dict):
        for key, each in value.items():
            half = _HALF.search(key)
            if half is not None:
                yield "", half[0]
            yield from _halves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _halves(each, f"{path}[{position}]")
