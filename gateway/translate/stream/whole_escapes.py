r"""Replaces the escapes of halves of characters in JSON text that comes in pieces.

Such an escape is JSON, but the parsers of some clients refuse it, and a stream with it. It is the
half of a pair of UTF-16 (`\ud83d`) without the other one after it, or before it.
"""

import re
from typing import Final

_HEX = "[0-9a-fA-F]"
_FIRST = rf"\\u[dD][89abAB]{_HEX}{{2}}"
_SECOND = rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_BEGUN_SECOND = rf"\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?"
_escapes: Final = re.compile(
    rf"{_FIRST}{_SECOND}"
    rf"|(?P<open>(?:{_FIRST}(?:{_BEGUN_SECOND})?|\\(?:u{_HEX}{{0,3}})?)\Z)"
    rf"|(?P<half>{_FIRST}|{_SECOND})"
    r"|\\.",
    re.DOTALL,
)
_first: Final = re.compile(_FIRST)
_REPLACEMENT = "\ufffd"


class WholeEscapes:
    """Takes the pieces of one text, and returns them with U+FFFD for each half.

    An escape that may go on in the next piece waits for that.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open = ""

    def add(self, text: str) -> str:
        """Return what can be said after the next piece."""
        if not self._open and "\\" not in text:
            return text
        text, self._open = self._open + text, ""
        return _escapes.sub(self._replaced, text)

    def flush(self) -> str:
        """Return what waits, at the end of the text."""
        rest, self._open = self._open, ""
        return _first.sub(_REPLACEMENT, rest)

    def _replaced(self, found: re.Match[str]) -> str:
        if found["open"] is None:
            return found[0] if found["half"] is None else _REPLACEMENT
        self._open = found[0]
        return ""
