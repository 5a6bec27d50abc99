"""The JSON text of a call's arguments, which comes in pieces, and where it ends.

Servers put the arguments of several calls in place of one call's: at one index of a chat stream,
under one item of a responses stream, even in one string (hermes-agent#62937, lens#49). So text
after the end of a JSON text is never a part of it. Others repeat with each piece all the pieces
before it (DeepSeek behind Qianfan, hermes-agent#35718).
"""

import json
import re
from typing import Final

from gateway.translate.parts.tools.nesting import OPENERS, Nesting

_EMPTY_OBJECT = re.compile(r"\s*\{\s*\}\s*")


class ArgumentText:
    """A JSON object or list in pieces. Each character is looked at once."""

    __slots__ = (
        *("_begun", "_doubtful", "_length", "_nesting", "_pieces"),
        *("_repeats", "_valid", "ended"),
    )

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._repeats = False
        """Whether a piece is known to have repeated the text before it."""
        self._doubtful = ""
        """A piece that begins with all of the text so far, but may also continue it."""
        self._begun = False
        self._nesting = Nesting()
        self._valid: bool | None = None
        self.ended = False
        """Whether the last bracket has come. Text that does not begin with a bracket has no end."""

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def whole(self) -> bool:
        """Whether the text has ended and is JSON."""
        if self.ended and self._valid is None:
            self._valid = is_json(self.text)
        return bool(self._valid)

    @property
    def is_placeholder(self) -> bool:
        """Whether the text is `{}`, which some servers send before the arguments (pi#917)."""
        return self.ended and is_empty_object(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether no text but white space has come."""
        return not self._begun

    def news_in(self, piece: str) -> str:
        """Return the new part of a piece: the part that does not repeat the text so far.

        The caller adds it. A piece that begins with all of the text is a repetition if JSON cannot
        continue with it. If JSON can, the piece waits for the next one, or for `flush`.
        """
        doubtful, self._doubtful = self._doubtful, ""
        if doubtful:
            self._repeats = len(piece) > len(doubtful) and piece.startswith(doubtful)
            return piece[self._length :] if self._repeats else doubtful + piece
        if self.ended or not self._nesting.depth or len(piece) < self._length:
            return piece
        if not piece.startswith(self.text):
            return piece
        self._repeats = self._repeats or not self._may_go_on_with(piece)
        if self._repeats:
            return piece[self._length :]
        if len(piece) == self._length:
            return piece
        self._doubtful = piece
        return ""

    def flush(self) -> str:
        """Return the new part of a piece that still waits, at the end of all pieces."""
        doubtful, self._doubtful = self._doubtful, ""
        alone = ArgumentText()
        alone.add(doubtful)
        return doubtful[self._length :] if alone.whole else doubtful

    def add(self, text: str) -> str:
        """Add a piece up to the end of the JSON text; return the rest after that end."""
        if self.ended:
            return text
        end = self._end_in(text)
        if end is None:
            end = len(text)
        if end:
            self._pieces.append(text[:end])
            self._length += end
        return text[end:]

    def append(self, text: str) -> None:
        """Add a piece unconditionally, also after the end of the JSON."""
        self._pieces.append(text)
        self._length += len(text)
        self._begun = True
        self._valid = False if self.ended else None

    def _may_go_on_with(self, piece: str) -> bool:
        """Whether a piece that begins like the text may continue it."""
        if not self._nesting.in_string:
            return self.text.rstrip()[-1] in _BEFORE_VALUES
        # The piece's first quotation mark would end the string, and its first bracket be in it.
        behind = piece.partition('"')[2].lstrip()
        return not self._nesting.escaped and (not behind or behind[0] in _BEHIND_STRINGS)

    def _end_in(self, text: str) -> int | None:
        """Return where in the next piece the text ends, if it does."""
        position, nesting = 0, self._nesting
        if not self._begun:
            first = text.lstrip()
            self._begun = bool(first)
            if first[:1] in OPENERS:
                nesting.depth, position = 1, len(text) - len(first) + 1
        elif nesting.escaped:
            position = 1
        nesting.escaped = nesting.escaped and not text
        end = nesting.end_in(text, position) if nesting.depth else None
        self.ended = end is not None
        return end


_BEFORE_VALUES: Final = frozenset(":[,")
_BEHIND_STRINGS: Final = frozenset(":,}]")


BETWEEN: Final = " \t\r\n,"
"""Separators between two JSON texts."""


def opens_json(text: str) -> bool:
    """Whether a text after a JSON text begins as another object or list does."""
    return text.lstrip(BETWEEN).startswith(OPENERS)


def is_empty_object(text: str) -> bool:
    """Whether a text is an empty JSON object."""
    return _EMPTY_OBJECT.fullmatch(text) is not None


def is_json(text: str) -> bool:
    """Whether a text is JSON as RFC 8259 has it, lone surrogates included."""
    return _normalised(text) is not None


def same_json(one: str, other: str) -> bool:
    """Whether two texts are equal: as JSON where both are JSON, else literally."""
    return one == other or comparable(one) == comparable(other)


def comparable(text: str) -> str:
    """Return a form of a text that is equal for equal JSON; an empty text counts as `{}`."""
    return _normalised(text) or text or "{}"


def _normalised(text: str) -> str | None:
    """Return a JSON text in a form that is equal for equal values; None: not JSON."""
    try:
        return json.dumps(json.loads(text, parse_constant=_refuse), sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
