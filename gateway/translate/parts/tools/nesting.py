"""How deep in its brackets a JSON text is that comes in pieces, and where it ends."""

import re
from dataclasses import dataclass
from typing import Final

OPENERS: Final = ("{", "[")
"""How the text of an object or a list begins."""

_OUTSIDE = re.compile(r'[^"{}\[\]]*+(["{}\[\]])')
_STRING_END = re.compile(r'(?:[^"\\]++|\\.)*+(["\\])', re.DOTALL)
"""The rest of a string, or what of it is before a backslash that is the last character."""


@dataclass(slots=True)
class Nesting:
    """A place in the text of an object or a list. Each character is looked at once."""

    depth: int = 0
    """The brackets that are open; 0: the text has not begun, or has ended."""
    in_string: bool = False
    escaped: bool = False
    """Whether the last character was the backslash of an escape, which the next one ends."""

    def end_in(self, piece: str, position: int) -> int | None:
        """Take a piece from a position on; return where the text ends in it, if it does."""
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
