"""The depth of brackets in a JSON text that comes in pieces, and where the text ends."""

import re
from dataclasses import dataclass
from typing import Final

OPENERS: Final = ("{", "[")
"""The brackets with which the text of an object or a list begins."""

_OUTSIDE = re.compile(r'[^"{}\[\]]*+(["{}\[\]])')
_STRING_END = re.compile(r'(?:[^"\\]++|\\.)*+(["\\])', re.DOTALL)
"""Matches the rest of a string, or the part of it before a backslash that is the last character."""


@dataclass(slots=True)
class Nesting:
    """A position in the text of an object or a list; each character is looked at once."""

    depth: int = 0
    """The number of open brackets; 0: the text has not begun, or has ended."""
    in_string: bool = False
    escaped: bool = False
    """Whether the last character was the backslash of an escape, which the next one ends."""

    def end_in(self, piece: str, position: int) -> int | None:
        """Read a piece from a position on; return where in it the text ends, or None."""
        while True:
            pattern = _STRING_END if self.in_string else _OUTSIDE
            found = pattern.match(piece, position)
            if found is None:
                return None
            position = found.end()
            match found[1]:
                case '"':
                    self.in_string = not self.in_string
                case "\\":
                    self.escaped = True
                    return None
                case "{" | "[":
                    self.depth += 1
                case _:
                    self.depth -= 1
                    if not self.depth:
                        return position
