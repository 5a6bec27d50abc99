r"""Replaces escapes of half characters in JSON text that comes in pieces.

Such an escape is one half of a pair of UTF-16 (`\ud83d`) without the other half after or before it.
It is valid JSON, but the parsers of some clients refuse it, and with it the whole stream.
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
    """Takes the pieces of one text, and returns them with U+FFFD in place of each half character.

    An escape that may go on in the next piece waits for that.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open = ""

    def add(self, text: str) -> str:
        """Return the text that is certain, now that the next piece has come."""
        if not self._open and "\\" not in text:
            return text
        text, self._open = self._open + text, ""
        return _escapes.sub(self._replaced, text)

    def flush(self) -> str:
        """Return the text that still waits, at the end of all pieces."""
        rest, self._open = self._open, ""
        return _first.sub(_REPLACEMENT, rest)

    def _replaced(self, found: re.Match[str]) -> str:
        if found["open"] is None:
            return found[0] if found["half"] is None else _REPLACEMENT
        self._open = found[0]
        return ""
